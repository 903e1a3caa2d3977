"""Renditions: one row for each thing that was asked of an item, be it made, in the making, or not possible."""

import dataclasses
import datetime
import uuid
from collections.abc import Sequence

from ambrotype.records import database

# One caller of many gets it: who finds it made, failed or in other hands gets no row. A dropped one whose file is still
# there is simply taken back by `revive`.
_CLAIM = """
insert into ambrotype.rendition as r (media_id, owner_id, name, attempts, until)
select m.id, m.owner_id, %(name)s, 1, now() + make_interval(secs => %(seconds)s)
from ambrotype.media m where m.id = %(id)s and m.status = 'kept'
on conflict (media_id, name) do update set
  attempts = r.attempts + 1, until = excluded.until
where r.state = 'wanted' and (r.until is null or r.until <= now())
returning r.attempts, r.tries
"""

_SOURCE = """
select m.id as media_id, m.bucket, m.path, m.size, m.content_type, m.name, m.kind, m.width, m.height, m.duration,
  m.inspection <> 'pending' as inspected, t.provenance ->> 'digital_source_type' as source_type
from ambrotype.media m join ambrotype.media_text t on t.media_id = m.id
where m.id = %(id)s and m.status = 'kept'
"""

# Wishes that nobody is at: what a worker makes.
_NEXT = """
select r.media_id, r.name from ambrotype.rendition r
where r.state = 'wanted' and (r.until is null or r.until <= now()) and r.name = any(%(names)s)
order by r.asked_at limit 1
"""

# What an item has too much of, longest unused first, goes.
_CROWD = """
with ranked as (
  select r.name, row_number() over w as place, sum(r.size) over w as bytes
  from ambrotype.rendition r
  where r.media_id = %(id)s and r.state = 'made' and not (r.name = any(%(always)s))
  window w as (order by r.used_at desc, r.name rows unbounded preceding)
)
update ambrotype.rendition r set state = 'dropped', until = now() + make_interval(secs => %(grace)s)
from ranked where r.media_id = %(id)s and r.name = ranked.name
  and (ranked.place > %(most)s or (ranked.bytes > %(bytes)s and ranked.place > 1))
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a rendition; `idle`: nobody has been seen to use it for an hour."""

    state: str
    bucket: str | None
    path: str | None
    size: int | None
    sha256: bytes | None
    content_type: str | None
    code: str | None
    detail: str | None
    made_at: datetime.datetime | None
    idle: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A kept original. `source_type` is the IPTC code that says who made it, known once it is `inspected`."""

    media_id: uuid.UUID
    bucket: str
    path: str
    size: int
    content_type: str
    name: str
    kind: str
    width: int | None
    height: int | None
    duration: float | None
    inspected: bool
    source_type: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A work in hand: `attempt` is ours alone, `tries` have ended badly before."""

    media_id: uuid.UUID
    name: str
    attempt: int
    tries: int


async def find(reader: database.Reader, media_id: uuid.UUID, name: str) -> Known | None:
    """Whoever asks: what they may see is decided before."""
    row = await reader.one("select * from ambrotype.rendition_of(%(id)s, %(name)s)", id=media_id, name=name)
    return Known(**row) if row else None


async def source(tx: database.Transaction, media_id: uuid.UUID) -> Source | None:
    """The original; None where it is not kept any more."""
    row = await tx.one(_SOURCE, id=media_id)
    return Source(**row) if row else None


async def claim(tx: database.Transaction, media_id: uuid.UUID, name: str, *, seconds: float) -> Claim | None:
    """Takes it to make; None where somebody else has it, or it has ended."""
    row = await tx.one(_CLAIM, id=media_id, name=name, seconds=seconds)
    return Claim(media_id=media_id, name=name, attempt=row["attempts"], tries=row["tries"]) if row else None


async def wish(tx: database.Transaction, media_id: uuid.UUID, name: str) -> None:
    """A worker is to make it."""
    await tx.run(
        "insert into ambrotype.rendition (media_id, owner_id, name)"
        " select m.id, m.owner_id, %(name)s from ambrotype.media m where m.id = %(id)s and m.status = 'kept'"
        " on conflict (media_id, name) do nothing",
        id=media_id,
        name=name,
    )


async def next_wish(tx: database.Transaction, names: Sequence[str]) -> tuple[uuid.UUID, str] | None:
    """What has been wished for longest and nobody makes. Index: rendition_wanted."""
    row = await tx.one(_NEXT, names=list(names))
    return (row["media_id"], row["name"]) if row else None


async def hold(tx: database.Transaction, mine: Claim, *, seconds: float) -> bool:
    """Holds on to a claim; False where it was lost."""
    return bool(
        await tx.run(
            "update ambrotype.rendition set until = now() + make_interval(secs => %(seconds)s)"
            " where media_id = %(id)s and name = %(name)s and state = 'wanted' and attempts = %(attempt)s",
            id=mine.media_id,
            name=mine.name,
            attempt=mine.attempt,
            seconds=seconds,
        )
    )


