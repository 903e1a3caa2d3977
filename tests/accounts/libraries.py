"""Owners with libraries, made by SQL and by accepting as the service does."""

import uuid

import psycopg

from ambrotype.accounts import guests
from ambrotype.capture import accept, network, request
from ambrotype.core import layout, owners, quotas
from ambrotype.records import accepting, database

RULES = accept.Rules(
    allowed_for_keys=network.Allowed.parse(()),
    allowed_for_all=network.Allowed.parse(()),
    visibility="private",
    layout="default",
    layouts=layout.PRESETS,
    retention={},
)
_KEPT = (
    "update ambrotype.media set status = 'kept', kept_at = now(), bucket = 'media', path = id::text, size = %s,"
    " content_type = 'image/png', sha256 = sha256('x') where id = any(%s)"
)


def user(subject: str = "42", *, app: str = "default") -> owners.Principal:
    return owners.Principal(role="user", app=app, owner=owners.Owner(kind="user", subject=subject))


async def guest(data: database.Database, *, session_id: str | None = None) -> tuple[str, owners.Principal]:
    """A guest's token and the guest as a caller."""
    made = await guests.create(data, app="default", session_id=session_id)
    return made.token, await guests.principal(data, made.token, app=None, owner=None)


async def keep(
    data: database.Database, who: owners.Principal, *urls: str, quota: quotas.Quota = quotas.NONE, **fields: object
) -> list[accepting.Accepted]:
    """Accepts these URLs for somebody."""
    wanted = [request.parsed(request.KeepRequest, {"url": url, **fields}) for url in urls]
    items = [accept.acceptance(one, rules=RULES, trusted=False) for one in wanted]
    return await accept.accept(data, who, items, quota=quota)


async def ids(data: database.Database, who: owners.Principal, *urls: str, **fields: object) -> list[uuid.UUID]:
    """The same; the items' ids."""
    return [one.id for one in await keep(data, who, *urls, **fields) if one.id is not None]


def arrive(admin: str, media_ids: list[uuid.UUID], *, size: int = 1) -> None:
    """The bytes of these items are kept, as far as the database can tell."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(_KEPT, [size, media_ids])


async def seen(data: database.Database, who: owners.Principal) -> list[uuid.UUID]:
    """The items that somebody sees, oldest first."""
    async with data.transaction(who) as tx:
        rows = await tx.all("select id from ambrotype.media where status <> 'tombstone' order by created_at, id")
    return [row["id"] for row in rows]


async def move_all(data: database.Database) -> None:
    """Lets the rows of linked guests move over."""
    while await guests.move(data):
        pass


def url(n: int | str) -> str:
    return f"https://cdn.example.com/{n}.png"
