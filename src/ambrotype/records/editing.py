"""Changes to items that are there: fields, trash, purge."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from ambrotype.records import database

GRACE = 7
"""Days between a purge and the removal of the object."""

_MEDIA = ("favorite", "visibility", "expires_at", "enhancement")
_TEXT = ("title", "description", "tags", "metadata", "attribution", "prompt", "search")
_JSON = ("metadata", "attribution")


async def locked(tx: database.Transaction, media_id: uuid.UUID) -> database.Row | None:
    """What an edit needs of the caller's item, locked until the transaction ends."""
    return await tx.one(
        "select m.id, m.status, m.name, m.path, m.deleted_at, m.updated_at, t.title, t.description, t.tags, t.metadata,"
        " t.prompt, t.raw_text from ambrotype.media m join ambrotype.media_text t on t.media_id = m.id"
        " where m.id = %(id)s and m.status <> 'tombstone' for update of m",
        id=media_id,
    )


async def update(tx: database.Transaction, media_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Writes the fields; the item's `updated_at` changes in any case."""
    for table, key, columns in (("media", "id", _MEDIA), ("media_text", "media_id", _TEXT)):
        chosen = {name: value for name, value in values.items() if name in columns}
        if table == "media":
            chosen["updated_at"] = None  # the trigger sets it
        if not chosen:
            continue
        await tx.run(
            sql.SQL("update {table} set {changes} where {key} = %(media_id)s").format(
                table=sql.Identifier("ambrotype", table),
                key=sql.Identifier(key),
                changes=sql.SQL(", ").join(
                    sql.SQL("{} = coalesce({}, now())" if name == "updated_at" else "{} = {}").format(
                        sql.Identifier(name), _placeholder(name)
                    )
                    for name in chosen
                ),
            ),
            media_id=media_id,
            **{name: database.json(value) if name in _JSON else value for name, value in chosen.items()},
        )
    told = [name for name in values if name != "search"]
    await tx.run("select ambrotype.edited(%(id)s, %(fields)s::text[])", id=media_id, fields=told)


def _placeholder(name: str) -> sql.Composable:
    kind = {"metadata": "::jsonb", "attribution": "::jsonb", "search": "::tsvector", "tags": "::text[]",
            "expires_at": "::timestamptz", "updated_at": "::timestamptz"}.get(name, "")  # fmt: skip
    return sql.Placeholder(name) + sql.SQL(kind)


async def trash(tx: database.Transaction, media_id: uuid.UUID) -> bool:
    """Moves an item with bytes to the trash; False if it has none or is there already."""
    return bool(
        await tx.run(
            "update ambrotype.media set deleted_at = now() where id = %(id)s and path is not null and deleted_at is null"
            " and status <> 'tombstone'",
            id=media_id,
        )
    )


async def restore(tx: database.Transaction, media_id: uuid.UUID) -> bool:
    """Brings an item back. Where its source has been kept anew meanwhile, both stay, and this one is not known by it."""
    return bool(
        await tx.run(
            "update ambrotype.media m set deleted_at = null, again = m.again or exists ("
            "  select from ambrotype.media o where o.owner_id = m.owner_id and o.source_hash = m.source_hash and o.id <> m.id"
            "  and coalesce(o.project, '') = coalesce(m.project, '') and coalesce(o.slot, '') = coalesce(m.slot, '')"
            "  and not o.again and o.deleted_at is null and o.status <> 'tombstone')"
            " where m.id = %(id)s and m.deleted_at is not null and m.status <> 'tombstone'",
            id=media_id,
        )
    )


async def discard(tx: database.Transaction, media_id: uuid.UUID, *, reason: str) -> bool:
    """Ends an item without bytes as a tombstone; a running capture is cancelled."""
    # The item before its capture, as the worker locks them when it records: else the two could wait for each other.
    await tx.run("select from ambrotype.media where id = %(id)s for update", id=media_id)
    row = await tx.one("select ambrotype.discard(%(id)s, %(reason)s) as done", id=media_id, reason=reason)
    return bool(row and row["done"])


async def purge(tx: database.Transaction, media_id: uuid.UUID, *, who: str) -> bool:
    """Ends an item in the trash as a tombstone, by this person's decision; the object goes after the days of grace."""
    row = await tx.one(
        "select ambrotype.purge_item(%(id)s, %(who)s, make_interval(days => %(days)s)) as done",
        id=media_id,
        who=who,
        days=GRACE,
    )
    return bool(row and row["done"])


async def dependents(tx: database.Transaction, media_id: uuid.UUID) -> int:
    """How many items were made from this one and still exist."""
    row = await tx.one("select ambrotype.dependents(%(id)s) as n", id=media_id)
    return row["n"] if row else 0


async def visible(tx: database.Transaction, media_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these the caller may name."""
    rows = await tx.all(
        "select id from ambrotype.media where id = any(%(ids)s) and status <> 'tombstone'", ids=list(media_ids)
    )
    return {row["id"] for row in rows}
