"""API keys, by the hash of what was shown once; and the replies that idempotency keys repeat."""

import uuid
from typing import Literal

from ambrotype.core import owners
from ambrotype.records import database

_SHOWN = "id, name, role, app, prefix, created_at, last_used_at, revoked_at"


async def insert(
    tx: database.Transaction, *, key_id: uuid.UUID, name: str, role: str, app: str, prefix: str, digest: bytes
) -> database.Row | None:
    """A new key; None if this very key is known already."""
    return await tx.one(
        "insert into ambrotype.api_key (id, name, role, app, prefix, hash)"
        " values (%(id)s, %(name)s, %(role)s, %(app)s, %(prefix)s, %(hash)s) on conflict (hash) do nothing"
        f" returning {_SHOWN}",
        id=key_id,
        name=name,
        role=role,
        app=app,
        prefix=prefix,
        hash=digest,
    )


async def known(tx: database.Reader, digest: bytes) -> database.Row | None:
    """The unrevoked key with this hash; notes that it was used, at most once a minute."""
    return await tx.one("select id, name, role, app from ambrotype.known_key(%(hash)s)", hash=digest)


async def page(tx: database.Transaction, *, after: uuid.UUID | None, most: int) -> list[database.Row]:
    """Keys, newest first, revoked ones too."""
    return await tx.all(
        f"select {_SHOWN} from ambrotype.api_key where %(after)s::uuid is null or id < %(after)s"
        " order by id desc limit %(most)s",
        after=after,
        most=most,
    )


async def get(tx: database.Transaction, key_id: uuid.UUID) -> database.Row | None:
    """One key."""
    return await tx.one(f"select {_SHOWN} from ambrotype.api_key where id = %(id)s", id=key_id)


async def any_service(tx: database.Transaction) -> bool:
    """Whether there is a service key that works."""
    return (
        await tx.one("select from ambrotype.api_key where role = 'service' and revoked_at is null limit 1") is not None
    )


async def revoke(tx: database.Transaction, key_id: uuid.UUID) -> database.Row | None:
    """Ends a key at once; ending it again changes nothing."""
    return await tx.one(
        f"update ambrotype.api_key set revoked_at = coalesce(revoked_at, now()) where id = %(id)s returning {_SHOWN}",
        id=key_id,
    )


async def reserve(
    tx: database.Transaction, *, who: owners.Principal, key: str, request: bytes
) -> tuple[Literal["new", "running", "done", "other"], database.Row | None]:
    """Takes an idempotency key for a request (its digest), or says what it was used for within 24 hours.

    A reservation whose request never ended (its process was killed) is taken over after a minute.
    """
    row = await tx.one(
        "insert into ambrotype.idempotency as i (principal, key, request) values (%(who)s, %(key)s, %(request)s)"
        " on conflict (principal, key) do update set request = excluded.request, status = null, body = null, created_at = now()"
        " where i.created_at < now() - interval '24 hours'"
        "   or (i.status is null and i.created_at < now() - interval '1 minute' and i.request = excluded.request)"
        " returning principal",
        who=who.name,
        key=key,
        request=request,
    )
    if row is not None:
        return "new", None
    found = await tx.one(
        "select request, status, body from ambrotype.idempotency where principal = %(who)s and key = %(key)s",
        who=who.name,
        key=key,
    )
    if found is None or found["request"] != request:
        return "other", None
    return ("running", None) if found["status"] is None else ("done", found)


async def answered(tx: database.Transaction, *, who: owners.Principal, key: str, status: int, body: bytes) -> None:
    """Remembers the reply."""
    await tx.run(
        "update ambrotype.idempotency set status = %(status)s, body = %(body)s where principal = %(who)s and key = %(key)s",
        who=who.name,
        key=key,
        status=status,
        body=body,
    )


async def release(tx: database.Transaction, *, who: owners.Principal, key: str) -> None:
    """The request failed: the key may be used again."""
    await tx.run(
        "delete from ambrotype.idempotency where principal = %(who)s and key = %(key)s and status is null",
        who=who.name,
        key=key,
    )
