"""Generations, as their owner sees them."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ambrotype.core import errors, generation, owners
from ambrotype.library import cursor as cursors
from ambrotype.library import listing, view
from ambrotype.records import database
from ambrotype.records import generations as rows
from ambrotype.records import media as items


async def get(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, generation_id: uuid.UUID
) -> generation.Generation:
    """One generation; `errors.NotFound` where it is not the caller's."""
    async with data.transaction(who) as tx:
        return await one(tx, addresses, generation_id)


async def one(tx: database.Transaction, addresses: view.Addresses, generation_id: uuid.UUID) -> generation.Generation:
    """The same within a transaction."""
    row = await rows.get(tx, generation_id)
    if row is None:
        raise missing(generation_id)
    there = await items.some(tx, row["outputs"] or [])
    return _shown(row, there, addresses)


async def page(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    *,
    filters: Mapping[str, Sequence[str]],
    cursor: str | None = None,
    limit: int = 50,
) -> listing.Page[generation.Generation]:
    """The caller's generations, newest first."""
    position = cursors.decode("generations", cursor, spells=cursors.time)
    after = (position[0], position[1]) if position and position[0] is not None else None
    async with data.transaction(who) as tx:
        found = await rows.page(tx, filters=filters, after=after, most=limit + 1)
        there = await items.some(tx, [media_id for row in found[:limit] for media_id in row["outputs"] or ()])
    shown = [_shown(row, there, addresses) for row in found[:limit]]
    more = None
    if len(found) > limit:
        more = cursors.encode("generations", (found[limit - 1]["sort_value"], found[limit - 1]["id"]))
    return listing.Page(items=shown, next_cursor=more)


def missing(generation_id: uuid.UUID) -> errors.NotFound:
    """Not there or not theirs; the two can't be told apart."""
    return errors.NotFound(f"There is no generation {generation_id}.")


_AS_IT_IS = (
    "id", "provider", "model", "prompt", "settings", "status", "progress", "provider_job_id", "keep", "project", "slot",
    "cost", "metadata",
)  # fmt: skip


def _shown(
    row: database.Row, there: Mapping[uuid.UUID, database.Row], addresses: view.Addresses
) -> generation.Generation:
    values: dict[str, Any] = {name: row[name] for name in _AS_IT_IS}
    for name in ("created_at", "started_at", "finished_at"):
        at: datetime.datetime | None = row[name]
        values[name] = at.astimezone(datetime.UTC) if at is not None else None
    error = None
    if row["error_code"] is not None:
        error = generation.Failure(code=row["error_code"], detail=row["error_detail"], retryable=row["error_retryable"])
    return generation.Generation(
        **values,
        owner=str(owners.Owner(kind=row["owner_kind"], subject=row["owner_subject"])),
        inputs=[generation.Input(id=uuid.UUID(one["id"]), role=one["role"]) for one in row["inputs"] or ()],
        outputs=[view.media_of(there[media_id], addresses) for media_id in row["outputs"] or () if media_id in there],
        error=error,
    )
