"""What is stored, delivered and paid for; and how the whole installation is doing."""

import dataclasses
from typing import Literal

GroupBy = Literal["owner", "source", "kind", "provider", "model", "project", "month"]
DIMENSIONS: tuple[GroupBy, ...] = ("owner", "source", "kind", "provider", "model", "project", "month")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Sums. `items` and `bytes` are kept items, those in the trash too: they are stored."""

    items: int
    bytes: int
    rendition_bytes: int
    """Of derived files, which can be made again."""
    views: int
    """Replies that began a file."""
    egress_bytes: int
    """Of files, ever. What the store sends by itself after a redirect is estimated as the whole file."""
    cost: float
    """What providers took for these items, kept or not, in USD."""
    other_costs: dict[str, float]
    """The same in other currencies, by their codes."""
    projected_monthly_cost: float
    """USD: a month of what is stored now, and as much egress as in the last 30 days."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Group(Amounts):
    """One group. `key` is None for items without a provider, model or project; a month is `2026-11`."""

    key: str | None
    app: str | None = None
    """Of an owner; None where it is not grouped by owner."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The groups, those with the most bytes first, and the sum of all."""

    groups: list[Group]
    total: Amounts


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Captures that have not ended."""

    depth: int
    oldest_seconds: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The whole installation, all apps."""

    by_status: dict[str, int]
    queue: Queue
    outcomes: dict[str, int]
    """How captures ended: `kept`, and of what is lost by code."""
    at_risk: int
    """Temporary and keeping items."""
