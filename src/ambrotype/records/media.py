"""Reading media: one item, pages of them, what is at risk, what happened."""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from ambrotype.core import media
from ambrotype.records import database

# Parents and the slot are looked up by primary key for each row of the page, after the page is cut.
_COLUMNS = """
  m.id, o.kind as owner_kind, o.subject as owner_subject, m.status, m.kind, m.source, m.enhancement, m.visibility, m.name,
  m.favorite, m.provider, m.model, m.request_id, m.generation_id, m.project, m.slot, m.version, m.source_expires_at,
  m.source_expiry_rule, m.layout, m.bucket, m.path, m.size, m.content_type, m.sha256, m.width, m.height, m.duration,
  m.thumbhash, m.inspection, m.inspection_detail, m.lost_code, m.lost_detail, m.lost_retryable, m.expires_at, m.created_at,
  m.kept_at, m.updated_at, m.deleted_at, t.source_url, t.title, t.description, t.tags, t.metadata, t.attribution, t.prompt,
  t.settings, t.provenance, t.cost,
  case when m.slot is not null then (
    select coalesce(s.current_id = m.id, false) from ambrotype.slot s
    where s.owner_id = m.owner_id and s.project = m.project and s.name = m.slot
  ) end as is_current,
  (select json_agg(json_build_object('id', p.parent_id, 'role', p.role) order by p.position)
   from ambrotype.media_parent p where p.media_id = m.id) as parents
"""
_TABLES = """
  join ambrotype.media_text t on t.media_id = m.id
  join ambrotype.owner o on o.id = m.owner_id
"""
_ONE = f"select {_COLUMNS} from ambrotype.media m {_TABLES} where m.id = %(id)s and m.status <> 'tombstone'"
_SOME = f"select {_COLUMNS} from ambrotype.media m {_TABLES} where m.id = any(%(ids)s) and m.status <> 'tombstone'"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """An order that pages can be cut along: a column that never changes direction within the list, then the id."""

    column: str
    descending: bool
    type: str


SORTS: Mapping[str, Sort] = {
    "-created_at": Sort(column="created_at", descending=True, type="timestamptz"),
    "created_at": Sort(column="created_at", descending=False, type="timestamptz"),
    "-size": Sort(column="size", descending=True, type="int8"),
    "size": Sort(column="size", descending=False, type="int8"),
    "source_expires_at": Sort(column="source_expires_at", descending=False, type="timestamptz"),
}
"""Rows whose sort column is null come last in either direction."""


async def get(tx: database.Transaction, media_id: uuid.UUID) -> database.Row | None:
    """The caller's item, also from the trash; None for a tombstone and for what is not theirs."""
    return await tx.one(_ONE, id=media_id)


async def some(tx: database.Transaction, media_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, database.Row]:
    """The caller's items among these ids."""
    return {row["id"]: row for row in await tx.all(_SOME, ids=list(media_ids))}


async def page(
    tx: database.Transaction,
    *,
    statuses: Sequence[media.Status],
    kinds: Sequence[media.Kind],
    sort: Sort,
    after: tuple[str | None, uuid.UUID] | None,
    most: int,
) -> list[database.Row]:
    """Up to `most` of the caller's items that come after the position (sort column's text, id), untrashed."""
    column = sql.Identifier("m", sort.column)
    direction = sql.SQL("desc" if sort.descending else "asc")
    conditions: list[sql.Composable] = [sql.SQL("m.deleted_at is null and m.status = any(%(statuses)s)")]
    if kinds:
        conditions.append(sql.SQL("m.kind = any(%(kinds)s)"))
    if after is not None:
        value = sql.SQL("%(value)s::") + sql.Identifier(sort.type)
        beyond = sql.SQL("<" if sort.descending else ">")
        if after[0] is None:
            conditions.append(sql.SQL("{} is null and m.id {} %(id)s").format(column, beyond))
        else:
            conditions.append(
                sql.SQL("(({c}, m.id) {b} ({v}, %(id)s) or {c} is null)").format(c=column, b=beyond, v=value)
                if sort.column in ("size", "source_expires_at")
                else sql.SQL("({c}, m.id) {b} ({v}, %(id)s)").format(c=column, b=beyond, v=value)
            )
    statement = sql.SQL(
        "with page as materialized (select m.id from ambrotype.media m where m.status <> 'tombstone' and {conditions}"
        " order by {column} {direction} nulls last, m.id {direction} limit %(most)s)"
        " select {columns}, {column}::text as sort_value from page join ambrotype.media m using (id) {tables}"
        " order by {column} {direction} nulls last, m.id {direction}"
    ).format(
        conditions=sql.SQL(" and ").join(conditions),
        column=column,
        direction=direction,
        columns=sql.SQL(_COLUMNS),
        tables=sql.SQL(_TABLES),
    )
    return await tx.all(
        statement,
        statuses=list(statuses),
        kinds=list(kinds),
        most=most,
        value=after[0] if after else None,
        id=after[1] if after else None,
    )


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


async def deliverable(tx: database.Transaction, media_id: uuid.UUID) -> database.Row | None:
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
