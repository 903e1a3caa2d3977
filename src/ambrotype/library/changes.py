"""What may be made and changed: items, collections, webhooks. In changes, what is absent stays and null clears."""

import uuid
from typing import Annotated, Any, Literal

import orjson
import pydantic

from ambrotype.core import media


def _plain(value: str) -> str:
    if "\x00" in value:
        raise ValueError("it must not contain a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("it must be valid Unicode") from None
    return value


def _document(value: Any) -> Any:
    try:
        text = orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("it must be JSON of moderate depth, in valid Unicode") from None
    if len(text) > 256 * 1024 or b"\\u0000" in text:
        raise ValueError("it must be at most 256 KiB of JSON, without NUL characters")
    return value


Text = Annotated[str, pydantic.AfterValidator(_plain)]
Tag = Annotated[str, pydantic.Field(min_length=1, max_length=100), pydantic.AfterValidator(_plain)]


class Changes(pydantic.BaseModel):
    """`PATCH /v1/media/{id}`: what is absent stays, null clears, `metadata` merges key by key, `tags` is replaced."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    title: Annotated[Text, pydantic.Field(max_length=1000)] | None = None
    description: Annotated[Text, pydantic.Field(max_length=100_000)] | None = None
    tags: Annotated[list[Tag], pydantic.Field(max_length=100)] | None = None
    metadata: Annotated[dict[str, Any] | None, pydantic.AfterValidator(_document)] = None
    attribution: Annotated[dict[str, Any] | str | None, pydantic.AfterValidator(_document)] = None
    favorite: bool = False
    visibility: media.Visibility = "private"
    expires_at: pydantic.AwareDatetime | None = None
    enhancement: Annotated[Text, pydantic.Field(min_length=1, max_length=255)] | None = None
    prompt: Annotated[Text, pydantic.Field(max_length=100_000)] | None = None

    def given(self) -> dict[str, Any]:
        """Only what was said."""
        return self.model_dump(exclude_unset=True)


Name = Annotated[Text, pydantic.Field(min_length=1, max_length=255)]
Long = Annotated[Text, pydantic.Field(max_length=100_000)]


class NewCollection(pydantic.BaseModel):
    """A collection to make."""

    model_config = pydantic.ConfigDict(extra="forbid")

    name: Name
    description: Long | None = None
    visibility: media.Visibility = "private"


class CollectionChanges(pydantic.BaseModel):
    """What is absent stays; null clears."""

    model_config = pydantic.ConfigDict(extra="forbid")

    name: Name = ""
    description: Long | None = None
    visibility: media.Visibility = "private"
    featured_id: uuid.UUID | None = None


class Placed(pydantic.BaseModel):
    """An item to put in, at the end or beside another; or one to move, or to note something on."""

    model_config = pydantic.ConfigDict(extra="forbid")

    media_id: uuid.UUID
    note: Long | None = None
    before: uuid.UUID | None = None
    after: uuid.UUID | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> "Placed":
        if self.before is not None and self.after is not None:
            raise ValueError("give before or after, not both")
        if self.media_id in (self.before, self.after):
            raise ValueError("an item can't lie beside itself")
        return self


EventType = Literal[
    "media.temporary", "media.keeping", "media.kept", "media.lost", "media.expired", "media.edited", "media.trashed",
    "media.restored", "media.purged", "media.at_risk", "media.rendition", "generation.queued", "generation.processing",
    "generation.completed", "generation.failed", "generation.cancelled", "slot.current",
]  # fmt: skip
Url = Annotated[str, pydantic.Field(min_length=8, max_length=2000)]
Types = Annotated[list[EventType], pydantic.Field(max_length=50, description="empty: all types")]


class WebhookRequest(pydantic.BaseModel):
    """A webhook to make."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: Url
    events: Types = []


class WebhookChanges(pydantic.BaseModel):
    """What is absent stays."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: Url = ""
    events: Types = []
    active: bool = True


class Current(pydantic.BaseModel):
    """Which version to show."""

    model_config = pydantic.ConfigDict(extra="forbid")

    version: Annotated[int, pydantic.Field(ge=1, le=2**31 - 1)]


class Prune(pydantic.BaseModel):
    """How many of the newest versions stay."""

    model_config = pydantic.ConfigDict(extra="forbid")

    keep: Annotated[int, pydantic.Field(ge=1, le=100_000)]
