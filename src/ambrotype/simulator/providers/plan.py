"""What becomes of a job: written as `queue=1,run=2,blocked`, behind the model's name and a `~`, in a field or header
`simulate`, or set as a default by the control interface.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ambrotype.core import errors

OUTCOMES = ("success", "failed", "invalid", "blocked", "partial", "cancelled", "expired")
DELIVERIES = ("normal", "forged", "old", "unsigned")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Every option has a default, under which all goes well."""

    queue: float = 0.0
    """Seconds in the queue."""
    run: float = 0.3
    """Seconds at work after that."""
    outcome: str = "success"
    """One of `OUTCOMES`; `invalid` is a fault of the input, `failed` one of the provider, `partial` loses the last output
    of a batch."""
    outputs: int = 0
    """How many; 0 = as many as the request asks for."""
    kind: str = ""
    """image, video or audio; else guessed from the model's name."""
    asset: str = ""
    """The path of each output instead of the usual one; `{seed}` is filled in: `image/64x64/{seed}.png`."""
    fault: str = ""
    """A fault of the CDN for the outputs: `cut:at=1000:times=2`."""
    shape: str = ""
    """A variation of the protocol, where it has some."""
    webhook: tuple[str, ...] = ("normal",)
    """Deliveries in their order, of `DELIVERIES`; none = lost."""
    early: bool = False
    """The job is done, and its webhook delivered, before the submission is answered."""
    submit: str = ""
    """Instead of the submission's answer: a status (nothing is taken), or `lost` (the job is taken, the connection
    closed)."""
    submits: int = 1
    """How many submissions of the same content that strikes; 0 = all."""
    poll: int = 0
    """A status instead of the answer to a poll."""
    polls: int = 1
    """How many polls that strikes; 0 = all."""
    pace: float = 0.0
    """Seconds: polls that come sooner after the one before are answered 429."""
    retry_after: float = 0.0
    """Seconds in Retry-After of what `submit`, `poll` and `pace` refuse; 0 = without."""
    away: int = 0
    """A status (404, 410) for every question about the job: the provider has gone."""
    life: float | None = None
    """Seconds from completion to the removal of the outputs; None = the provider's own."""
    ttl: float | None = None
    """Seconds that one URL of an output works; None = as long as the outputs live."""
    remint: bool | None = None
    """Whether each poll gives fresh URLs; None = as the provider does."""
    tag: str = ""
    """The caller's own name for the job, to find it again."""


_FIELDS = {field.name: field for field in dataclasses.fields(Plan)}


def parse(text: str) -> dict[str, Any]:
    """Options by name. `errors.InvalidRequest` with the option that is wrong."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return read({name.strip(): value if equals else True for name, equals, value in pairs})


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same from an object, as in JSON."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name in OUTCOMES and value is True:
            options["outcome"] = name
        elif name == "delay":
            total = _number(name, value)
            options |= {"queue": total / 4, "run": total * 3 / 4}
        elif name in _FIELDS:
            options |= _option(name, value)
        else:
            raise errors.InvalidRequest(
                f"A plan has no option {name!r}: use delay, {', '.join((*_FIELDS, *OUTCOMES))}."
            )
    return options


def _option(name: str, value: Any) -> dict[str, Any]:
    if name == "webhook":
        return _webhook(value)
    kind = _FIELDS[name].type
    if kind in (bool, bool | None):
        return {name: value in (True, "yes", "true", "1")}
    if name in ("submit", "poll", "away") and value != "lost":
        return {name: _status(name, value)}
    if kind is int:
        return {name: int(_number(name, value))}
    if kind in (float, float | None):
        return {name: _number(name, value)}
    if name == "outcome" and value not in OUTCOMES:
        raise errors.InvalidRequest(f"No outcome {value!r}: use one of {', '.join(OUTCOMES)}.")
    return {name: str(value)}


def _status(name: str, value: Any) -> str | int:
    status = int(_number(name, value))
    if status and not 400 <= status <= 599:
        raise errors.InvalidRequest(f"{name}={value!r} in a plan: give a status from 400 to 599.")
    return status if name != "submit" else str(status) if status else ""


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise errors.InvalidRequest(f"{name}={value!r} in a plan: give a number.") from None
    if number < 0:
        raise errors.InvalidRequest(f"{name}={value!r} in a plan: give 0 or more.")
    return number


def _webhook(value: Any) -> dict[str, Any]:
    """`forged+normal`: one after the other; `lost`, `duplicate` and `early` are words for whole cases."""
    words = value.split("+") if isinstance(value, str) else list(value)
    options: dict[str, Any] = {"early": True} if "early" in words else {}
    deliveries: list[str] = []
    for word in words:
        if word == "duplicate":
            deliveries += ["normal", "normal"]
        elif word in DELIVERIES:
            deliveries.append(word)
        elif word not in ("early", "lost"):
            raise errors.InvalidRequest(
                f"No webhook {word!r}: use lost, early, duplicate, {', '.join(DELIVERIES)}, joined by +."
            )
    if not deliveries and "lost" not in words:
        deliveries = ["normal"]
    return {**options, "webhook": tuple(deliveries)}


def make(*layers: Mapping[str, Any]) -> Plan:
    """A plan of options, later layers over earlier ones."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged |= layer
    return Plan(**merged)
