"""What may be said of an item that is to be kept: the arguments of `keep` beside its source."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

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
