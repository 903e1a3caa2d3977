"""Outgoing webhooks of an owner: where their events are told (Standard Webhooks 1.0)."""

import base64
import datetime
import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ambrotype.core import errors, ids, owners
from ambrotype.core import webhooks as nouns
from ambrotype.library import cursor as cursors
from ambrotype.library import listing
from ambrotype.records import accepting, database
from ambrotype.records import webhooks as rows


async def create(
    data: database.Database, who: owners.Principal, *, url: str, events: list[str], seal: Callable[[bytes], bytes]
) -> nouns.NewWebhook:
    """A new webhook, with a secret of 256 random bits. `seal` encrypts it for the database."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    async with data.transaction(who) as tx:
        row = await rows.create(
            tx,
            {
                "id": ids.new(),
                "owner": await accepting.own(tx),
                "everything": who.administrator,
                "trusted": who.is_key,
                "url": url,
                "events": events,
                "secret": seal(secret.encode()),
            },
        )
    return nouns.NewWebhook(**row, secret=secret)


async def get(data: database.Database, who: owners.Principal, webhook_id: uuid.UUID) -> nouns.Webhook:
    """One webhook; `errors.NotFound` where it is not the caller's."""
    async with data.transaction(who) as tx:
        row = await rows.get(tx, webhook_id)
    return nouns.Webhook(**_found(row, webhook_id))


async def page(
    data: database.Database, who: owners.Principal, *, cursor: str | None = None, limit: int = 50
) -> listing.Page[nouns.Webhook]:
    """The caller's webhooks, newest first."""
    after = _after("webhooks", cursor)
    async with data.transaction(who) as tx:
        found = await rows.page(tx, after=after, most=limit + 1)
    return listing.Page(
        items=[nouns.Webhook(**_plain(row)) for row in found[:limit]], next_cursor=_next("webhooks", found, limit)
    )


async def edit(
    data: database.Database, who: owners.Principal, webhook_id: uuid.UUID, values: Mapping[str, Any]
) -> nouns.Webhook:
    """Changes where, what and whether."""
    async with data.transaction(who) as tx:
        row = await rows.update(tx, webhook_id, values)
    return nouns.Webhook(**_found(row, webhook_id))


async def delete(data: database.Database, who: owners.Principal, webhook_id: uuid.UUID) -> None:
    """Removes a webhook with its log."""
    async with data.transaction(who) as tx:
        if not await rows.delete(tx, webhook_id):
            raise _missing(webhook_id)


async def deliveries(
    data: database.Database,
    who: owners.Principal,
    webhook_id: uuid.UUID,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> listing.Page[nouns.Delivery]:
    """What was told and what is to be, newest first."""
    after = _after("deliveries", cursor)
    async with data.transaction(who) as tx:
        _found(await rows.get(tx, webhook_id), webhook_id)
        found = await rows.deliveries(tx, webhook_id, after=after, most=limit + 1)
    return listing.Page(
        items=[nouns.Delivery(**_plain(row)) for row in found[:limit]], next_cursor=_next("deliveries", found, limit)
    )


async def test(data: database.Database, who: owners.Principal, webhook_id: uuid.UUID) -> nouns.Delivery:
    """Sends something harmless."""
    payload = orjson.dumps(
        {"type": "webhook.test", "timestamp": datetime.datetime.now(datetime.UTC), "data": {"webhook_id": webhook_id}},
        option=orjson.OPT_UTC_Z,
    )
    async with data.transaction(who) as tx:
        row = await rows.enqueue(
            tx, delivery_id=ids.new(), webhook_id=webhook_id, kind="webhook.test", payload=payload.decode()
        )
    return nouns.Delivery(**_found(row, webhook_id))


async def replay(
    data: database.Database, who: owners.Principal, webhook_id: uuid.UUID, delivery_id: uuid.UUID
) -> nouns.Delivery:
    """Tells it again, under the same id, so that a receiver can see that it knows it."""
    async with data.transaction(who) as tx:
        _found(await rows.get(tx, webhook_id), webhook_id)
        row = await rows.replay(tx, webhook_id, delivery_id)
    if row is None:
        raise errors.NotFound(f"There is no delivery {delivery_id} of the webhook {webhook_id}.")
    return nouns.Delivery(**row)


def _found(row: database.Row | None, webhook_id: uuid.UUID) -> database.Row:
    if row is None:
        raise _missing(webhook_id)
    return row


def _missing(webhook_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"There is no webhook {webhook_id}.")


def _plain(row: database.Row) -> database.Row:
    return {name: value for name, value in row.items() if name != "sort_value"}


def _after(of: str, cursor: str | None) -> tuple[str, uuid.UUID] | None:
    position = cursors.decode(of, cursor, spells=cursors.time)
    return (position[0], position[1]) if position and position[0] is not None else None


def _next(of: str, found: list[database.Row], limit: int) -> str | None:
    return cursors.encode(of, (found[limit - 1]["sort_value"], found[limit - 1]["id"])) if len(found) > limit else None
