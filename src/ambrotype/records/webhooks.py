"""Outgoing webhooks: where events go, and each delivery of one."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from ambrotype.records import database

_SHOWN = "id, url, events, active, created_at"
_DELIVERY = "id, webhook_id, event_id, type, state, attempts, next_at, status, detail, created_at, delivered_at"


async def create(tx: database.Transaction, values: Mapping[str, Any]) -> database.Row:
    """A webhook of the caller; it is told what happens from now on."""
    row = await tx.one(
        "insert into ambrotype.webhook (id, owner_id, app, everything, trusted, url, events, secret)"
        " select %(id)s, o.id, o.app, %(everything)s, %(trusted)s, %(url)s, %(events)s, %(secret)s"
        f" from ambrotype.owner o where o.id = %(owner)s returning {_SHOWN}",
        **values,
    )
    assert row is not None
    return row


async def get(tx: database.Transaction, webhook_id: uuid.UUID) -> database.Row | None:
    """One webhook of the caller."""
    return await tx.one(f"select {_SHOWN} from ambrotype.webhook where id = %(id)s", id=webhook_id)


async def page(tx: database.Transaction, *, after: tuple[str, uuid.UUID] | None, most: int) -> list[database.Row]:
    """The caller's webhooks, newest first. Index: webhook_owner."""
    return await tx.all(
        f"select {_SHOWN}, created_at::text as sort_value from ambrotype.webhook"
        " where (%(at)s::timestamptz is null or (created_at, id) < (%(at)s, %(id)s))"
        " order by created_at desc, id desc limit %(most)s",
        at=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
    )


async def update(tx: database.Transaction, webhook_id: uuid.UUID, values: Mapping[str, Any]) -> database.Row | None:
    """Writes fields of the caller's webhook."""
    changes: list[sql.Composable] = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
    ]
    return await tx.one(
        sql.SQL("update ambrotype.webhook set {} where id = %(webhook_id)s returning {}").format(
            sql.SQL(", ").join(changes or [sql.SQL("url = url")]), sql.SQL(_SHOWN)
        ),
        webhook_id=webhook_id,
        **values,
    )


async def delete(tx: database.Transaction, webhook_id: uuid.UUID) -> bool:
    """Removes the caller's webhook with its log."""
    return bool(await tx.run("delete from ambrotype.webhook where id = %(id)s", id=webhook_id))


async def deliveries(
    tx: database.Transaction, webhook_id: uuid.UUID, *, after: tuple[str, uuid.UUID] | None, most: int
) -> list[database.Row]:
    """The log of the caller's webhook, newest first. Index: webhook_delivery_log."""
    return await tx.all(
        f"select {_DELIVERY}, created_at::text as sort_value from ambrotype.webhook_delivery"
        " where webhook_id = %(webhook)s and (%(at)s::timestamptz is null or (created_at, id) < (%(at)s, %(id)s))"
        " order by created_at desc, id desc limit %(most)s",
        webhook=webhook_id,
        at=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
    )


async def enqueue(
    tx: database.Transaction,
    *,
    delivery_id: uuid.UUID,
    webhook_id: uuid.UUID,
    kind: str,
    payload: str,
) -> database.Row | None:
    """A delivery beside the events, to the caller's webhook: a test."""
    return await tx.one(
        "insert into ambrotype.webhook_delivery (id, webhook_id, owner_id, type, payload)"
        " select %(id)s, w.id, w.owner_id, %(type)s, %(payload)s from ambrotype.webhook w where w.id = %(webhook)s"
        f" returning {_DELIVERY}",
        id=delivery_id,
        webhook=webhook_id,
        type=kind,
        payload=payload,
    )


