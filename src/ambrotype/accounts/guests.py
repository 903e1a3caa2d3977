"""Guests: people without an account, known by a token alone, until they sign in and take along what they made."""

import datetime
import hashlib
import secrets
import uuid

from ambrotype.core import errors, owners
from ambrotype.core.guests import Linked as Linked
from ambrotype.core.guests import NewGuest as NewGuest
from ambrotype.records import database
from ambrotype.records import guests as rows

PREFIX = "gst_"
LIVES = datetime.timedelta(days=365)
"""How long a token holds; browsers keep no cookie for more than 400 days."""
BATCH = 500
"""Items that move over in one transaction."""


async def create(data: database.Database, *, app: str, session_id: str | None = None) -> NewGuest:
    """A token for a new guest, or for that of an old session id; `errors.AlreadyLinked` if that is a user's by now."""
    owner = owners.parse(f"guest:{session_id if session_id is not None else uuid.uuid4()}")
    token = PREFIX + secrets.token_urlsafe(32)
    expires_at = datetime.datetime.now(datetime.UTC) + LIVES
    asks = owners.Principal(role="app", app=app, owner=owner)
    async with data.transaction(asks) as tx:
        if not await rows.make(tx, digest=_digest(token), expires_at=expires_at):
            raise errors.AlreadyLinked(f"The guest {str(owner)[:80]!r} was linked to a user, who signs in as such.")
    return NewGuest(token=token, owner=str(owner), expires_at=expires_at)


async def principal(
    data: database.Database, token: str, *, app: str | None, owner: owners.Owner | None
) -> owners.Principal:
    """Who asks with a guest's token; `errors.Unauthenticated` once it has ended."""
    async with data.transaction(database.NOBODY) as tx:
        row = await rows.known(tx, _digest(token))
    if row is None:
        raise errors.Unauthenticated("This guest token is not known here, or has ended.")
    guest = owners.Owner(kind="guest", subject=row["subject"])
    if app is not None and app != row["app"]:
        raise errors.Forbidden(f"This token belongs to the app {row['app']!r}, not to {app[:80]!r}.")
    if owner is not None and owner != guest:
        raise errors.Forbidden("A guest acts for nobody else; leave the header Ambrotype-Owner away.")
    return owners.Principal(role="guest", app=row["app"], owner=guest)


async def link(data: database.Database, who: owners.Principal, token: str) -> Linked:
    """Makes a guest's library the user's: one transaction, and the guest's tokens end in it. Rows move behind it.

    `who` proves the user, the token the guest. Again by the same user it is the same reply. Raises
    `errors.AlreadyLinked` for another's guest and `errors.Forbidden` for a token that proves nothing.
    """
    if who.owner is None or who.owner.kind != "user" or not who.may_write:
        raise errors.Forbidden("Only a user can take a guest over: sign in, or name user:<id> in Ambrotype-Owner.")

    async def work(tx: database.Transaction) -> rows.Link:
        return await rows.link(tx, digest=_digest(token))

    found: rows.Link = await data.retrying(who, work)
    if found.outcome == "taken":
        raise errors.AlreadyLinked("This guest was linked to another user.")
    if found.outcome == "unknown":
        raise errors.Forbidden("This guest token is not known here, or has ended: it proves nothing.")
    return Linked(owner=str(who.owner), linked=True, moved=found.items or 0)


async def move(data: database.Database) -> bool:
    """Moves the next batch of linked guests' rows; False when there is nothing to move."""

    async def work(tx: database.Transaction) -> bool:
        return await rows.move(tx, most=BATCH)

    moved: bool = await data.retrying(database.WORKER, work)
    return moved


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
