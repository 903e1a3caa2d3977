"""What every verb on a data folder needs."""

import dataclasses
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from ambrotype import paging, verbs
from ambrotype.core import errors, ids, media, owners
from ambrotype.library import listing

T = TypeVar("T")


class Base:
    """An opened folder, and for whom the verbs act."""

    def __init__(self, here: verbs.Context, who: owners.Principal) -> None:
        self._here = here
        self._who = who


def listed(
    fetch: Callable[[str | None, int], Awaitable[listing.Page[T]]], *, limit: int | None = None
) -> paging.Listed[T]:
    """An iterator over the pages of a list."""

    async def pages(cursor: str | None, most: int) -> tuple[list[T], str | None]:
        page = await fetch(cursor, most)
        return page.items, page.next_cursor

    return paging.Listed(pages, limit=limit)


def identified(value: uuid.UUID | str, what: str = "media item") -> uuid.UUID:
    """An id as it is or from its text; what is none is an id of nothing: `errors.NotFound`."""
    found = value if isinstance(value, uuid.UUID) else ids.parse(value)
    if found is None:
        raise errors.NotFound(f"There is no {what} {value!r}: that is no id.")
    return found


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Parents may be given as they are shown on other items."""
    parents = fields.get("parents")
    if not isinstance(parents, Iterable) or isinstance(parents, str | Mapping):
        return dict(fields)
    plain = [dataclasses.asdict(one) if isinstance(one, media.Parent) else one for one in parents]
    return {**fields, "parents": plain}
