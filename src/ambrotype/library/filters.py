"""What a list is narrowed by. Each filter may repeat, and then means any of them; different ones must all hold."""

import uuid
from typing import Annotated, Any

import pydantic

from ambrotype.core import errors, media, owners, sources, words

Text = Annotated[str, pydantic.Field(min_length=1, max_length=255)]
Texts = Annotated[list[Text], pydantic.Field(max_length=50)]
Ids = Annotated[list[uuid.UUID], pydantic.Field(max_length=50)]
Bytes = Annotated[int, pydantic.Field(ge=0, le=2**62)]
Pixels = Annotated[int, pydantic.Field(ge=0, le=2**31 - 1)]
Seconds = Annotated[float, pydantic.Field(ge=0, le=1e9)]
Digest = Annotated[str, pydantic.Field(pattern=r"^[0-9a-fA-F]{64}$")]


class Filters(pydantic.BaseModel):
    """The filters of `GET /v1/media`, of its facets, and of bulk actions."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    status: list[media.Status] | None = pydantic.Field(default=None, description="default kept and keeping")
    kind: list[media.Kind] | None = None
    source: list[media.Source] | None = None
    enhancement: Texts | None = None
    provider: Texts | None = None
    model: Texts | None = None
    project: Texts | None = None
    slot: Texts | None = None
    collection: Ids | None = None
    tag: Texts | None = pydantic.Field(default=None, description="any of these")
    all_tags: Texts | None = pydantic.Field(default=None, description="all of these")
    favorite: bool | None = None
    visibility: list[media.Visibility] | None = None
    content_type: Texts | None = None
    owner: Texts | None = pydantic.Field(default=None, description="user:<sub>, guest:<id> or service; keys only")
    q: Annotated[str, pydantic.Field(max_length=1000)] | None = pydantic.Field(
        default=None, description='words over title, tags, prompt, name and description; "phrases", -not, or, prefix'
    )
    created_after: pydantic.AwareDatetime | None = None
    created_before: pydantic.AwareDatetime | None = None
    min_size: Bytes | None = None
    max_size: Bytes | None = None
    min_width: Pixels | None = None
    max_width: Pixels | None = None
    min_duration: Seconds | None = None
    max_duration: Seconds | None = None
    similar_to: uuid.UUID | None = pydantic.Field(default=None, description="near-duplicates of this item")
    source_url: (
        Annotated[list[Annotated[str, pydantic.Field(max_length=16384)]], pydantic.Field(max_length=50)] | None
    ) = None
    sha256: Annotated[list[Digest], pydantic.Field(max_length=50)] | None = None
    request_id: Texts | None = None
    generation: Ids | None = None
    parent: Ids | None = None
    trashed: bool = False

    def conditions(self, who: owners.Principal) -> dict[str, Any]:
        """As the database's functions take them. Raises `errors.Forbidden` for another's owner."""
        given = self.model_dump(
            mode="json", exclude_none=True, exclude={"q", "owner", "source_url", "similar_to", "trashed"}
        )
        if self.trashed:
            given["trashed"] = True
            given.setdefault("status", list(media.STATUSES))
        if self.q is not None and (query := words.query(self.q)) is not None:
            given["query"] = query
        if self.source_url is not None:
            given["source_hash"] = [sources.key(url).hex() for url in self.source_url]
        if self.owner is not None:
            given["owner"] = [_owner(text, who) for text in self.owner]
        return given


EVERYTHING = Filters()
"""No filter: kept and keeping items outside the trash."""


def _owner(text: str, who: owners.Principal) -> dict[str, str]:
    owner = owners.parse(text)
    if not who.administrator and owner != who.owner:
        raise errors.Forbidden("Only a service key that names no owner may list another owner's media.")
    return {"kind": owner.kind, "subject": owner.subject}