async def give_back(tx: database.Transaction, mine: Claim, *, seconds: float, tried: int) -> None:
    """It is for others, `seconds` from now. `tried` is 1 where this was a try that ended badly."""
    await tx.run(
        "update ambrotype.rendition set until = now() + make_interval(secs => %(seconds)s), tries = tries + %(tried)s"
        " where media_id = %(id)s and name = %(name)s and state = 'wanted' and attempts = %(attempt)s",
        id=mine.media_id,
        name=mine.name,
        attempt=mine.attempt,
        seconds=seconds,
        tried=tried,
    )


async def made(
    tx: database.Transaction, mine: Claim, *, bucket: str, path: str, size: int, sha256: bytes, content_type: str
) -> bool:
    """It is there; False where the claim was lost meanwhile, or the item is gone: then the file is to be removed."""
    return bool(
        await tx.run(
            "update ambrotype.rendition r set state = 'made', until = null, tries = 0, bucket = %(bucket)s,"
            " path = %(path)s, size = %(size)s, sha256 = %(sha256)s, content_type = %(content_type)s, made_at = now(),"
            " used_at = now()"
            " where media_id = %(id)s and name = %(name)s and state = 'wanted' and attempts = %(attempt)s"
            " and exists (select from ambrotype.media m where m.id = r.media_id and m.status = 'kept' for share)",
            id=mine.media_id,
            name=mine.name,
            attempt=mine.attempt,
            bucket=bucket,
            path=path,
            size=size,
            sha256=sha256,
            content_type=content_type,
        )
    )


async def failed(tx: database.Transaction, mine: Claim, *, code: str, detail: str) -> None:
    """It can't be made; remembered, so that nobody tries for nothing."""
    await tx.run(
        "update ambrotype.rendition set state = 'failed', until = null, code = %(code)s, detail = %(detail)s"
        " where media_id = %(id)s and name = %(name)s and state = 'wanted' and attempts = %(attempt)s",
        id=mine.media_id,
        name=mine.name,
        attempt=mine.attempt,
        code=code,
        detail=detail,
    )


async def revive(tx: database.Transaction, media_id: uuid.UUID, name: str) -> bool:
    """Takes back a dropped one; False where it is gone by now."""
    return bool(
        await tx.run(
            "update ambrotype.rendition set state = 'made', until = null, used_at = now()"
            " where media_id = %(id)s and name = %(name)s and state = 'dropped'",
            id=media_id,
            name=name,
        )
    )


async def used(tx: database.Transaction, media_id: uuid.UUID, name: str) -> None:
    """Somebody uses it."""
    await tx.run(
        "update ambrotype.rendition set used_at = now() where media_id = %(id)s and name = %(name)s"
        " and used_at < now() - interval '1 hour'",
        id=media_id,
        name=name,
    )


async def thin_out(
    tx: database.Transaction, media_id: uuid.UUID, *, most: int, most_bytes: int, always: Sequence[str], grace: float
) -> int:
    """Drops what the item has too much of, longest unused first, besides those that are `always` there."""
    return await tx.run(_CROWD, id=media_id, most=most, bytes=most_bytes, always=list(always), grace=grace)


async def drop_unused(tx: database.Transaction, *, days: int, always: Sequence[str], grace: float, most: int) -> int:
    """Drops what nobody has asked for in so many days. Index: rendition_used."""
    return await tx.run(
        "update ambrotype.rendition r set state = 'dropped', until = now() + make_interval(secs => %(grace)s)"
        " where (r.media_id, r.name) in (select u.media_id, u.name from ambrotype.rendition u where u.state = 'made'"
        " and u.used_at < now() - make_interval(days => %(days)s) and not (u.name = any(%(always)s))"
        " order by u.used_at limit %(most)s for update skip locked)",
        days=days,
        always=list(always),
        grace=grace,
        most=most,
    )


async def due(tx: database.Transaction, *, most: int) -> list[database.Row]:
    """Dropped ones whose grace is over; locked until the transaction ends."""
    return await tx.all(
        "select r.media_id, r.name, r.bucket, r.path from ambrotype.rendition r"
        " where r.state = 'dropped' and r.until < now() order by r.used_at limit %(most)s for update skip locked",
        most=most,
    )


async def forget_failures(tx: database.Transaction) -> None:
    """What could not be made a month ago may be tried again: by another version, perhaps. Index: rendition_used."""
    await tx.run("delete from ambrotype.rendition where state = 'failed' and used_at < now() - interval '30 days'")


async def forget(tx: database.Transaction, media_id: uuid.UUID, name: str) -> None:
    """The file is gone, and so is the row."""
    await tx.run("delete from ambrotype.rendition where media_id = %(id)s and name = %(name)s", id=media_id, name=name)


async def forget_all(tx: database.Transaction, media_id: uuid.UUID) -> None:
    """All of an item's."""
    await tx.run("delete from ambrotype.rendition where media_id = %(id)s", id=media_id)
