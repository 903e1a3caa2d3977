"""Guests: their tokens, links to users, and the rows that move behind a link (migration 0003)."""

import dataclasses
import datetime
from typing import Literal

from ambrotype.core import ids
from ambrotype.records import database


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What came of linking: `linked` (now or before, to the same user), `taken` by another, or no such token."""

    outcome: Literal["linked", "taken", "unknown"]
    guest: str | None
    items: int | None


async def make(tx: database.Transaction, *, digest: bytes, expires_at: datetime.datetime) -> bool:
    """A token for the guest that the transaction's caller is; False where that guest has been linked to a user."""
    row = await tx.one(
        "select ambrotype.make_guest(%(hash)s, %(fresh)s, %(until)s) as made",
        hash=digest,
        fresh=ids.new(),
        until=expires_at,
    )
    return bool(row and row["made"])


async def known(tx: database.Transaction, digest: bytes) -> database.Row | None:
    """App and subject of the guest whose token this is, while it holds."""
    return await tx.one("select app, subject from ambrotype.known_guest(%(hash)s)", hash=digest)


async def link(tx: database.Transaction, *, digest: bytes) -> Link:
    """Links the token's guest to the transaction's caller, a user."""
    row = await tx.one(
        "select outcome, guest, items from ambrotype.link_guest(%(hash)s, %(fresh)s)", hash=digest, fresh=ids.new()
    )
    assert row is not None
    return Link(**row)


async def move(tx: database.Transaction, *, most: int) -> bool:
    """Moves about `most` rows of linked guests to their users; False when there are none left."""
    row = await tx.one("select ambrotype.move_guests(%(most)s) as more", most=most)
    return bool(row and row["more"])
