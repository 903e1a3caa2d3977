"""What may be said of an item that is to be kept: the arguments of `keep` beside its source."""

import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, get_type_hints

from ambrotype.core import media


class ParentFields(TypedDict, total=False):
    """What the item was made from: `id` or `url` (which is kept too), and the `role` that it had."""

    id: uuid.UUID | str
    url: str
    role: str


class KeepFields(TypedDict, total=False):
    """The fields of `POST /v1/keep`. Times should be aware; those that are not are taken as local to the server."""

    mode: Literal["keep", "temporary"]
    again: bool
    kind: media.Kind | None
    source: media.Source
    enhancement: str | None
    name: str | None
    title: str | None
    description: str | None
    tags: Sequence[str]
    metadata: Mapping[str, Any]
    attribution: Mapping[str, Any] | str | None
    favorite: bool
    visibility: media.Visibility | None
    expires_at: datetime.datetime | None
    provider: str | None
    model: str | None
    prompt: str | None
    settings: Mapping[str, Any]
    request_id: str | None
    source_expires_at: datetime.datetime | None
    layout: str | None
    project: str | None
    slot: str | None
    parents: Sequence[media.Parent | ParentFields]


class UploadFields(TypedDict, total=False):
    """What may be said of a file: the fields of `KeepFields` that need no source elsewhere."""

    again: bool
    source: media.Source
    enhancement: str | None
    name: str | None
    title: str | None
    description: str | None
    tags: Sequence[str]
    metadata: Mapping[str, Any]
    attribution: Mapping[str, Any] | str | None
    favorite: bool
    visibility: media.Visibility | None
    expires_at: datetime.datetime | None
    provider: str | None
    model: str | None
    prompt: str | None
    settings: Mapping[str, Any]
    request_id: str | None
    layout: str | None
    project: str | None
    slot: str | None
    parents: Sequence[media.Parent | ParentFields]


Some = str | Sequence[str]
Ids = uuid.UUID | str | Sequence[uuid.UUID | str]


class ListFields(TypedDict, total=False):
    """The filters of lists. Several values of one filter mean any of them."""

    status: Some
    kind: Some
    source: Some
    enhancement: Some
    provider: Some
    model: Some
    project: Some
    slot: Some
    collection: Ids
    tag: Some
    all_tags: Some
    favorite: bool
    visibility: Some
    content_type: Some
    owner: Some
    q: str
    created_after: datetime.datetime
    created_before: datetime.datetime
    min_size: int
    max_size: int
    min_width: int
    max_width: int
    min_duration: float
    max_duration: float
    similar_to: uuid.UUID | str
    source_url: Some
    sha256: Some
    request_id: Some
    generation: Ids
    parent: Ids
    trashed: bool


REPEATED = frozenset(name for name, kind in get_type_hints(ListFields).items() if kind in (Some, Ids))
"""The filters that take several values."""


class EditFields(TypedDict, total=False):
    """The fields of `PATCH /v1/media/{id}`."""

    title: str | None
    description: str | None
    tags: Sequence[str] | None
    metadata: Mapping[str, Any] | None
    attribution: Mapping[str, Any] | str | None
    favorite: bool
    visibility: media.Visibility
    expires_at: datetime.datetime | None
    enhancement: str | None
    prompt: str | None


class CollectionFields(TypedDict, total=False):
    """The fields of `PATCH /v1/collections/{id}`."""

    name: str
    description: str | None
    visibility: media.Visibility
    featured_id: uuid.UUID | str | None


class ShareFields(TypedDict, total=False):
    """The fields of `PATCH /v1/shares/{id}`; None takes the end or the password away."""

    expires_at: datetime.datetime | None
    password: str | None
    allow_download: bool


class WebhookFields(TypedDict, total=False):
    """The fields of `PATCH /v1/webhooks/{id}`."""

    url: str
    events: Sequence[str]
    active: bool


def narrowing(given: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that say something; one value of a filter that may repeat stands for a list of one."""
    return {name: several(value) if name in REPEATED else value for name, value in given.items() if value is not None}


def bulk(
    action: str,
    *,
    ids: Iterable[uuid.UUID | str] | None,
    filters: Mapping[str, Any] | None,
    tags: Iterable[str] | None,
    visibility: str | None,
    collection: uuid.UUID | str | None,
    force: bool,
) -> dict[str, Any]:
    """The fields of `POST /v1/media/bulk`."""
    given = {
        "action": action,
        "ids": list(ids) if ids is not None else None,
        "filter": narrowing(filters) if filters is not None else None,
        "tags": list(tags) if tags is not None else None,
        "visibility": visibility,
        "collection": collection,
        "force": force or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def several(value: object) -> list[object]:
    """One value, or the values of a sequence."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
