"""What a caller may ask to be kept; one model for HTTP, Python and the command line."""

import datetime
import re
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import orjson
import pydantic

from ambrotype.core import errors, media

_MAX_METADATA = 256 * 1024
_MAX_PROBLEMS = 50
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

Model = TypeVar("Model", bound=pydantic.BaseModel)


def _plain(value: str) -> str:
    """PostgreSQL stores no NUL, and no lone half of a surrogate pair is a character."""
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
        raise ValueError("it must be JSON of moderate depth, in valid Unicode, integers of 64 bits") from None
    if len(text) > _MAX_METADATA:
        raise ValueError(f"it must be at most {_MAX_METADATA} bytes of JSON")
    if _NUL.search(text):
        raise ValueError("it must not contain a NUL character")
    return value


def _utc(at: datetime.datetime) -> datetime.datetime:
    try:
        return at.astimezone(datetime.UTC)
    except OverflowError:
        raise ValueError("it must lie in the years 1 to 9999 of UTC") from None


Short = Annotated[str, pydantic.Field(min_length=1, max_length=255), pydantic.AfterValidator(_plain)]
Long = Annotated[str, pydantic.Field(max_length=100_000), pydantic.AfterValidator(_plain)]
Document = Annotated[dict[str, Any], pydantic.AfterValidator(_document)]
Tag = Annotated[str, pydantic.Field(min_length=1, max_length=100), pydantic.AfterValidator(_plain)]
Moment = Annotated[datetime.datetime, pydantic.AfterValidator(_utc)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ParentRequest(_Strict):
    """What the item was made from: an item by its id, or a URL, which is kept too."""

    id: uuid.UUID | None = None
    url: str | None = None
    role: Annotated[str, pydantic.Field(min_length=1, max_length=64), pydantic.AfterValidator(_plain)] = "reference"

    @pydantic.model_validator(mode="after")
    def _one(self) -> "ParentRequest":
        if (self.id is None) == (self.url is None):
            raise ValueError("a parent is given by either id or url")
        return self


class ItemFields(_Strict):
    """What may be said of any item that is to be kept."""

    again: bool = False

    source: media.Source = "generation"
    enhancement: Short | None = None
    name: Short | None = None
    title: Annotated[str, pydantic.Field(max_length=1000), pydantic.AfterValidator(_plain)] | None = None
    description: Long | None = None
    tags: Annotated[list[Tag], pydantic.Field(max_length=100)] = []
    metadata: Document = {}
    attribution: Annotated[dict[str, Any] | str | None, pydantic.AfterValidator(_document)] = None
    favorite: bool = False
    visibility: media.Visibility | None = None
    expires_at: Moment | None = None
    provider: Short | None = None
    model: Short | None = None
    prompt: Long | None = None
    settings: Document = {}
    request_id: Short | None = None
    layout: Short | None = None
    project: Short | None = None
    slot: Short | None = None
    parents: Annotated[list[ParentRequest], pydantic.Field(max_length=64)] = []

    @pydantic.model_validator(mode="after")
    def _place(self) -> "ItemFields":
        if self.slot is not None and self.project is None:
            raise ValueError("a slot lies in a project: give project too")
        return self

    def fields(self) -> dict[str, Any]:
        """The writable media fields, as given."""
        chosen = self.model_dump(
            include={
                "source", "enhancement", "title", "description", "tags", "metadata", "attribution", "favorite",
                "expires_at", "provider", "model", "prompt", "settings", "request_id", "project", "slot",
            }
        )  # fmt: skip
        return {name: value for name, value in chosen.items() if value is not None}


class KeepRequest(ItemFields):
    """`POST /v1/keep`: a source, and what is known of it."""

    url: str | None = None
    data: str | None = pydantic.Field(default=None, description="base64 or a data URI")
    mode: Literal["keep", "temporary"] = "keep"
    wait: Annotated[float, pydantic.Field(ge=0, le=60, description="seconds to wait until it is kept")] = 0

    kind: media.Kind | None = None
    source_expires_at: Moment | None = pydantic.Field(
        default=None, description="when the URL dies, where the provider has told"
    )

    @pydantic.model_validator(mode="after")
    def _sources(self) -> "KeepRequest":
        if self.url is not None and self.data is not None:
            raise ValueError("give either url or data, not both")
        if self.url is None and self.data is None and not (self.provider and self.request_id):
            raise ValueError("give url, data, or provider and request_id")
        if self.mode == "temporary" and self.url is None:
            raise ValueError("mode temporary needs a url")
        return self


class UploadRequest(ItemFields):
    """What goes with an upload: the `fields` of its form, or of its metadata."""

    source: media.Source = "upload"

    def with_bytes(self, *, kind: media.Kind, filename: str | None) -> KeepRequest:
        """The item, now that it is known what its bytes are."""
        given = self.model_dump(exclude_unset=True)
        name = self.name or (filename[:255] if filename else None)
        return parsed(KeepRequest, {**given, "source": self.source, "kind": kind, "name": name, "data": ""})


def parsed(model: type[Model], fields: Mapping[str, Any]) -> Model:
    """The request that these fields make; `errors.InvalidRequest` names each one that is wrong."""
    try:
        return model.model_validate(dict(fields))
    except pydantic.ValidationError as error:
        raise invalid([(pointer(one["loc"]), message(one)) for one in error.errors()[:_MAX_PROBLEMS]]) from None


def invalid(problems: list[tuple[str, str]]) -> errors.InvalidRequest:
    """The error of a request with wrong fields, the first of them in its sentence."""
    where, what = problems[0]
    return errors.InvalidRequest(f"{where or 'The request'}: {what}.", problems=problems)


def pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) to a place in a request."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def message(one: Mapping[str, Any]) -> str:
    """What is wrong with one field, in plain words."""
    if one["type"] == "json_invalid":
        return "the body is not valid JSON"
    if one["type"] == "extra_forbidden":
        return "there is no such field"
    text = str(one["msg"]).removeprefix("Value error, ")
    return text[0].lower() + text[1:]
