"""Lists, search and facets: the database's functions of migration 0004, which bind the caller's owners themselves."""

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from ambrotype.records import database


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order that pages can be cut along: a column, then the id. Rows without a value come last in either direction."""

    column: str
    descending: bool = False


ORDERS: Mapping[str, Order] = {
    "-created_at": Order(column="created_at", descending=True),
    "created_at": Order(column="created_at"),
    "-size": Order(column="size", descending=True),
    "size": Order(column="size"),
    "title": Order(column="title"),
    "source_expires_at": Order(column="source_expires_at"),
}
"""Besides these, `relevance`, which is not a column's."""
RELEVANCE = Order(column="relevance", descending=True)
"""The best matches of the filters' query, best first: ranked among the newest 5,000, 1,000 at the most."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A row of a list: its item's revision (`records/media.py`), and the order column's value as text."""

    revision: str
    sort_value: str | None

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(self.revision[:36])


async def heads(
    tx: database.Reader,
    *,
    filters: Mapping[str, Any],
    order: Order,
    after: tuple[str | None, uuid.UUID] | None,
    most: int,
) -> list[Head]:
    """Up to `most` items that fit the filters, after the position (the order column's text, the id)."""
    row = await tx.one(
        "select revisions, sort_values from ambrotype.media_heads("
        "%(filters)s::jsonb, %(column)s, %(descending)s, %(value)s, %(id)s::uuid, %(most)s)",
        filters=database.json(filters),
        column=order.column,
        descending=order.descending,
        value=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
    )
    assert row is not None
    found = zip(row["revisions"] or (), row["sort_values"] or (), strict=True)
    return [Head(revision=revision, sort_value=value) for revision, value in found]


async def facets(tx: database.Transaction, *, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of the items that fit the filters."""
    row = await tx.one("select ambrotype.media_facets(%(filters)s) as facets", filters=database.json(filters))
    assert row is not None
    found: dict[str, Any] = row["facets"]
    return found
