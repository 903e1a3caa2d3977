"""Collections and what lies in them, as they are shown."""

import dataclasses
import datetime
import uuid

from ambrotype.core import media


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection, without what lies in it."""

    id: uuid.UUID
    owner: str
    name: str
    description: str | None
    visibility: media.Visibility
    featured_id: uuid.UUID | None
    count: int
    cover_url: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item at its place; `position` rises along the order and says nothing else."""

    media: media.Media
    position: str
    note: str | None
