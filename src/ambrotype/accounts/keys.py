"""API keys: 256 random bits, stored as their SHA-256, shown once. So long a secret needs no slow hash."""

import hashlib
import secrets
import uuid

from ambrotype.core import errors, ids, owners
from ambrotype.core.keys import Key as Key
from ambrotype.core.keys import KeyRole as KeyRole
from ambrotype.core.keys import NewKey as NewKey
from ambrotype.records import database
from ambrotype.records import keys as rows

_PREFIX = 12


def digest(secret: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(secret.encode()).digest()


async def create(
    data: database.Database,
    *,
    name: str,
    role: KeyRole = "service",
    app: str = "default",
    secret: str | None = None,
) -> NewKey | None:
    """Makes a key, or takes in a given one; None if that is known already (also if it has been revoked)."""
    secret = secret or "amb_" + secrets.token_urlsafe(32)
    owners.app_name(app)
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        row = await rows.insert(
            tx, key_id=ids.new(), name=name, role=role, app=app, prefix=secret[:_PREFIX], digest=digest(secret)
        )
    return NewKey(**row, key=secret) if row else None


async def listed(data: database.Database, *, after: uuid.UUID | None = None, most: int = 200) -> list[Key]:
    """Keys, newest first."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        return [Key(**row) for row in await rows.page(tx, after=after, most=most)]


async def get(data: database.Database, key_id: uuid.UUID) -> Key:
    """One key, or `errors.NotFound`."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        row = await rows.get(tx, key_id)
    return _found(row, key_id)


async def revoke(data: database.Database, key_id: uuid.UUID) -> Key:
    """Ends a key: the next request that shows it is refused."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        row = await rows.revoke(tx, key_id)
    return _found(row, key_id)


async def any_service(data: database.Database) -> bool:
    """Whether anybody can administrate."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        return await rows.any_service(tx)


async def principal(
    data: database.Database, secret: str, *, app: str | None = None, owner: owners.Owner | None = None
) -> owners.Principal:
    """Who asks with this key, naming this app and this owner by header. Raises what is wrong with either."""
    row = await rows.known(data.lookup(database.NOBODY), digest(secret))
    if row is None:
        raise errors.Unauthenticated("This API key is not known here, or was revoked.")
    return acting(role=row["role"], app=row["app"], key_id=row["id"], named_app=app, named=owner)


def acting(
    *, role: KeyRole, app: str, key_id: uuid.UUID | None, named_app: str | None, named: owners.Owner | None
) -> owners.Principal:
    """A key's principal: only a service key may name another app, or act for the service itself."""
    if named_app is not None and named_app != app:
        if role != "service":
            raise errors.Forbidden(f"Only a service key may name another app; this key belongs to {app!r}.")
        app = owners.app_name(named_app)
    if named == owners.SERVICE and role != "service":
        raise errors.Forbidden("Only a service key may act for the service itself; name user:<id> or guest:<id>.")
    return owners.Principal(role=role, app=app, owner=named, key_id=key_id)


def _found(row: database.Row | None, key_id: uuid.UUID) -> Key:
    if row is None:
        raise errors.NotFound(f"There is no key {key_id}.")
    return Key(**row)
