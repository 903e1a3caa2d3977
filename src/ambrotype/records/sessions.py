"""Sessions of the gallery, and the one-time tokens of sign-in links, by the hashes of what was handed out."""

import datetime
import uuid

from ambrotype.core import owners
from ambrotype.records import database


async def insert(
    tx: database.Transaction,
    *,
    digest: bytes,
    role: owners.Role,
    app: str,
    subject: str | None,
    key_id: uuid.UUID | None,
    expires_at: datetime.datetime,
) -> None:
    """A new session."""
    await tx.run(
        "insert into ambrotype.session (hash, role, app, subject, key_id, expires_at)"
        " values (%(hash)s, %(role)s, %(app)s, %(subject)s, %(key)s, %(until)s)",
        hash=digest,
        role=role,
        app=app,
        subject=subject,
        key=key_id,
        until=expires_at,
    )


async def known(tx: database.Transaction, digest: bytes) -> database.Row | None:
    """The session with this hash, while it holds and the key it was begun with does."""
    return await tx.one(
        "select s.role, s.app, s.subject, s.key_id from ambrotype.session s"
        " left join ambrotype.api_key k on k.id = s.key_id"
        " where s.hash = %(hash)s and s.expires_at > now() and k.revoked_at is null",
        hash=digest,
    )


async def end(tx: database.Transaction, digest: bytes) -> None:
    """Ends a session; ending it again changes nothing."""
    await tx.run("delete from ambrotype.session where hash = %(hash)s", hash=digest)


async def offer(tx: database.Transaction, *, digest: bytes, expires_at: datetime.datetime) -> None:
    """A one-time token."""
    await tx.run(
        "insert into ambrotype.sign_in (hash, expires_at) values (%(hash)s, %(until)s)", hash=digest, until=expires_at
    )


async def take(tx: database.Transaction, digest: bytes) -> bool:
    """Uses a one-time token up; False where there is none that holds."""
    return await tx.run("delete from ambrotype.sign_in where hash = %(hash)s and expires_at > now()", hash=digest) == 1


async def sweep(tx: database.Transaction) -> None:
    """Sessions and one-time tokens that have run out are forgotten."""
    await tx.run("delete from ambrotype.session where expires_at < now()")
    await tx.run("delete from ambrotype.sign_in where expires_at < now()")
