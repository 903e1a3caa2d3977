"""The gallery's sign-in: a key, a JWT or a one-time link is exchanged for a session that lives in a cookie.

Sessions lie in the database by their hash, so they can be ended. One begun with a key ends with that key, one begun
with a JWT when that would have run out.
"""

import dataclasses
import datetime
import hashlib
import secrets

from ambrotype.accounts import keys, tokens
from ambrotype.core import errors, owners
from ambrotype.records import database
from ambrotype.records import sessions as rows

LIVES = datetime.timedelta(days=7)
LINK_LIVES = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session that has begun; `secret` is what the cookie holds."""

    secret: str = dataclasses.field(repr=False)
    role: owners.Role
    app: str
    owner: str | None
    expires_at: datetime.datetime


async def one_time_link(data: database.Database, *, public_url: str) -> str:
    """A link that signs in as administrator, once and within the hour. Its token is behind `#`: no server logs it."""
    token = "lnk_" + secrets.token_urlsafe(32)
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        await rows.offer(tx, digest=_digest(token), expires_at=_now() + LINK_LIVES)
    return f"{public_url}/#sign-in={token}"


async def with_link(data: database.Database, token: str) -> NewSession:
    """The administrator's session of a one-time link, which is used up."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        if not await rows.take(tx, _digest(token)):
            raise errors.Unauthenticated("This sign-in link was used or has run out; ask for a new one.")
        return await _begun(tx, owners.ADMINISTRATOR, until=_now() + LIVES)


async def with_key(data: database.Database, secret: str) -> NewSession:
    """A session of what an API key may do."""
    who = await keys.principal(data, secret)
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        return await _begun(tx, who, until=_now() + LIVES)


async def with_user(data: database.Database, user: tokens.User) -> NewSession:
    """A user's session, no longer than their token."""
    who = tokens.principal(user, app=None, owner=None)
    try:
        until = min(_now() + LIVES, datetime.datetime.fromtimestamp(user.expires_at, datetime.UTC))
    except (ValueError, OverflowError, OSError):
        until = _now() + LIVES
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        return await _begun(tx, who, until=until)


async def principal(
    data: database.Database, secret: str, *, app: str | None, owner: owners.Owner | None
) -> owners.Principal | None:
    """Who asks with this cookie, or None when its session has ended."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        row = await rows.known(tx, _digest(secret))
    if row is None:
        return None
    if row["role"] == "user":
        user = tokens.User(
            app=row["app"], owner=owners.Owner(kind="user", subject=row["subject"]), expires_at=float("inf")
        )
        return tokens.principal(user, app=app, owner=owner)
    return keys.acting(role=row["role"], app=row["app"], key_id=row["key_id"], named_app=app, named=owner)


async def end(data: database.Database, secret: str) -> None:
    """Ends the session at once, in every process."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        await rows.end(tx, _digest(secret))


async def _begun(tx: database.Transaction, who: owners.Principal, *, until: datetime.datetime) -> NewSession:
    secret = secrets.token_urlsafe(32)
    await rows.insert(
        tx,
        digest=_digest(secret),
        role=who.role,
        app=who.app,
        subject=who.owner.subject if who.owner is not None else None,
        key_id=who.key_id,
        expires_at=until,
    )
    return NewSession(
        secret=secret,
        role=who.role,
        app=who.app,
        owner=str(who.owner) if who.owner is not None else None,
        expires_at=until,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
