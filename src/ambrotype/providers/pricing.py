"""What a job cost, in the API's shape: the provider's bill, else the settings' prices times what was used."""

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

from ambrotype.core import costs
from ambrotype.providers import contract, replies

LENGTHS = ("duration", "seconds", "duration_seconds", "audio_length", "video_length")
"""Parameters that say how long something is to be, in seconds."""


def cost(
    provider: contract.Provider, *, model: str, settings: Mapping[str, Any], progress: contract.Progress
) -> dict[str, Any] | None:
    """`{"amount", "currency", "units", "unit", "estimated"}`; None where nothing is known, or nothing was made and nothing
    is told as billed."""
    told = progress.cost
    if told is None and (progress.status != "completed" or not progress.outputs):
        return None
    told = told or contract.Cost(estimated=True)
    made: collections.Counter[str] = collections.Counter(
        output.kind for output in progress.outputs if output.role == "primary" and output.kind
    )
    used = costs.Used(
        amount=told.amount,
        currency=told.currency,
        units=told.units,
        unit=told.unit,
        parts=told.parts,
        billed=not told.estimated,
        made={**made, "output": sum(made.values())},
        seconds=_seconds(settings),
    )
    reckoned = costs.reckon(used, provider.config.price, model)
    return None if reckoned is None else dataclasses.asdict(reckoned)


def _seconds(settings: Mapping[str, Any]) -> float | None:
    for name in LENGTHS:
        value = settings.get(name)
        seconds = replies.number(value.removesuffix("s") if isinstance(value, str) else value)
        if seconds is not None:
            return seconds
    return None
