"""Reading media: one item, pages of them, what is at risk, what happened."""

import uuid
from collections.abc import Sequence
from typing import Any

from psycopg import sql

from ambrotype.records import database

# Parents and the slot are looked up by primary key for each row of the page, after the page is cut.
_COLUMNS = """
  m.id, o.kind as owner_kind, o.subject as owner_subject, m.status, m.kind, m.source, m.enhancement, m.visibility, m.name,
  m.favorite, m.provider, m.model, m.request_id, m.generation_id, m.project, m.slot, m.version, m.source_expires_at,
  m.source_expiry_rule, m.layout, m.bucket, m.path, m.size, m.content_type, m.sha256, m.width, m.height, m.duration,
  m.thumbhash, m.inspection, m.inspection_detail, m.lost_code, m.lost_detail, m.lost_retryable, m.expires_at, m.created_at,
  m.kept_at, m.updated_at, m.deleted_at, t.source_url, t.title, t.description, t.tags, t.metadata, t.attribution, t.prompt,
  t.settings, t.provenance, t.facts, t.cost,
  case when m.slot is not null then (
    select coalesce(s.current_id = m.id, false) from ambrotype.slot s
    where s.owner_id = m.owner_id and s.project = m.project and s.name = m.slot
  ) end as is_current,
  (select json_agg(json_build_object('id', p.parent_id, 'role', p.role) order by p.position)
   from ambrotype.media_parent p where p.media_id = m.id) as parents
"""
# Another one whenever the media object is: what the object shows beside its own row has to be in here. As media_heads
# (migration 0004) writes it.
_REVISION = """
  concat_ws(' ', m.id, (extract(epoch from m.updated_at) * 1000000)::bigint, o.id,
    case when m.slot is not null then (
      select coalesce(s.current_id = m.id, false) from ambrotype.slot s
      where s.owner_id = m.owner_id and s.project = m.project and s.name = m.slot) end) as revision
"""
_TABLES = """
  join ambrotype.media_text t on t.media_id = m.id
  join ambrotype.owner w on w.id = m.owner_id
  join ambrotype.owner o on o.id = coalesce(w.merged_into, w.id)
"""
NEAR = 10
"""Bits of the 64-bit perceptual hash that near-duplicates may differ in."""

_ONE = f"select {_COLUMNS} from ambrotype.media m {_TABLES} where m.id = %(id)s and m.status <> 'tombstone'"
_SOME = f"select {_COLUMNS}, {_REVISION} from ambrotype.media m {_TABLES} where m.id = any(%(ids)s) and m.status <> 'tombstone'"


async def get(tx: database.Transaction, media_id: uuid.UUID) -> database.Row | None:
    """The caller's item, also from the trash; None for a tombstone and for what is not theirs."""
    return await tx.one(_ONE, id=media_id)


async def some(tx: database.Transaction, media_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, database.Row]:
    """The caller's items among these ids, each with its `revision`."""
    return {row["id"]: row for row in await tx.all(_SOME, ids=list(media_ids))}


async def at_risk(tx: database.Transaction, *, after: tuple[str, uuid.UUID] | None, most: int) -> list[database.Row]:
    """The caller's temporary and keeping items by deadline, soonest first, those without one last. Index: media_at_risk."""
    return await tx.all(
        sql.SQL(
            f"select {_COLUMNS}, coalesce(m.source_expires_at, 'infinity')::text as sort_value,"
            " extract(epoch from m.source_expires_at - now())::float8 as seconds_left"
            f" from ambrotype.media m {_TABLES} where m.status in ('temporary', 'keeping') and m.deleted_at is null"
            " and (%(at)s::timestamptz is null or (coalesce(m.source_expires_at, 'infinity'), m.id) > (%(at)s, %(id)s))"
            " order by coalesce(m.source_expires_at, 'infinity'), m.id limit %(most)s"
        ),
        at=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
    )


async def events(tx: database.Transaction, media_id: uuid.UUID, *, after: int, most: int) -> list[dict[str, Any]]:
    """What happened to the caller's item, oldest first."""
    return await tx.all(
        "select id, media_id, generation_id, type, at, data from ambrotype.event"
        " where media_id = %(id)s and id > %(after)s order by id limit %(most)s",
        id=media_id,
        after=after,
        most=most,
    )


async def deliverable(tx: database.Reader, media_id: uuid.UUID) -> database.Row | None:
    """Delivery columns of any item, whoever asks; what may be shown is decided by `delivery`."""
    return await tx.one("select * from ambrotype.deliverable(%(id)s)", id=media_id)


async def hurry(tx: database.Transaction, media_id: uuid.UUID) -> None:
    """Moves the item's capture to the front."""
    await tx.run("select ambrotype.hurry(%(id)s)", id=media_id)


async def other_with_source(tx: database.Transaction, media_id: uuid.UUID, source_hash: bytes) -> uuid.UUID | None:
    """Another item of the same owner and place that is known by this source. Index: media_source."""
    row = await tx.one(
        "select o.id from ambrotype.media m join ambrotype.media o on o.owner_id = m.owner_id and o.source_hash = %(hash)s"
        " and coalesce(o.project, '') = coalesce(m.project, '') and coalesce(o.slot, '') = coalesce(m.slot, '')"
        " where m.id = %(id)s and o.id <> m.id and not m.again and not o.again and o.deleted_at is null"
        " and o.status <> 'tombstone'",
        id=media_id,
        hash=source_hash,
    )
    return row["id"] if row else None


async def similar(tx: database.Transaction, media_id: uuid.UUID) -> list[uuid.UUID]:
    """The caller's near-duplicates of an item, the nearest first, itself not among them."""
    found = await tx.all("select id from ambrotype.near_duplicates(%(id)s, %(bits)s)", id=media_id, bits=NEAR)
    return [row["id"] for row in found]
