"""Collections and what lies in them, in order."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from psycopg import sql

from ambrotype.records import database

_SHOWN = """
  c.id, o.kind as owner_kind, o.subject as owner_subject, c.name, c.description, c.visibility, c.featured_id, c.created_at,
  c.updated_at,
  (select count(*) from ambrotype.collection_item i join ambrotype.media m on m.id = i.media_id
   where i.collection_id = c.id and m.deleted_at is null and m.status <> 'tombstone') as count,
  coalesce(c.featured_id, (
    select i.media_id from ambrotype.collection_item i join ambrotype.media m on m.id = i.media_id
    where i.collection_id = c.id and m.status = 'kept' and m.deleted_at is null order by i.position limit 1)) as cover_id
"""


async def create(
    tx: database.Transaction, *, collection_id: uuid.UUID, owner_id: uuid.UUID, values: Mapping[str, Any]
) -> None:
    """A new collection of the caller."""
    await tx.run(
        "insert into ambrotype.collection (id, owner_id, name, description, visibility)"
        " values (%(id)s, %(owner)s, %(name)s, %(description)s, %(visibility)s)",
        id=collection_id,
        owner=owner_id,
        name=values["name"],
        description=values.get("description"),
        visibility=values.get("visibility", "private"),
    )


async def get(tx: database.Transaction, collection_id: uuid.UUID) -> database.Row | None:
    """One collection of the caller."""
    return await tx.one(
        sql.SQL(
            f"select {_SHOWN} from ambrotype.collection c join ambrotype.owner o on o.id = c.owner_id where c.id = %(id)s"
        ),
        id=collection_id,
    )


async def page(tx: database.Transaction, *, after: tuple[str, uuid.UUID] | None, most: int) -> list[database.Row]:
    """The caller's collections, newest first. Index: collection_owner."""
    return await tx.all(
        sql.SQL(
            f"select {_SHOWN}, c.created_at::text as sort_value from ambrotype.collection c"
            " join ambrotype.owner o on o.id = c.owner_id"
            " where (%(at)s::timestamptz is null or (c.created_at, c.id) < (%(at)s, %(id)s))"
            " order by c.created_at desc, c.id desc limit %(most)s"
        ),
        at=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
    )


async def lock(tx: database.Transaction, collection_id: uuid.UUID) -> bool:
    """Holds the collection's order still until the transaction ends; False where it is not the caller's."""
    row = await tx.one("select id from ambrotype.collection where id = %(id)s for update", id=collection_id)
    return row is not None


async def update(tx: database.Transaction, collection_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Writes fields."""
    changes = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
    await tx.run(
        sql.SQL("update ambrotype.collection set {} where id = %(collection_id)s").format(
            sql.SQL(", ").join([*changes, sql.SQL("updated_at = now()")])
        ),
        collection_id=collection_id,
        **values,
    )


async def delete(tx: database.Transaction, collection_id: uuid.UUID) -> bool:
    """Removes the collection, not what lies in it."""
    return bool(await tx.run("delete from ambrotype.collection where id = %(id)s", id=collection_id))


async def items(
    tx: database.Transaction, collection_id: uuid.UUID, *, after: str | None, most: int
) -> list[database.Row]:
    """What lies in it outside the trash, in order."""
    return await tx.all(
        "select i.media_id, i.position::text as position, i.note from ambrotype.collection_item i"
        " join ambrotype.media m on m.id = i.media_id and m.deleted_at is null and m.status <> 'tombstone'"
        " where i.collection_id = %(id)s and (%(after)s::numeric is null or i.position > %(after)s::numeric)"
        " order by i.position limit %(most)s",
        id=collection_id,
        after=after,
        most=most,
    )


async def item(tx: database.Transaction, collection_id: uuid.UUID, media_id: uuid.UUID) -> database.Row | None:
    """One item of it."""
    return await tx.one(
        "select media_id, position::text as position, note from ambrotype.collection_item"
        " where collection_id = %(id)s and media_id = %(media)s",
        id=collection_id,
        media=media_id,
    )


async def gap(
    tx: database.Transaction,
    collection_id: uuid.UUID,
    *,
    moved: uuid.UUID,
    before: uuid.UUID | None,
    after: uuid.UUID | None,
) -> Decimal | None:
    """A position beside another item, or at the end; None where that item is not in the collection. Needs the lock."""
    row = await tx.one(
        """
        with others as (select media_id, position from ambrotype.collection_item
                        where collection_id = %(id)s and media_id <> %(moved)s),
        beside as (select position from others where media_id = coalesce(%(before)s::uuid, %(after)s::uuid))
        select case
          when %(before)s::uuid is null and %(after)s::uuid is null then
            (select coalesce(max(position), 0) + 1 from others)
          when not exists (select from beside) then null
          when %(before)s::uuid is not null then
            ((select position from beside) + coalesce(
              (select max(position) from others where position < (select position from beside)),
              (select position from beside) - 2)) * 0.5  -- exact, where a division rounds
          else
            ((select position from beside) + coalesce(
              (select min(position) from others where position > (select position from beside)),
              (select position from beside) + 2)) * 0.5
        end as position
        """,
        id=collection_id,
        moved=moved,
        before=before,
        after=after,
    )
    return row["position"] if row else None


async def respace(tx: database.Transaction, collection_id: uuid.UUID) -> None:
    """Numbers all items anew with whole steps. Needs the lock. In two passes: positions are unique at every moment."""
    for statement in (
        "update ambrotype.collection_item i set position = -n.n from ("
        " select media_id, row_number() over (order by position) as n from ambrotype.collection_item"
        " where collection_id = %(id)s) n where i.collection_id = %(id)s and i.media_id = n.media_id",
        "update ambrotype.collection_item set position = -position + 1000000000 where collection_id = %(id)s",
    ):
        await tx.run(statement, id=collection_id)


async def put(
    tx: database.Transaction,
    collection_id: uuid.UUID,
    media_id: uuid.UUID,
    *,
    position: Decimal,
    note: str | None,
) -> None:
    """Puts an item in, or moves it; its note is replaced where one is given."""
    await tx.run(
        "insert into ambrotype.collection_item as i (collection_id, media_id, owner_id, position, note)"
        " select c.id, %(media)s, c.owner_id, %(position)s, %(note)s from ambrotype.collection c where c.id = %(id)s"
        " on conflict (collection_id, media_id) do update set position = excluded.position,"
        " note = coalesce(excluded.note, i.note)",
        id=collection_id,
        media=media_id,
        position=position,
        note=note,
    )


async def note(tx: database.Transaction, collection_id: uuid.UUID, media_id: uuid.UUID, text: str | None) -> None:
    """Replaces an item's note."""
    await tx.run(
        "update ambrotype.collection_item set note = %(note)s where collection_id = %(id)s and media_id = %(media)s",
        id=collection_id,
        media=media_id,
        note=text,
    )


async def take_out(tx: database.Transaction, collection_id: uuid.UUID, media_id: uuid.UUID) -> bool:
    """Takes an item out of the collection; the item itself stays."""
    return bool(
        await tx.run(
            "delete from ambrotype.collection_item where collection_id = %(id)s and media_id = %(media)s",
            id=collection_id,
            media=media_id,
        )
    )
