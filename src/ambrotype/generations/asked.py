"""What a caller may ask a provider for; one model for HTTP, Python and the command line."""

import uuid
from typing import Annotated, Any, Literal

import pydantic

from ambrotype.capture.request import Document, Long, Moment, Short, Tag
from ambrotype.core import generation, media

MOST_INPUTS = 64


class InputRequest(pydantic.BaseModel):
    """What the job works on: an item by its id, or a URL, which is kept too."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    id: uuid.UUID | None = None
    url: Annotated[str, pydantic.Field(max_length=20_000)] | None = None
    role: Annotated[str, pydantic.Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] = "reference"

    @pydantic.model_validator(mode="after")
    def _one(self) -> "InputRequest":
        if (self.id is None) == (self.url is None):
            raise ValueError("an input is given by either id or url")
        return self


class GenerationRequest(pydantic.BaseModel):
    """`POST /v1/generations`: a job, and what is to become of its outputs."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    provider: Short
    model: Short
    prompt: Long | None = None
    settings: Document = pydantic.Field(default={}, description="the model's own parameters, in the provider's words")
    inputs: Annotated[list[InputRequest], pydantic.Field(max_length=MOST_INPUTS)] = []
    keep: generation.Keep = "auto"
    kind: media.Kind | None = pydantic.Field(default=None, description="where one provider makes several kinds")
    project: Short | None = None
    slot: Short | None = None

    source: Literal["generation", "enhanced"] = "generation"
    enhancement: Short | None = None
    name: Short | None = None
    title: Annotated[str, pydantic.Field(max_length=1000, pattern=r"^[^\x00]*$")] | None = None
    description: Long | None = None
    tags: Annotated[list[Tag], pydantic.Field(max_length=100)] = []
    metadata: Document = {}
    attribution: Document | None = None
    favorite: bool = False
    visibility: media.Visibility | None = None
    expires_at: Moment | None = None
    layout: Short | None = None

    @pydantic.model_validator(mode="after")
    def _place(self) -> "GenerationRequest":
        if self.slot is not None and self.project is None:
            raise ValueError("a slot lies in a project: give project too")
        return self

    def wanted(self) -> dict[str, Any]:
        """What its outputs are to be, where something was said of it."""
        names = {
            "source", "enhancement", "name", "title", "description", "tags", "metadata", "attribution", "favorite",
            "visibility", "expires_at", "layout",
        }  # fmt: skip
        return self.model_dump(mode="json", include=names, exclude_defaults=True)
