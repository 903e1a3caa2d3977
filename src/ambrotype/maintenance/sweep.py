"""All that is ever swept. No kept item's row or bytes are, but for a purge that a person decided and a week has passed."""

import asyncio
import contextlib
import time
from pathlib import Path

import structlog

from ambrotype.accounts import guests
from ambrotype.capture.uploads import resumable
from ambrotype.capture.uploads import sweeping as unfinished
from ambrotype.core import errors
from ambrotype.maintenance import webhooks
from ambrotype.records import captures, database, editing, sessions, usage, warnings, workers
from ambrotype.records import webhooks as telling
from ambrotype.renditions import sweeping as derived
from ambrotype.storage import contract, copies

OFTEN = 15.0
SELDOM = 3600.0
FOLD = 10_000
"""Changes of usage that are added up in one transaction."""
LEFTOVER = 24 * 3600.0
"""Age in seconds at which unpublished bytes that no writer holds are leftovers of a crash."""

log = structlog.get_logger("ambrotype.sweep")


async def forever(
    data: database.Database,
    store: contract.Store,
    *,
    spool: Path,
    days: int,
    rendition_days: int,
    trash_days: int | None,
    uploads: resumable.Resumables,
) -> None:
    """Sweeps again and again; a sweep that fails is tried at the next turn."""
    next_full = 0.0
    while True:
        try:
            await expire(data)
            while await unstage(data, store):
                pass
            while await guests.move(data):
                pass
            await fold(data)
            await unfinished.finish(data, uploads)
            if time.monotonic() >= next_full:
                await full(data, store, spool=spool, days=days, rendition_days=rendition_days)
                if trash_days is not None:
                    await empty_trash(data, days=trash_days)
                next_full = time.monotonic() + SELDOM
        except errors.AmbrotypeError as problem:
            log.warning("sweep put off", detail=problem.detail)
        except Exception:
            log.exception("sweep failed")
        await asyncio.sleep(OFTEN)


async def expire(data: database.Database) -> None:
    """Temporary items whose source has died expire; items past the date that their owner set go to the trash."""
    async with data.transaction(database.WORKER) as tx:
        await workers.expire(tx)
        await workers.trash_due(tx)


async def unstage(data: database.Database, store: contract.Store) -> int:
    """Bytes that were staged for seven days and that nobody asked to keep: facts die first, then bytes."""
    async with data.transaction(database.WORKER) as tx:
        gone = await captures.unstage(tx, most=20)
    for row in gone:
        await store.delete(contract.Key(row["bucket"], row["path"]))
    return len(gone)


async def fold(data: database.Database) -> None:
    """Adds what has changed into the owners' totals."""
    more = True
    while more:
        async with data.transaction(database.WORKER) as tx:
            more = await usage.fold(tx, most=FOLD) == FOLD


async def full(data: database.Database, store: contract.Store, *, spool: Path, days: int, rendition_days: int) -> None:
    """Expired rows of that many days (0 = never), idempotency keys, sessions, old deliveries, purged objects, uploads,
    renditions that nobody has used for so many days (0 = never), leftovers of writes."""
    async with data.transaction(database.WORKER) as tx:
        if days:
            await workers.sweep_expired(tx, days=days)
        await workers.sweep_idempotency(tx)
        await sessions.sweep(tx)
        await telling.forget(tx, days=webhooks.LOG_DAYS)
        await warnings.forget(tx)
    while await purge(data, store):
        pass
    await derived.sweep(data, store, days=rendition_days)
    while await unfinished.sweep(data, store):
        pass
    await store.sweep(LEFTOVER)
    await asyncio.to_thread(_sweep_spool, spool)


async def empty_trash(data: database.Database, *, days: int) -> None:
    """Purges what has lain in the trash for so many days: the one thing kept that goes by itself, because a setting says so."""
    more = True
    while more:
        async with data.transaction(database.WORKER) as tx:
            more = await workers.empty_trash(tx, days=days, grace=editing.GRACE) > 0


async def purge(data: database.Database, store: contract.Store) -> int:
    """Objects of items that a person purged, after their days of grace: facts died first, bytes die now."""
    async with data.transaction(database.WORKER) as tx:
        due = await workers.due_purges(tx, most=20)
        for row in due:
            await store.delete(contract.Key(row["bucket"], row["path"]))
            await derived.remove_all(tx, store, row["bucket"], row["media_id"])
            await workers.purged(tx, row["media_id"])
    return len(due)


def _sweep_spool(folder: Path) -> None:
    limit = time.time() - LEFTOVER
    for file in folder.glob(f"{copies.PREFIX}*"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < limit:
                file.unlink()
