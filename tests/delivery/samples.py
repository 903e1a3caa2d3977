"""Media rows as the database would give them."""

import datetime
import hashlib
import uuid
from typing import Any

from ambrotype.core import ids
from ambrotype.delivery import deliverable, signing

KEPT_AT = datetime.datetime(2026, 3, 1, 12, 30, 15, 987654, tzinfo=datetime.UTC)
KEYS = (signing.Key("new", b"n" * 32), signing.Key("old", b"o" * 32))


def row(**changes: Any) -> deliverable.Deliverable:
    """A private temporary picture at its provider, whose owner is not asking."""
    given: dict[str, Any] = {
        "id": ids.new(),
        "app": "default",
        "owner_id": uuid.UUID(int=1),
        "status": "temporary",
        "visibility": "private",
        "name": "fox.png",
        "kind": "image",
        "created_at": KEPT_AT,
        "mine": False,
        "source_allowed": True,
        "source_url": "https://provider.example/fox.png?token=abc",
    }
    return deliverable.Deliverable(**given | changes)


def kept(data: bytes = b"bytes", **changes: Any) -> deliverable.Deliverable:
    """A public kept item with these bytes."""
    media_id = changes.pop("id", ids.new())
    given: dict[str, Any] = {
        "id": media_id,
        "status": "kept",
        "visibility": "public",
        "bucket": "media",
        "path": f"images/{media_id}.png",
        "size": len(data),
        "sha256": hashlib.sha256(data).digest(),
        "content_type": "image/png",
        "kept_at": KEPT_AT,
    }
    return row(**given | changes)
