"""Shares and signed links, as they are shown to whom they belong."""

import dataclasses
import datetime
import uuid


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a share shows: one item, a collection, or whatever a slot shows at the time."""

    media_id: uuid.UUID | None = None
    collection_id: uuid.UUID | None = None
    project: str | None = None
    slot: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A link that opens a page for whoever has it."""

    id: uuid.UUID
    target: Target
    url: str | None = dataclasses.field(repr=False)
    """None once the signing key that it was made with has been taken away: it works, but can't be shown again."""
    expires_at: datetime.datetime | None
    has_password: bool
    allow_download: bool
    views: int
    revoked_at: datetime.datetime | None
    created_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A signed URL of one item."""

    url: str = dataclasses.field(repr=False)
    expires_at: datetime.datetime