async def replay(tx: database.Transaction, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> database.Row | None:
    """Sends a delivery of the caller's webhook again, under its old id."""
    return await tx.one(
        "update ambrotype.webhook_delivery set state = 'pending', next_at = now(), attempts = 0"
        f" where id = %(id)s and webhook_id = %(webhook)s returning {_DELIVERY}",
        id=delivery_id,
        webhook=webhook_id,
    )


async def unread(tx: database.Transaction) -> list[database.Row]:
    """Webhooks behind which there are events, locked: one reader at a time."""
    return await tx.all(
        "select w.id, w.owner_id, w.everything, w.events, w.read_xid::text as read_xid, w.read_id from ambrotype.webhook w"
        " where w.active and exists (select from ambrotype.event e"
        "   where (e.xid, e.id) > (w.read_xid, w.read_id) and e.xid < pg_snapshot_xmin(pg_current_snapshot())"
        "   and (w.everything or e.owner_id = w.owner_id))"
        " limit 50 for update of w skip locked"
    )


async def events(tx: database.Transaction, webhook: Mapping[str, Any], *, most: int) -> list[database.Row]:
    """The events behind a webhook's position, in order."""
    return await tx.all(
        "select e.xid::text as xid, e.id, e.owner_id, e.media_id, e.generation_id, e.type, e.at, e.data"
        " from ambrotype.event e where (e.xid, e.id) > (%(xid)s::text::xid8, %(id)s)"
        " and e.xid < pg_snapshot_xmin(pg_current_snapshot()) and (%(everything)s or e.owner_id = %(owner)s)"
        " order by e.xid, e.id limit %(most)s",
        xid=webhook["read_xid"],
        id=webhook["read_id"],
        everything=webhook["everything"],
        owner=webhook["owner_id"],
        most=most,
    )


async def advance(
    tx: database.Transaction, webhook: Mapping[str, Any], last: Mapping[str, Any], due: Sequence[Mapping[str, Any]]
) -> None:
    """Writes down the deliveries of some events, and that the webhook has been read as far as `last`."""
    for one in due:
        await tx.run(
            "insert into ambrotype.webhook_delivery (id, webhook_id, owner_id, event_id, type, payload)"
            " values (%(id)s, %(webhook)s, %(owner)s, %(event)s, %(type)s, %(payload)s)"
            " on conflict (webhook_id, event_id) do nothing",
            webhook=webhook["id"],
            owner=webhook["owner_id"],
            **one,
        )
    await tx.run(
        "update ambrotype.webhook set read_xid = %(xid)s::text::xid8, read_id = %(id)s where id = %(webhook)s",
        webhook=webhook["id"],
        xid=last["xid"],
        id=last["id"],
    )


async def claim(tx: database.Transaction, *, most: int, seconds: float) -> list[database.Row]:
    """Due deliveries; they are due again after `seconds` unless somebody says how they ended."""
    return await tx.all(
        "update ambrotype.webhook_delivery d set attempts = d.attempts + 1, next_at = now() + make_interval(secs => %(s)s)"
        " from ambrotype.webhook w where w.id = d.webhook_id and w.active and d.id in ("
        "   select x.id from ambrotype.webhook_delivery x join ambrotype.webhook v on v.id = x.webhook_id and v.active"
        "   where x.state = 'pending' and x.next_at <= now()"
        "   order by x.next_at limit %(most)s for update of x skip locked)"
        " returning d.id, d.payload, d.type, d.attempts, w.url, w.secret, w.trusted",
        most=most,
        s=seconds,
    )


async def ended(
    tx: database.Transaction,
    delivery_id: uuid.UUID,
    *,
    status: int | None,
    detail: str | None,
    delivered: bool,
    again_in: float | None,
) -> None:
    """How an attempt ended: delivered, to be tried again in so many seconds, or given up."""
    await tx.run(
        "update ambrotype.webhook_delivery set status = %(status)s, detail = %(detail)s,"
        " state = case when %(delivered)s then 'delivered' when %(again)s::float8 is null then 'failed' else 'pending' end,"
        " delivered_at = case when %(delivered)s then now() end,"
        " next_at = now() + make_interval(secs => coalesce(%(again)s::float8, 0)) where id = %(id)s",
        id=delivery_id,
        status=status,
        detail=detail,
        delivered=delivered,
        again=again_in,
    )


async def forget(tx: database.Transaction, *, days: int) -> int:
    """The log is kept for so many days."""
    return await tx.run(
        "delete from ambrotype.webhook_delivery where state <> 'pending' and created_at < now() - make_interval(days => %(d)s)",
        d=days,
    )
