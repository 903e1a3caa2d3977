"""Accepting sources; the work is done by `ambrotype.accept` in the database (migration 0002)."""

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from ambrotype.core import errors, ids, quotas
from ambrotype.records import database

Outcome = Literal["new", "known", "resumed", "not_found", "over_quota"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A source that can be fetched: its URL, what it is known by, and when it dies."""

    url: str
    host: str
    hash: bytes
    expires_at: datetime.datetime | None
    """None = the provider says never."""
    deadline: datetime.datetime
    """Until when it is tried."""
    rule: str
    assumed: bool
    trusted: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """One item to accept. `fields` holds the media columns and texts by name."""

    status: Literal["temporary", "keeping"]
    origin: Origin | None
    again: bool = False
    id: uuid.UUID | None = None
    """The id that a new item gets, where its bytes have been given a place already."""
    fields: dict[str, Any]
    parents: "tuple[tuple[uuid.UUID | Acceptance, str], ...]" = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of it. `detail` says why not, for `not_found` and `over_quota`."""

    id: uuid.UUID | None
    outcome: Outcome
    detail: str | None


def _origin(origin: Origin | None) -> dict[str, Any]:
    if origin is None:
        return {}
    return {
        "url": origin.url,
        "host": origin.host,
        "source_hash": origin.hash.hex(),
        "source_expires_at": origin.expires_at,
        "source_expiry_rule": origin.rule,
        "deadline": origin.deadline,
        "assumed": origin.assumed,
        "trusted": origin.trusted,
    }


def _item(item: Acceptance) -> dict[str, Any]:
    parents = [
        {"id": what, "role": role} if isinstance(what, uuid.UUID) else {"item": _item(what), "role": role}
        for what, role in item.parents
    ]
    return {
        **item.fields,
        **_origin(item.origin),
        "id": item.id or ids.new(),
        "status": item.status,
        "again": item.again,
        "parents": parents,
    }


async def accept(
    tx: database.Transaction, items: Sequence[Acceptance], *, quota: quotas.Quota = quotas.NONE
) -> list[Accepted]:
    """Accepts each item as the transaction's caller, in order; one that names what is not theirs, or that is over the
    quota, fails alone."""
    found = await tx.all(
        "select id, outcome, detail"
        " from ambrotype.accept(%(items)s, %(owner)s, %(most_items)s, %(most_bytes)s) order by n",
        items=database.json([_item(item) for item in items]),
        owner=ids.new(),
        most_items=quota.items,
        most_bytes=quota.bytes,
    )
    return [Accepted(**row) for row in found]


async def resume(
    tx: database.Transaction, media_id: uuid.UUID, origin: Origin, *, quota: quotas.Quota = quotas.NONE
) -> str | None:
    """Keeps a temporary, expired or lost item, from this source. Its former status, or None if it is not the caller's.

    Raises `errors.QuotaExceeded`; nothing of it is to be committed then.
    """
    if quota.limited:
        await tx.run("select ambrotype.lock_quota(ambrotype.own(%(fresh)s))", fresh=ids.new())
    row = await tx.one(
        "select ambrotype.resume_keeping(id, owner_id, %(item)s) as was from ambrotype.media"
        " where id = %(id)s and deleted_at is null and status <> 'tombstone'",
        id=media_id,
        item=database.json(_origin(origin)),
    )
    if row is not None and quota.limited and row["was"] in ("lost", "expired"):
        await within(tx, quota)
    await tx.run("select pg_notify('ambrotype_capture', '')")
    return row["was"] if row else None


async def within(tx: database.Transaction, quota: quotas.Quota) -> None:
    """Raises `errors.QuotaExceeded` where the caller has no room left."""
    over = await tx.one(
        "select ambrotype.over_quota(null, %(items)s, %(bytes)s) as why", items=quota.items, bytes=quota.bytes
    )
    if over is not None and over["why"] is not None:
        raise errors.QuotaExceeded(over["why"])


async def forget_source(tx: database.Transaction, media_id: uuid.UUID) -> None:
    """An item made from bytes has no source to go back to."""
    await tx.run("delete from ambrotype.capture where media_id = %(id)s", id=media_id)


async def own(tx: database.Transaction) -> uuid.UUID:
    """The caller's owner, made on first use. In a statement of its own: a row policy sees it only from the next one on."""
    row = await tx.one("select ambrotype.own(%(fresh)s) as id", fresh=ids.new())
    assert row is not None
    found: uuid.UUID = row["id"]
    return found
