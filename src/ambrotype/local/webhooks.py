"""Webhooks: where an owner's events are told, Standard Webhooks 1.0."""

import uuid
from collections.abc import Iterable
from typing import Unpack

from ambrotype import fields, paging, verbs
from ambrotype.capture import request
from ambrotype.core import webhooks as nouns
from ambrotype.library import changes as requests
from ambrotype.library import listing, webhooks
from ambrotype.local import base


class Webhooks(base.Base):
    """Webhooks: where an owner's events are told, Standard Webhooks 1.0."""

    async def create_webhook(self, url: str, *, events: Iterable[str] = ()) -> nouns.NewWebhook:
        """Has events told to `url`, of these types or of all; its `secret`, which signs them, is shown here and never again."""
        wanted = request.parsed(requests.WebhookRequest, {"url": url, "events": list(events)})
        return await verbs.create_webhook(self._here, self._who, wanted)

    def webhooks(self) -> paging.Listed[nouns.Webhook]:
        """The owner's webhooks, newest first, without their secrets."""
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Webhook]:
            return await webhooks.page(app.data, self._who, cursor=cursor, limit=most)

        return base.listed(fetch)

    async def edit_webhook(self, webhook_id: uuid.UUID | str, **changes: Unpack[fields.WebhookFields]) -> nouns.Webhook:
        """Changes a webhook; one that is not `active` is told later what happened meanwhile, when it is active again."""
        wanted = request.parsed(requests.WebhookChanges, changes)
        return await verbs.edit_webhook(self._here, self._who, base.identified(webhook_id, "webhook"), wanted)

    async def delete_webhook(self, webhook_id: uuid.UUID | str) -> None:
        """Removes a webhook with its log."""
        await webhooks.delete(self._here.app.data, self._who, base.identified(webhook_id, "webhook"))

    def webhook_deliveries(self, webhook_id: uuid.UUID | str) -> paging.Listed[nouns.Delivery]:
        """What a webhook was told and what is to be, newest first."""
        found = base.identified(webhook_id, "webhook")
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Delivery]:
            return await webhooks.deliveries(app.data, self._who, found, cursor=cursor, limit=most)

        return base.listed(fetch)

    async def test_webhook(self, webhook_id: uuid.UUID | str) -> nouns.Delivery:
        """Sends a `webhook.test`."""
        return await webhooks.test(self._here.app.data, self._who, base.identified(webhook_id, "webhook"))

    async def replay_delivery(self, webhook_id: uuid.UUID | str, delivery_id: uuid.UUID | str) -> nouns.Delivery:
        """Tells a delivery again, under the same `webhook-id`."""
        found = base.identified(webhook_id, "webhook"), base.identified(delivery_id, "delivery")
        return await webhooks.replay(self._here.app.data, self._who, *found)
