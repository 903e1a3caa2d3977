"""Workers that are alive, and what the sweeps touch. Each statement may run twice, and in many processes at once."""

import uuid

from ambrotype.records import database


async def seen(
    tx: database.Transaction, *, worker: uuid.UUID, host: str, pid: int, state: str, detail: str | None
) -> None:
    """This worker lives, and says how it is; those silent for ten minutes are forgotten."""
    await tx.run(
        "insert into ambrotype.worker (id, host, pid, state, detail) values (%(id)s, %(host)s, %(pid)s, %(state)s, %(detail)s)"
        " on conflict (id) do update set state = excluded.state, detail = excluded.detail, seen_at = now()",
        id=worker,
        host=host,
        pid=pid,
        state=state,
        detail=detail,
    )
    await tx.run("delete from ambrotype.worker where seen_at < now() - interval '10 minutes'")


async def left(tx: database.Transaction, worker: uuid.UUID) -> None:
    """This worker ends."""
    await tx.run("delete from ambrotype.worker where id = %(id)s", id=worker)


async def alive(tx: database.Transaction) -> list[database.Row]:
    """Workers heard of within the last minute."""
    return await tx.all(
        "select id, host, pid, state, detail, started_at, seen_at from ambrotype.worker"
        " where seen_at > now() - interval '1 minute' order by started_at"
    )


async def expire(tx: database.Transaction) -> int:
    """Temporary items whose source has died are expired."""
    return await tx.run(
        "update ambrotype.media set status = 'expired'"
        " where status = 'temporary' and source_expires_at < now() and path is null"
    )


async def trash_due(tx: database.Transaction) -> int:
    """Kept items past the date that their owner set on them go to the trash. Index: media_until."""
    return await tx.run(
        "update ambrotype.media set deleted_at = now()"
        " where expires_at < now() and expires_at is not null and status = 'kept' and deleted_at is null"
    )


async def sweep_expired(tx: database.Transaction, *, days: int) -> int:
    """Expired items of that age, nobody's parents, become tombstones."""
    row = await tx.one("select ambrotype.sweep_expired(make_interval(days => %(days)s)) as n", days=days)
    return row["n"] if row else 0


async def empty_trash(tx: database.Transaction, *, days: int, grace: int) -> int:
    """Up to 1,000 items that have lain in the trash for so many days, nobody's parents, are purged. Index: media_trashed."""
    row = await tx.one(
        "select ambrotype.empty_trash(make_interval(days => %(days)s), make_interval(days => %(grace)s)) as n",
        days=days,
        grace=grace,
    )
    return row["n"] if row else 0


async def sweep_idempotency(tx: database.Transaction) -> int:
    """Idempotency keys hold for 24 hours."""
    return await tx.run("delete from ambrotype.idempotency where created_at < now() - interval '24 hours'")


async def due_purges(tx: database.Transaction, *, most: int) -> list[database.Row]:
    """Objects of purged items whose days of grace are over; locked until the transaction ends."""
    return await tx.all(
        "select media_id, bucket, path from ambrotype.purge where removed_at is null and remove_after < now()"
        " order by remove_after limit %(most)s for update skip locked",
        most=most,
    )


async def purged(tx: database.Transaction, media_id: uuid.UUID) -> None:
    """The object is gone."""
    await tx.run("update ambrotype.purge set removed_at = now() where media_id = %(id)s", id=media_id)
