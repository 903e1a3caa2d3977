"""What a job cost: as its provider told, else reckoned from the prices of the settings and what was made."""

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

from ambrotype.core import costs
from ambrotype.providers import contract
from ambrotype.records import following

_SECONDS = ("seconds", "duration", "duration_seconds")
"""Settings in which models are asked for a length."""


def cost(provider: contract.Provider, held: following.Held, progress: contract.Progress) -> Mapping[str, Any] | None:
    """The cost of a job that has ended with outputs; None before, and where nothing is known."""
    told = progress.cost
    if progress.status not in ("completed", "failed", "cancelled") or (told is None and not progress.outputs):
        return None
    primary = [one for one in progress.outputs if one.role == "primary"]
    made: dict[str, int] = collections.Counter(one.kind or held.kind or "output" for one in primary)
    made["output"] = len(primary)
    used = costs.Used(made=made, seconds=_seconds(held.settings) * len(primary) or None)
    if told is not None:
        used = dataclasses.replace(
            used, amount=told.amount, currency=told.currency, units=told.units, unit=told.unit, parts=told.parts,
            billed=not told.estimated,
        )  # fmt: skip
    found = costs.reckon(used, provider.config.price, held.model)
    return dataclasses.asdict(found) if found is not None else None


def _seconds(settings: Mapping[str, Any]) -> float:
    for name in _SECONDS:
        try:
            return max(float(settings[name]), 0.0)
        except (KeyError, TypeError, ValueError):
            continue
    return 0.0
