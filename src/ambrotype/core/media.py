"""The media object, as every face of Ambrotype shows it: HTTP, Python and the command line."""

import dataclasses
import datetime
import uuid
from typing import Any, Literal

Kind = Literal["image", "video", "audio"]
Status = Literal["temporary", "keeping", "kept", "lost", "expired"]
Source = Literal["upload", "generation", "enhanced", "stock"]
Visibility = Literal["private", "unlisted", "public"]

KINDS: tuple[Kind, ...] = ("image", "video", "audio")
STATUSES: tuple[Status, ...] = ("temporary", "keeping", "kept", "lost", "expired")
SOURCES: tuple[Source, ...] = ("upload", "generation", "enhanced", "stock")
VISIBILITIES: tuple[Visibility, ...] = ("private", "unlisted", "public")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What an item was made from, and as what it served."""

    id: uuid.UUID
    role: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Why an item could not be kept; `code` is one of the capture codes of `core/errors.py`."""

    code: str
    detail: str
    retryable: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the file says of its own making."""

    c2pa: Literal["absent", "present", "valid", "invalid"] = "absent"
    digital_source_type: str | None = None
    generator: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How the file is coded; None where the file does not say, or has no such thing."""

    codecs: list[str] = dataclasses.field(default_factory=list)
    """By FFmpeg's names, the picture's first."""
    rotation: int | None = None
    """Degrees clockwise that stand it upright; `width` and `height` are meant upright."""
    color_profile: str | None = None
    """What the ICC profile calls itself."""
    color_space: str | None = None
    """rgb, grey or cmyk; of videos bt601, bt709 or bt2020."""
    color_transfer: Literal["pq", "hlg"] | None = None
    """Of HDR videos."""
    bit_depth: int | None = None
    """Of each channel."""
    alpha: bool | None = None
    animated: bool | None = None
    frames: int | None = None
    frame_rate: float | None = None
    bit_rate: int | None = None
    channels: int | None = None
    sample_rate: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """How far the look into the kept file has come. It never un-keeps."""

    state: Literal["pending", "done", "failed"] = "pending"
    detail: str | None = None
    facts: Facts | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One media item. Sizes are bytes, durations seconds, times aware UTC.

    `bucket`, `path`, `size`, `sha256`, `width`, `height`, `duration`, `thumbhash` and `kept_at` are None until it is kept;
    `kind` and `content_type` may be guesses until then.
    """

    id: uuid.UUID
    owner: str
    kind: Kind
    status: Status
    source: Source
    enhancement: str | None = None
    url: str
    """Permanent, at once and for ever."""
    access_url: str
    """The same, signed and short-lived where the item is private, else equal to `url`."""
    source_url: str | None = None
    source_expires_at: datetime.datetime | None = None
    source_expiry_rule: str | None = None
    name: str
    title: str | None = None
    description: str | None = None
    tags: list[str] = dataclasses.field(default_factory=list)
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    attribution: dict[str, Any] | str | None = None
    favorite: bool = False
    visibility: Visibility
    expires_at: datetime.datetime | None = None
    provider: str | None = None
    model: str | None = None
    prompt: str | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    request_id: str | None = None
    generation_id: uuid.UUID | None = None
    project: str | None = None
    slot: str | None = None
    version: int | None = None
    is_current: bool | None = None
    parents: list[Parent] = dataclasses.field(default_factory=list)
    bucket: str | None = None
    path: str | None = None
    size: int | None = None
    content_type: str | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    thumbhash: str | None = None
    renditions: dict[str, str] = dataclasses.field(default_factory=dict)
    provenance: Provenance = dataclasses.field(default_factory=Provenance)
    layout: str
    inspection: Inspection = dataclasses.field(default_factory=Inspection)
    trashed_until: datetime.datetime | None = None
    cost: dict[str, Any] | None = None
    lost: Lost | None = None
    created_at: datetime.datetime
    kept_at: datetime.datetime | None = None
    updated_at: datetime.datetime
    deleted_at: datetime.datetime | None = None

    @property
    def settled(self) -> bool:
        """Nothing is being done for it any more: kept, lost, expired, or not asked to be kept."""
        return self.status != "keeping"

    @property
    def etag(self) -> str:
        """What `If-Match` compares: another one after each change."""
        return etag(self.updated_at)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk(Media):
    """An item that is not kept yet, with the seconds its source has left (assumed or known; negative when past)."""

    seconds_left: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an item. `id` rises in the order of reading."""

    id: int
    media_id: uuid.UUID | None
    generation_id: uuid.UUID | None = None
    type: str
    at: datetime.datetime
    data: dict[str, Any]


def etag(updated_at: datetime.datetime) -> str:
    """Of an item that was last changed then."""
    return f'"{int(updated_at.timestamp() * 1_000_000):x}"'
