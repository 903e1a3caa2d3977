"""Lists, search and facets: the database's functions of migration 0004, which bind the caller's owners themselves."""

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from ambrotype.records import database
from ambrotype.records import media as rows


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


async def page(
    tx: database.Transaction,
    *,
    filters: Mapping[str, Any],
    order: Order,
    after: tuple[str | None, uuid.UUID] | None,
    most: int,
) -> list[database.Row]:
    """Up to `most` items that fit the filters, after the position (the order column's text, the id)."""
    found = await tx.all(
        "select id, sort_value from ambrotype.list_media("
        "%(filters)s::jsonb, %(column)s, %(descending)s, %(value)s, %(id)s::uuid, %(most)s)",
        filters=database.json(filters),
        column=order.column,
        descending=order.descending,
        value=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
    )
    return await _whole(tx, found)


async def relevant(
    tx: database.Transaction, *, filters: Mapping[str, Any], after: tuple[str, uuid.UUID] | None, most: int
) -> list[database.Row]:
    """The best matches of the filters' query, best first: ranked among the newest 5,000, 1,000 at the most."""
    found = await tx.all(
        "select id, sort_value from ambrotype.relevant_media(%(filters)s::jsonb, %(rank)s::real, %(id)s::uuid, %(most)s)",
        filters=database.json(filters),
        rank=float(after[0]) if after else None,
        id=after[1] if after else None,
        most=most,
    )
    return await _whole(tx, found)


async def facets(tx: database.Transaction, *, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of the items that fit the filters."""
    row = await tx.one("select ambrotype.media_facets(%(filters)s) as facets", filters=database.json(filters))
    assert row is not None
    found: dict[str, Any] = row["facets"]
    return found


async def _whole(tx: database.Transaction, found: list[database.Row]) -> list[database.Row]:
    """The rows of these ids, in this order; one that has gone meanwhile is left out."""
    items = await rows.some(tx, [row["id"] for row in found])
    return [items[row["id"]] | {"sort_value": row["sort_value"]} for row in found if row["id"] in items]
