"""From a row to the media object. URLs are composed here, on the way out; only ids and paths are stored."""

import base64
import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from ambrotype.core import media, owners, renditions

Row = dict[str, Any]


class Addresses(Protocol):
    """Composes the URLs of items, and knows how long the trash keeps them."""

    @property
    def trash(self) -> datetime.timedelta | None:
        """How long an item lies in the trash before it goes by itself; None = for ever."""
        ...

    def permanent(self, media_id: uuid.UUID, name: str, visibility: str) -> str:
        """The URL that never changes."""
        ...

    def access(self, media_id: uuid.UUID, name: str, visibility: str) -> str:
        """A URL that a browser can load with no header: signed and short-lived where the item is private."""
        ...

    def derived(
        self, media_id: uuid.UUID, name: str, visibility: str, queries: Mapping[str, Mapping[str, str]]
    ) -> dict[str, str]:
        """The URLs of renditions by their names; their queries are given. Signed as `access` where that is."""
        ...


def media_of(row: Row, addresses: Addresses) -> media.Media:
    """The media object of a row of `records/media.py`."""
    return media.Media(**_values(row, addresses))


def at_risk_of(row: Row, addresses: Addresses) -> media.AtRisk:
    """The same with the seconds that its source has left."""
    return media.AtRisk(**_values(row, addresses), seconds_left=row["seconds_left"])


_AS_IT_IS = (
    "id", "kind", "status", "source", "enhancement", "source_url", "source_expires_at", "source_expiry_rule", "name", "title",
    "description", "tags", "metadata", "attribution", "favorite", "visibility", "expires_at", "provider", "model", "prompt",
    "settings", "request_id", "generation_id", "project", "slot", "version", "bucket", "path", "size", "content_type",
    "width", "height", "duration", "layout", "cost",
)  # fmt: skip
_TIMES = ("source_expires_at", "expires_at", "created_at", "kept_at", "updated_at", "deleted_at")


def _values(row: Row, addresses: Addresses) -> dict[str, Any]:
    owner = owners.Owner(kind=row["owner_kind"], subject=row["owner_subject"])
    place = (row["id"], row["name"], row["visibility"])
    values: dict[str, Any] = {name: row[name] for name in _AS_IT_IS}
    values |= {name: _utc(row[name]) for name in _TIMES}
    return values | {
        "owner": str(owner),
        "url": addresses.permanent(*place),
        "access_url": addresses.access(*place),
        "is_current": row["is_current"] if row["slot"] is not None else None,
        "parents": [media.Parent(id=uuid.UUID(parent["id"]), role=parent["role"]) for parent in row["parents"] or ()],
        "sha256": row["sha256"].hex() if row["sha256"] else None,
        "thumbhash": base64.b64encode(row["thumbhash"]).decode() if row["thumbhash"] else None,
        "renditions": addresses.derived(*place, _renditions(row)),
        "provenance": media.Provenance(**row["provenance"]),
        "inspection": media.Inspection(
            state=row["inspection"],
            detail=row["inspection_detail"],
            facts=media.Facts(**row["facts"]) if row["facts"] else None,
        ),
        "trashed_until": _utc(row["deleted_at"] + addresses.trash) if row["deleted_at"] and addresses.trash else None,
        "lost": media.Lost(code=row["lost_code"], detail=row["lost_detail"], retryable=row["lost_retryable"])
        if row["lost_code"]
        else None,
    }


def _renditions(row: Row) -> dict[str, dict[str, str]]:
    """What may be asked for; of what could not even be looked at nothing is promised."""
    if row["status"] != "kept" or (row["inspection"] != "pending" and row["thumbhash"] is None):
        return {}
    return renditions.offered(row["kind"], row["content_type"], width=row["width"], height=row["height"])


def _utc(value: datetime.datetime | None) -> datetime.datetime | None:
    return value.astimezone(datetime.UTC) if value else None
