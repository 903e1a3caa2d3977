"""What delivery needs to know of a media item, and of the bytes to send. The database side fills these in."""

import dataclasses
import datetime
import uuid
from typing import Literal

from ambrotype.storage import contract

Status = Literal["temporary", "keeping", "kept", "lost", "expired", "tombstone"]
Visibility = Literal["private", "unlisted", "public"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Whole bytes in the store: an original, or one of its renditions. They never change under their key."""

    key: contract.Key
    size: int
    """In bytes."""
    sha256: bytes
    content_type: str | None
    modified: datetime.datetime
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable:
    """One media item as its permanent URL sees it, for one caller. Times are aware."""

    id: uuid.UUID
    app: str
    owner_id: uuid.UUID
    status: Status
    visibility: Visibility
    name: str
    kind: str
    """image, video or audio; a guess until kept."""
    created_at: datetime.datetime
    mine: bool
    """The caller is its owner, a key acting for its owner, or a service key."""
    source_allowed: bool
    """The source passed the address check and its URL carries no provider key."""
    source_url: str | None = None
    bucket: str | None = None
    path: str | None = None
    size: int | None = None
    sha256: bytes | None = None
    """Set together with bucket, path and size, once whole bytes are in the store (also staged ones of a
    temporary item)."""
    content_type: str | None = None
    kept_at: datetime.datetime | None = None
    deleted_at: datetime.datetime | None = None
    """Set = in the trash, its bytes still there."""
    lost_code: str | None = None
    lost_detail: str | None = None
    gone_reason: str | None = None
    """Of a tombstone: purged, cancelled, …"""
    gone_at: datetime.datetime | None = None

    @property
    def content(self) -> Content | None:
        """The original's bytes where they are in the store."""
        if self.status not in ("temporary", "keeping", "kept"):
            return None
        if self.bucket is None or self.path is None or self.size is None or self.sha256 is None:
            return None
        return Content(
            key=contract.Key(self.bucket, self.path),
            size=self.size,
            sha256=self.sha256,
            content_type=self.content_type,
            modified=self.kept_at or self.created_at,
            name=self.name,
        )
