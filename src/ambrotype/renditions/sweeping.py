"""Lets go of renditions: unused ones, those that an item has too many of, and those of purged items."""

import uuid

from ambrotype.core import layout, renditions
from ambrotype.records import database
from ambrotype.records import renditions as rows
from ambrotype.renditions import making
from ambrotype.storage import contract

BATCH = 200
ALWAYS = (renditions.THUMB.name, renditions.POSTER.name)
"""They go with their item only."""


async def sweep(data: database.Database, store: contract.Store, *, days: int) -> None:
    """Drops what nobody has asked for in `days` days (0 = never), and removes what was dropped `making.GRACE` ago."""
    while days:
        async with data.transaction(database.WORKER) as tx:
            dropped = await rows.drop_unused(tx, days=days, always=ALWAYS, grace=making.GRACE, most=BATCH)
        if dropped < BATCH:
            break
    async with data.transaction(database.WORKER) as tx:
        await rows.forget_failures(tx)
    while await _remove(data, store):
        pass


async def remove_all(tx: database.Transaction, store: contract.Store, bucket: str, media_id: uuid.UUID) -> None:
    """Everything that was made of a purged item, known to its rows or not."""
    keys = [entry.key async for entry in store.list(bucket, layout.renditions_of(media_id))]
    for key in keys:
        await store.delete(key)
    await rows.forget_all(tx, media_id)


async def _remove(data: database.Database, store: contract.Store) -> bool:
    """The rows are locked meanwhile: who wants one back gets it before, or makes it again after."""
    async with data.transaction(database.WORKER) as tx:
        due = await rows.due(tx, most=BATCH)
        for row in due:
            await store.delete(contract.Key(row["bucket"], row["path"]))
            await rows.forget(tx, row["media_id"], row["name"])
    return len(due) == BATCH
