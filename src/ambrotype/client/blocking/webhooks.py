"""Webhooks: where an owner's events are told, Standard Webhooks 1.0."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Unpack

from ambrotype import fields
from ambrotype.client.blocking import base
from ambrotype.core import webhooks as nouns


class Webhooks(base.Base):
    """Webhooks: where an owner's events are told, Standard Webhooks 1.0."""

    def create_webhook(self, url: str, *, events: Iterable[str] = ()) -> nouns.NewWebhook:
        """Has events told to `url`, of these types or of all; its `secret`, which signs them, is shown here and never again."""
        return self._background.run(self._client.create_webhook(url, events=[*events]))

    def webhooks(self) -> Iterator[nouns.Webhook]:
        """The owner's webhooks, newest first, without their secrets."""
        return self._each(self._client.webhooks())

    def edit_webhook(self, webhook_id: uuid.UUID | str, **changes: Unpack[fields.WebhookFields]) -> nouns.Webhook:
        """Changes a webhook; one that is not `active` is told later what happened meanwhile, when it is active again."""
        return self._background.run(self._client.edit_webhook(webhook_id, **changes))

    def delete_webhook(self, webhook_id: uuid.UUID | str) -> None:
        """Removes a webhook with its log."""
        self._background.run(self._client.delete_webhook(webhook_id))

    def webhook_deliveries(self, webhook_id: uuid.UUID | str) -> Iterator[nouns.Delivery]:
        """What a webhook was told and what is to be, newest first."""
        return self._each(self._client.webhook_deliveries(webhook_id))

    def test_webhook(self, webhook_id: uuid.UUID | str) -> nouns.Delivery:
        """Sends a `webhook.test`."""
        return self._background.run(self._client.test_webhook(webhook_id))

    def replay_delivery(self, webhook_id: uuid.UUID | str, delivery_id: uuid.UUID | str) -> nouns.Delivery:
        """Tells a delivery again, under the same `webhook-id`."""
        return self._background.run(self._client.replay_delivery(webhook_id, delivery_id))
