"""Uploads that take more than one request. Each statement runs as the caller, under their policies, unless it says worker."""

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from ambrotype.core import errors, quotas
from ambrotype.records import accepting, database

Way = Literal["resumable", "direct"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One row. `received` of `size` bytes are durable; `media_id` is there once the item is kept."""

    id: uuid.UUID
    owner_id: uuid.UUID
    way: Way
    size: int
    received: int
    mark: Mapping[str, Any]
    staging: Mapping[str, Any]
    fields: Mapping[str, Any]
    filename: str | None
    trusted: bool
    told: str | None
    media_id: uuid.UUID | None
    expires_at: datetime.datetime
    leased: bool

    @property
    def whole(self) -> bool:
        """All bytes are there, and nothing of them yet in the library."""
        return self.received == self.size and self.media_id is None


_COLUMNS = (
    "id, owner_id, way, size, received, mark, staging, fields, filename, trusted, told, media_id,"
    " expires_at, coalesce(lease_until > now(), false) as leased"
)


async def require_room(tx: database.Transaction, incoming: int, quota: quotas.Quota) -> None:
    """Raises `errors.QuotaExceeded` where the caller has no room for so many bytes more, uploads under way counted."""
    if not quota.limited:
        return
    row = await tx.one(
        "select ambrotype.room_for(%(incoming)s, %(items)s, %(bytes)s) as why",
        incoming=incoming,
        items=quota.items,
        bytes=quota.bytes,
    )
    if row is not None and row["why"] is not None:
        raise errors.QuotaExceeded(row["why"])


async def begin(
    tx: database.Transaction,
    upload_id: uuid.UUID,
    *,
    way: Way,
    size: int,
    staging: Mapping[str, Any],
    fields: Mapping[str, Any],
    filename: str | None,
    trusted: bool,
    told: str | None,
    life: datetime.timedelta,
    quota: quotas.Quota,
) -> Upload:
    """A new upload of the caller's; its bytes are reserved within the quota."""
    owner = await accepting.own(tx)
    if quota.limited:
        await tx.run("select ambrotype.lock_quota(%(owner)s)", owner=owner)
        await require_room(tx, size, quota)
    row = await tx.one(
        "insert into ambrotype.upload (id, owner_id, way, size, staging, fields, filename, trusted, told,"
        " expires_at) values (%(id)s, %(owner)s, %(way)s, %(size)s, %(staging)s, %(fields)s, %(filename)s, %(trusted)s,"
        f" %(told)s, now() + %(life)s) returning {_COLUMNS}",
        id=upload_id,
        owner=owner,
        way=way,
        size=size,
        staging=database.json(staging),
        fields=database.json(fields),
        filename=filename,
        trusted=trusted,
        told=told,
        life=life,
    )
    assert row is not None
    return Upload(**row)


async def get(tx: database.Transaction, upload_id: uuid.UUID, way: Way) -> Upload:
    """The caller's upload. `errors.NotFound` where there is none such, `errors.Gone` where it has run out."""
    row = await tx.one(
        f"select {_COLUMNS} from ambrotype.upload where id = %(id)s and way = %(way)s", id=upload_id, way=way
    )
    if row is None:
        raise missing(upload_id)
    found = Upload(**row)
    if found.media_id is None and found.expires_at < datetime.datetime.now(datetime.UTC):
        raise errors.Gone(f"The upload {upload_id} was not finished in time; begin a new one.")
    return found


async def claim(
    tx: database.Transaction, upload_id: uuid.UUID, way: Way, *, lease: uuid.UUID, seconds: float
) -> Upload:
    """The same, and nobody else writes it for so many seconds. `errors.Locked` while somebody does."""
    taken = await tx.run(
        "update ambrotype.upload set lease = %(lease)s, lease_until = now() + make_interval(secs => %(seconds)s)"
        " where id = %(id)s and way = %(way)s and (lease is null or lease_until < now())",
        id=upload_id,
        way=way,
        lease=lease,
        seconds=seconds,
    )
    found = await get(tx, upload_id, way)
    if not taken:
        raise errors.Locked(f"The upload {upload_id} is being written by another request; wait for its end.")
    return found


async def advance(
    tx: database.Transaction,
    upload_id: uuid.UUID,
    *,
    lease: uuid.UUID,
    seconds: float,
    received: int,
    mark: Mapping[str, Any],
    life: datetime.timedelta,
) -> datetime.datetime:
    """So many bytes are durable; until when the rest may come. `errors.Locked` where the lease is another's by now."""
    row = await tx.one(
        "update ambrotype.upload set received = %(received)s, mark = %(mark)s, expires_at = now() + %(life)s,"
        " lease_until = now() + make_interval(secs => %(seconds)s) where id = %(id)s and lease = %(lease)s"
        " returning expires_at",
        id=upload_id,
        lease=lease,
        seconds=seconds,
        received=received,
        mark=database.json(mark),
        life=life,
    )
    if row is None:
        raise errors.Locked(f"The upload {upload_id} is being written by another request; ask how far it is.")
    until: datetime.datetime = row["expires_at"]
    return until


async def hold(tx: database.Transaction, upload_id: uuid.UUID, *, lease: uuid.UUID, seconds: float) -> bool:
    """Goes on writing; False where the lease is another's by now."""
    touched = await tx.run(
        "update ambrotype.upload set lease_until = now() + make_interval(secs => %(seconds)s)"
        " where id = %(id)s and lease = %(lease)s",
        id=upload_id,
        lease=lease,
        seconds=seconds,
    )
    return touched > 0


async def holds(tx: database.Transaction, upload_id: uuid.UUID, *, lease: uuid.UUID) -> bool:
    """Whether the lease is still this one, run out or not."""
    row = await tx.one(
        "select from ambrotype.upload where id = %(id)s and lease = %(lease)s", id=upload_id, lease=lease
    )
    return row is not None


async def release(tx: database.Transaction, upload_id: uuid.UUID, *, lease: uuid.UUID) -> None:
    """Somebody else may write."""
    await tx.run(
        "update ambrotype.upload set lease = null, lease_until = null where id = %(id)s and lease = %(lease)s",
        id=upload_id,
        lease=lease,
    )


async def finished(tx: database.Transaction, upload_id: uuid.UUID, media_id: uuid.UUID) -> bool:
    """The item is kept. False where the upload is gone, or was finished by somebody else."""
    touched = await tx.run(
        "update ambrotype.upload set media_id = %(media)s, received = size where id = %(id)s and media_id is null",
        id=upload_id,
        media=media_id,
    )
    return touched > 0


async def cleared(tx: database.Transaction, upload_id: uuid.UUID) -> None:
    """What the store held for it besides the kept object is gone."""
    await tx.run("update ambrotype.upload set mark = '{}' where id = %(id)s", id=upload_id)


async def forget(tx: database.Transaction, upload_id: uuid.UUID) -> None:
    """The row goes; its bytes went before."""
    await tx.run("delete from ambrotype.upload where id = %(id)s", id=upload_id)


async def guess_version(tx: database.Transaction, project: str, slot: str) -> int:
    """The number that the caller's next version there is likely to get."""
    row = await tx.one(
        "select last_version from ambrotype.slot where owner_id = any (ambrotype.current_owners())"
        " and project = %(project)s and name = %(slot)s",
        project=project,
        slot=slot,
    )
    return row["last_version"] + 1 if row is not None else 1


async def due(tx: database.Transaction, *, most: int) -> list[Upload]:
    """As the worker: uploads that have run out, unfinished or finished, and that nobody writes; locked."""
    found = await tx.all(
        f"select {_COLUMNS} from ambrotype.upload where expires_at < now() and (lease is null or lease_until < now())"
        " and not (media_id is null and way = 'resumable' and received = size)"
        " order by expires_at limit %(most)s for update skip locked",
        most=most,
    )
    return [Upload(**row) for row in found]


async def place_of(tx: database.Transaction, media_id: uuid.UUID) -> tuple[str, str] | None:
    """As the worker: bucket and path of a kept item's bytes."""
    row = await tx.one("select bucket, path from ambrotype.media where id = %(id)s and path is not null", id=media_id)
    return (row["bucket"], row["path"]) if row is not None else None


async def left_whole(tx: database.Transaction, *, most: int) -> list[tuple[uuid.UUID, str, str, str]]:
    """As the worker: uploads whose bytes are all there, and whose item nobody is making; id, app, kind and subject of the
    owner. Index: upload_whole."""
    found = await tx.all(
        "select u.id, o.app, o.kind, o.subject from ambrotype.upload u"
        " join ambrotype.owner g on g.id = u.owner_id join ambrotype.owner o on o.id = coalesce(g.merged_into, g.id)"
        " where u.media_id is null and u.way = 'resumable' and u.received = u.size"
        " and (u.lease is null or u.lease_until < now()) order by u.id limit %(most)s",
        most=most,
    )
    return [(row["id"], row["app"], row["kind"], row["subject"]) for row in found]


def missing(upload_id: object) -> errors.NotFound:
    """The answer for one that is not there, or not the caller's."""
    return errors.NotFound(f"There is no upload {upload_id}.")
