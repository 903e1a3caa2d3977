"""What may be changed of an item."""

from typing import Annotated, Any

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
