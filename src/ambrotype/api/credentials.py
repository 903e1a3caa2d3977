"""From credentials to a principal: the Authorization header, else the gallery's session, else a guest's cookie."""

import time

from starlette import requests

from ambrotype.accounts import guests, keys, sessions, tokens
from ambrotype.api import context, cookies, remembered
from ambrotype.core import errors, owners

_HOW = "Send credentials as `Authorization: Bearer …`: an API key, a user's token or a guest's."


async def principal(here: context.Context, connection: requests.HTTPConnection) -> owners.Principal | None:
    """The caller, or None without credentials.

    Wrong ones are refused in any case, except for cookies that have run out: a browser sends them all the same.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    owner, app = _named(connection)
    if scheme:
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.Unauthenticated(_HOW)
        if connection.scope.get("method") in ("GET", "HEAD") and token.startswith("amb_"):
            return await _reading(here, connection, token.strip(), owner=owner, app=app)
        return await bearer(here, token.strip(), owner=owner, app=app)
    return await _session(here, connection, owner, app) or await _guest(here, connection, owner, app)


async def bearer(here: context.Context, token: str, *, owner: owners.Owner | None, app: str | None) -> owners.Principal:
    """The principal that a token stands for."""
    if token.startswith("amb_"):
        return await keys.principal(here.app.data, token, app=app, owner=owner)
    if token.startswith(guests.PREFIX):
        return await guest(here, token, owner=owner, app=app)
    return tokens.principal(await here.app.tokens.user(token), app=app, owner=owner)


async def guest(here: context.Context, token: str, *, owner: owners.Owner | None, app: str | None) -> owners.Principal:
    """The principal of a guest's token."""
    if here.app.settings.guests == "off":
        raise errors.Unauthenticated("Guests are turned off here (AMBROTYPE_GUESTS); sign in.")
    return await guests.principal(here.app.data, token, app=app, owner=owner)


async def _reading(
    here: context.Context,
    connection: requests.HTTPConnection,
    token: str,
    *,
    owner: owners.Owner | None,
    app: str | None,
) -> owners.Principal:
    """A key's principal where it only reads: one that was good a moment ago is not looked up again."""
    memory: remembered.Remembered = connection.app.state.remembered
    asked = (token, owner, app)
    who = memory.key(asked)
    if who is None:
        began = time.monotonic()
        who = await bearer(here, token, owner=owner, app=app)
        memory.put_key(asked, who, began=began)
    return who


async def _session(
    here: context.Context, connection: requests.HTTPConnection, owner: owners.Owner | None, app: str | None
) -> owners.Principal | None:
    secret = connection.cookies.get(cookies.SESSION)
    found = await sessions.principal(here.app.data, secret, app=app, owner=owner) if secret else None
    if found is not None:
        cookies.check_origin(here, connection, silent=False)
    return found


async def _guest(
    here: context.Context, connection: requests.HTTPConnection, owner: owners.Owner | None, app: str | None
) -> owners.Principal | None:
    token = connection.cookies.get(cookies.GUEST)
    if not token:
        return None
    try:
        found = await guest(here, token, owner=owner, app=app)
    except errors.Unauthenticated:
        return None
    cookies.check_origin(here, connection, silent=True)
    return found


def _named(connection: requests.HTTPConnection) -> tuple[owners.Owner | None, str | None]:
    """Whom and which app the request names by header."""
    owner = connection.headers.get("ambrotype-owner")
    return (owners.parse(_text(owner)) if owner is not None else None), connection.headers.get("ambrotype-app")


def _text(header: str) -> str:
    """Owners' names may hold any letter. Clients send UTF-8, which HTTP servers read as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
