"""Outgoing webhooks, as they are shown."""

import dataclasses
import datetime
import uuid
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where events go; no `events` means all types."""

    id: uuid.UUID
    url: str
    events: list[str]
    active: bool
    created_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook(Webhook):
    """A webhook in the one reply that holds its secret."""

    secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event told to one webhook, or not yet."""

    id: uuid.UUID
    webhook_id: uuid.UUID
    event_id: int | None
    type: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_at: datetime.datetime | None
    status: int | None
    detail: str | None
    created_at: datetime.datetime
    delivered_at: datetime.datetime | None
