"""The `capture` table: what each capture is about, and how it ends. `claims` says whose turn it is."""

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ambrotype.core import errors
from ambrotype.records import database


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What of an item its place in the store depends on."""

    media_id: uuid.UUID
    owner_id: uuid.UUID
    owner_kind: str
    owner_subject: str
    source: str
    kind: str
    enhancement: str | None
    project: str | None
    slot: str | None
    version: int | None
    name: str
    layout: str
    created_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """Whole, verified bytes that lie durably in the store."""

    bucket: str
    path: str
    size: int
    sha256: bytes
    kind: str
    content_type: str
    width: int | None
    height: int | None
    duration: float | None


async def item(tx: database.Transaction, media_id: uuid.UUID) -> Item:
    """The same of an item that the transaction's caller has just made from bytes."""
    row = await tx.one(
        "select m.id as media_id, m.owner_id, o.kind as owner_kind, o.subject as owner_subject, m.source, m.kind,"
        " m.enhancement, m.project, m.slot, m.version, m.name, m.layout, m.created_at"
        " from ambrotype.media m join ambrotype.owner o on o.id = m.owner_id where m.id = %(id)s",
        id=media_id,
    )
    if row is None:
        raise errors.NotFound(f"There is no media item {media_id}.")
    return Item(**row)


async def lock(tx: database.Transaction, media_id: uuid.UUID) -> bool:
    """Locks the item until the transaction ends. False when it is not to be kept (any more): somebody else was first.

    Bytes are published and recorded under this lock, so two workers can't both publish one item.
    """
    # The slot first, as whoever accepts does; and of two versions that end at once the second sees the first.
    await tx.run(
        "select from ambrotype.media m join ambrotype.slot s on s.owner_id = m.owner_id and s.project = m.project"
        " and s.name = m.slot where m.id = %(id)s for update of s",
        id=media_id,
    )
    row = await tx.one("select status from ambrotype.media where id = %(id)s for update", id=media_id)
    return row is not None and row["status"] == "keeping"


async def kept(tx: database.Transaction, media_id: uuid.UUID, stored: Bytes) -> None:
    """Records published bytes: the item is kept, its capture is over, and its slot shows it unless it has a newer one."""
    await tx.run(
        """
        with done as (delete from ambrotype.capture where media_id = %(id)s),
        item as (
          update ambrotype.media set status = 'kept', kept_at = clock_timestamp(), bucket = %(bucket)s, path = %(path)s,
            size = %(size)s,
            sha256 = %(sha256)s, kind = %(kind)s, content_type = %(content_type)s, width = %(width)s, height = %(height)s,
            duration = %(duration)s
          where id = %(id)s returning id, owner_id, project, slot, version
        )
        update ambrotype.slot s set current_id = item.id
        from item where s.owner_id = item.owner_id and s.project = item.project and s.name = item.slot
          and not exists (select from ambrotype.media c where c.id = s.current_id and c.status = 'kept'
                          and c.deleted_at is null and c.version > item.version)
        """,
        id=media_id,
        **dataclasses.asdict(stored),
    )


async def staged(tx: database.Transaction, media_id: uuid.UUID, stored: Bytes) -> None:
    """Durable bytes of an item that nobody has asked to keep yet; it stays temporary."""
    await tx.run(
        "update ambrotype.media set bucket = %(bucket)s, path = %(path)s, size = %(size)s, sha256 = %(sha256)s,"
        " kind = %(kind)s, content_type = %(content_type)s, width = %(width)s, height = %(height)s,"
        " duration = %(duration)s where id = %(id)s and status = 'temporary'",
        id=media_id,
        **dataclasses.asdict(stored),
    )


async def staged_bytes(tx: database.Transaction, media_id: uuid.UUID) -> Bytes | None:
    """What was staged of the item, locked; None where there is nothing such."""
    row = await tx.one(
        "select bucket, path, size, sha256, kind, content_type, width, height, duration from ambrotype.media"
        " where id = %(id)s and status in ('temporary', 'keeping') and path is not null for update",
        id=media_id,
    )
    return Bytes(**row) if row else None


async def unstage(tx: database.Transaction, *, most: int) -> list[database.Row]:
    """Staged items past their announced end expire; where their bytes lay. Facts die first, the caller removes the bytes.

    One that lay in the trash ends there.
    """
    found = await tx.all(
        """
        with due as (
          select id, bucket, path, deleted_at from ambrotype.media
          where status = 'temporary' and path is not null and source_expires_at < now()
          order by source_expires_at limit %(most)s for update skip locked
        )
        update ambrotype.media m set status = 'expired', bucket = null, path = null, size = null, sha256 = null,
          deleted_at = null
        from due where m.id = due.id returning due.id, due.bucket, due.path, due.deleted_at
        """,
        most=most,
    )
    for row in found:
        if row["deleted_at"] is not None:
            await tx.run("select ambrotype.discard(%(id)s, 'expired')", id=row["id"])
    return found


