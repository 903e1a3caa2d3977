"""Webhooks: where an owner's events are told, Standard Webhooks 1.0."""

import uuid
from collections.abc import Iterable
from typing import Unpack

import pydantic

from ambrotype import fields, paging
from ambrotype.client import asking, http
from ambrotype.client.asynchronous import answers, base
from ambrotype.core import webhooks as nouns

_NEW = pydantic.TypeAdapter(nouns.NewWebhook)
_WEBHOOK = pydantic.TypeAdapter(nouns.Webhook)
_DELIVERY = pydantic.TypeAdapter(nouns.Delivery)


class Webhooks(base.Base):
    """Webhooks: where an owner's events are told, Standard Webhooks 1.0."""

    async def create_webhook(self, url: str, *, events: Iterable[str] = ()) -> nouns.NewWebhook:
        """Has events told to `url`, of these types or of all; its `secret`, which signs them, is shown here and never again."""
        call = http.Call(
            method="POST",
            path="/v1/webhooks",
            body=asking.body_of({"url": url, "events": list(events)}),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return answers.read(_NEW, await self._http.send(call))

    def webhooks(self) -> paging.Listed[nouns.Webhook]:
        """The owner's webhooks, newest first, without their secrets."""
        return self._listed(_WEBHOOK, "/v1/webhooks")

    async def edit_webhook(self, webhook_id: uuid.UUID | str, **changes: Unpack[fields.WebhookFields]) -> nouns.Webhook:
        """Changes a webhook; one that is not `active` is told later what happened meanwhile, when it is active again."""
        path = f"/v1/webhooks/{answers.identified(webhook_id, 'webhook')}"
        call = http.Call(method="PATCH", path=path, body=asking.body_of(changes))
        return answers.read(_WEBHOOK, await self._http.send(call))

    async def delete_webhook(self, webhook_id: uuid.UUID | str) -> None:
        """Removes a webhook with its log."""
        path = f"/v1/webhooks/{answers.identified(webhook_id, 'webhook')}"
        await self._http.send(http.Call(method="DELETE", path=path, repeatable=False))

    def webhook_deliveries(self, webhook_id: uuid.UUID | str) -> paging.Listed[nouns.Delivery]:
        """What a webhook was told and what is to be, newest first."""
        return self._listed(_DELIVERY, f"/v1/webhooks/{answers.identified(webhook_id, 'webhook')}/deliveries")

    async def test_webhook(self, webhook_id: uuid.UUID | str) -> nouns.Delivery:
        """Sends a `webhook.test`."""
        path = f"/v1/webhooks/{answers.identified(webhook_id, 'webhook')}/test"
        return answers.read(_DELIVERY, await self._http.send(http.Call(method="POST", path=path, repeatable=False)))

    async def replay_delivery(self, webhook_id: uuid.UUID | str, delivery_id: uuid.UUID | str) -> nouns.Delivery:
        """Tells a delivery again, under the same `webhook-id`."""
        webhook, delivery = answers.identified(webhook_id, "webhook"), answers.identified(delivery_id, "delivery")
        path = f"/v1/webhooks/{webhook}/deliveries/{delivery}/replay"
        return answers.read(_DELIVERY, await self._http.send(http.Call(method="POST", path=path)))
