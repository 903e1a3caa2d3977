"""Shares: found by their owner's rows, or by the hash of their token."""

import uuid
from collections.abc import Mapping
from typing import Any

from psycopg import sql

from ambrotype.records import database

_SHOWN = (
    "s.id, s.media_id, s.collection_id, s.project, s.slot, s.kid, s.expires_at, s.password_hash is not null as has_password,"
    " s.allow_download, s.views, s.revoked_at, s.created_at"
)

# The target is read as the caller: what is not theirs makes no row. A share belongs to whom its target belongs to.
_TARGETS: dict[str, str] = {
    "media_id": "select m.owner_id, m.app from ambrotype.media m where m.id = %(media_id)s and m.status <> 'tombstone'",
    "collection_id": "select c.owner_id, o.app from ambrotype.collection c join ambrotype.owner o on o.id = c.owner_id"
    " where c.id = %(collection_id)s",
    "slot": "select s.owner_id, o.app from ambrotype.slot s join ambrotype.owner o on o.id = s.owner_id"
    " where s.project = %(project)s and s.name = %(slot)s and s.owner_id = any((select ambrotype.current_owners())::uuid[])",
}


async def create(
    tx: database.Transaction, *, share_id: uuid.UUID, kid: str, token_hash: bytes, values: Mapping[str, Any]
) -> bool:
    """A new share; False where its target is not there, or not the caller's."""
    named = next(name for name in _TARGETS if values[name] is not None)
    return bool(
        await tx.run(
            sql.SQL(
                "insert into ambrotype.share (id, owner_id, app, media_id, collection_id, project, slot, kid, token_hash,"
                " password_hash, expires_at, allow_download)"
                " select %(id)s, t.owner_id, t.app, %(media_id)s, %(collection_id)s, %(project)s, %(slot)s, %(kid)s,"
                " %(token_hash)s, %(password_hash)s, %(expires_at)s, %(allow_download)s from ("
                + _TARGETS[named]
                + " limit 1) as t"
            ),
            id=share_id,
            kid=kid,
            token_hash=token_hash,
            **values,
        )
    )


async def get(tx: database.Transaction, share_id: uuid.UUID) -> database.Row | None:
    """One share of the caller."""
    return await tx.one(sql.SQL(f"select {_SHOWN} from ambrotype.share s where s.id = %(id)s"), id=share_id)


async def page(tx: database.Transaction, *, after: tuple[str, uuid.UUID] | None, most: int) -> list[database.Row]:
    """The caller's shares, newest first, revoked ones too. Index: share_owner."""
    return await tx.all(
        sql.SQL(
            f"select {_SHOWN}, s.created_at::text as sort_value from ambrotype.share s"
            " where (%(at)s::timestamptz is null or (s.created_at, s.id) < (%(at)s, %(id)s))"
            " order by s.created_at desc, s.id desc limit %(most)s"
        ),
        at=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
    )


async def lock(tx: database.Transaction, share_id: uuid.UUID) -> database.Row | None:
    """One share of the caller, still until the transaction ends."""
    return await tx.one(sql.SQL(f"select {_SHOWN} from ambrotype.share s where s.id = %(id)s for update"), id=share_id)


async def update(tx: database.Transaction, share_id: uuid.UUID, values: Mapping[str, Any], *, edition: int) -> None:
    """Writes fields, and adds `edition` (0 or 1): 1 ends the URLs and cookies that were given out."""
    changes = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
    await tx.run(
        sql.SQL("update ambrotype.share set {} where id = %(share_id)s").format(
            sql.SQL(", ").join([*changes, sql.SQL("edition = edition + %(more)s")])
        ),
        share_id=share_id,
        more=edition,
        **values,
    )


async def revoke(tx: database.Transaction, share_id: uuid.UUID) -> bool:
    """Ends a share at once; ending it again changes nothing."""
    return bool(
        await tx.run(
            "update ambrotype.share set revoked_at = coalesce(revoked_at, now()) where id = %(id)s", id=share_id
        )
    )


async def opened(tx: database.Transaction, token_hash: bytes) -> database.Row | None:
    """The share of a token, whoever asks; None where there is none, or it has ended."""
    return await tx.one("select * from ambrotype.shared(%(hash)s)", hash=token_hash)


async def shown(tx: database.Transaction, share_id: uuid.UUID, *, most: int) -> list[database.Row]:
    """The kept items that it shows, in order."""
    return await tx.all("select * from ambrotype.shared_media(%(id)s, %(most)s)", id=share_id, most=most)


async def viewed(tx: database.Transaction, share_id: uuid.UUID) -> None:
    """Counts a view of its page."""
    await tx.run("select ambrotype.share_viewed(%(id)s)", id=share_id)


async def holds(reader: database.Reader, share_id: uuid.UUID, *, edition: int, media_id: uuid.UUID) -> bool:
    """Whether a URL given out for this edition of the share still opens the item."""
    row = await reader.one(
        "select ambrotype.share_holds(%(share)s, %(edition)s, %(media)s) as holds",
        share=share_id,
        edition=edition,
        media=media_id,
    )
    return bool(row and row["holds"])