async def lock_free(tx: database.Transaction, media: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Locks those of the items that are to be kept and that nobody else has locked, without waiting: no deadlock."""
    found = await tx.all(
        "select id from ambrotype.media where id = any(%(ids)s) and status = 'keeping' for update skip locked",
        ids=list(media),
    )
    return {row["id"] for row in found}


async def kept_all(tx: database.Transaction, stored: Mapping[uuid.UUID, Bytes]) -> None:
    """The same as `kept` for locked items without a slot."""
    await tx.run(
        """
        with stored as (
          select * from jsonb_to_recordset(%(stored)s) as s (id uuid, bucket text, path text, size bigint, sha256 text,
            kind text, content_type text, width integer, height integer, duration double precision)
        ),
        done as (delete from ambrotype.capture c using stored s where c.media_id = s.id)
        update ambrotype.media m set status = 'kept', kept_at = clock_timestamp(), bucket = s.bucket, path = s.path, size = s.size,
          sha256 = decode(s.sha256, 'hex'), kind = s.kind, content_type = s.content_type, width = s.width,
          height = s.height, duration = s.duration
        from stored s where m.id = s.id
        """,
        stored=database.json(
            [
                {**dataclasses.asdict(one), "id": media_id, "sha256": one.sha256.hex()}
                for media_id, one in stored.items()
            ]
        ),
    )


async def again(
    tx: database.Transaction,
    *,
    media_id: uuid.UUID,
    lease: uuid.UUID,
    failure: errors.AmbrotypeError,
    after: float,
) -> None:
    """The try failed; the next one is due in `after` seconds."""
    await tx.run(
        "update ambrotype.capture set lease = null, lease_until = null,"
        " not_before = now() + make_interval(secs => %(after)s), last_code = %(code)s, last_detail = %(detail)s"
        " where media_id = %(id)s and lease = %(lease)s",
        id=media_id,
        lease=lease,
        after=after,
        code=failure.code,
        detail=failure.detail,
    )


async def renewed(
    tx: database.Transaction, *, media_id: uuid.UUID, lease: uuid.UUID, source: Mapping[str, Any], after: float
) -> bool:
    """The item goes on under its id from a fresh URL, in `after` seconds. `source` is `url`, `host`, `deadline`, `assumed`,
    `expires_at` and `rule`. False if somebody else has the capture by now."""
    await lock(tx, media_id)
    mine = await tx.run(
        "update ambrotype.capture set url = %(url)s, host = %(host)s, deadline = %(deadline)s, assumed = %(assumed)s,"
        " lease = null, lease_until = null, attempts = 0, not_before = now() + make_interval(secs => %(after)s)"
        " where media_id = %(id)s and lease = %(lease)s",
        id=media_id,
        lease=lease,
        after=after,
        **{name: source[name] for name in ("url", "host", "deadline", "assumed")},
    )
    if mine:
        await tx.run(
            "update ambrotype.media set source_expires_at = %(expires_at)s, source_expiry_rule = %(rule)s where id = %(id)s",
            id=media_id,
            expires_at=source["expires_at"],
            rule=source["rule"],
        )
        await tx.run(
            "update ambrotype.media_text set source_url = %(url)s where media_id = %(id)s",
            id=media_id,
            url=source["url"],
        )
    return bool(mine)


async def lost(
    tx: database.Transaction, *, media_id: uuid.UUID, lease: uuid.UUID, failure: errors.CaptureFailed
) -> bool:
    """Ends the item as lost, with the reason; False if somebody else has the capture by now."""
    await lock(tx, media_id)  # the item first, as `kept` does: else the two could wait for each other
    touched = await tx.run(
        """
        with mine as (delete from ambrotype.capture where media_id = %(id)s and lease = %(lease)s returning media_id)
        update ambrotype.media m set status = 'lost', lost_code = %(code)s, lost_detail = %(detail)s,
          lost_retryable = %(retryable)s
        from mine where m.id = mine.media_id and m.status = 'keeping'
        """,
        id=media_id,
        lease=lease,
        code=failure.code,
        detail=failure.detail,
        retryable=failure.retry,
    )
    return touched > 0


async def over(tx: database.Transaction, *, media_id: uuid.UUID, lease: uuid.UUID) -> None:
    """Ends a capture whose item is not to be kept any more."""
    await tx.run(
        "delete from ambrotype.capture c where media_id = %(id)s and lease = %(lease)s"
        " and not exists (select from ambrotype.media m where m.id = c.media_id and m.status = 'keeping')",
        id=media_id,
        lease=lease,
    )


async def unscheduled(tx: database.Transaction, *, most: int) -> list[database.Row]:
    """Promised items whose timetable is gone, whoever removed it."""
    return await tx.all(
        "select m.id, m.owner_id, m.source_expires_at, m.source_expiry_rule, m.source_trusted, t.source_url from ambrotype.media m"
        " join ambrotype.media_text t on t.media_id = m.id"
        " where m.status = 'keeping' and t.source_url is not null"
        " and not exists (select from ambrotype.capture c where c.media_id = m.id)"
        " limit %(most)s",
        most=most,
    )


async def reschedule(
    tx: database.Transaction,
    *,
    media_id: uuid.UUID,
    owner_id: uuid.UUID,
    url: str,
    host: str,
    deadline: Any,
    assumed: bool,
) -> None:
    """Makes a lost timetable again."""
    await tx.run(
        "insert into ambrotype.capture (media_id, owner_id, url, host, trusted, deadline, assumed)"
        " select %(id)s, %(owner)s, %(url)s, %(host)s, source_trusted, %(deadline)s, %(assumed)s"
        " from ambrotype.media where id = %(id)s and status = 'keeping' on conflict do nothing",
        id=media_id,
        owner=owner_id,
        url=url,
        host=host,
        deadline=deadline,
        assumed=assumed,
    )
