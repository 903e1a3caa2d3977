"""Lists: pages by keyset, so that rows that come and go neither repeat nor hide others."""

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Generic, TypeVar

from ambrotype.core import errors, media, owners
from ambrotype.library import cursor as cursors
from ambrotype.library import view
from ambrotype.records import database
from ambrotype.records import media as rows

T = TypeVar("T")

DEFAULT_STATUSES: tuple[media.Status, ...] = ("kept", "keeping")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items of a list, and the cursor of what follows; None at the end."""

    items: list[T]
    next_cursor: str | None


async def page(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    *,
    statuses: Sequence[media.Status] = (),
    kinds: Sequence[media.Kind] = (),
    sort: str = "-created_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[media.Media]:
    """A page of the caller's media; `limit` is 1 to 200."""
    if sort not in rows.SORTS:
        raise errors.InvalidRequest(f"There is no order {sort!r}; there are {', '.join(rows.SORTS)}.", pointer="/sort")
    after = cursors.decode(sort, cursor)
    async with data.transaction(who) as tx:
        found = await rows.page(
            tx,
            statuses=statuses or DEFAULT_STATUSES,
            kinds=kinds,
            sort=rows.SORTS[sort],
            after=after,
            most=limit + 1,
        )
    return Page(items=[view.media_of(row, addresses) for row in found[:limit]], next_cursor=_next(sort, found, limit))


async def at_risk(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[media.AtRisk]:
    """A page of what is not kept yet, by deadline, soonest first."""
    position = cursors.decode("at-risk", cursor)
    after = (position[0], position[1]) if position and position[0] is not None else None
    async with data.transaction(who) as tx:
        found = await rows.at_risk(tx, after=after, most=limit + 1)
    items = [view.at_risk_of(row, addresses) for row in found[:limit]]
    return Page(items=items, next_cursor=_next("at-risk", found, limit))


async def events(
    data: database.Database,
    who: owners.Principal,
    media_id: uuid.UUID,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[media.Event]:
    """What happened to an item, oldest first; `errors.NotFound` where it is not the caller's."""
    position = cursors.decode("events", cursor)
    try:
        after = int(position[0]) if position and position[0] is not None else 0
    except ValueError:
        raise errors.InvalidRequest("The cursor can't be used. Begin again without one.", pointer="/cursor") from None
    async with data.transaction(who) as tx:
        found = await rows.events(tx, media_id, after=after, most=limit + 1)
        if not found and await rows.get(tx, media_id) is None:
            raise missing(media_id)
    items = [media.Event(**row) for row in found[:limit]]
    more = cursors.encode("events", (str(items[-1].id), media_id)) if len(found) > limit else None
    return Page(items=items, next_cursor=more)


async def get(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, media_id: uuid.UUID
) -> media.Media:
    """One item; `errors.NotFound` where it is not the caller's, `errors.Gone` where it ended as a tombstone of theirs."""
    async with data.transaction(who) as tx:
        row = await rows.get(tx, media_id)
        if row is not None:
            return view.media_of(row, addresses)
        tomb = await rows.deliverable(tx, media_id)
    if tomb is not None and tomb["mine"]:
        raise errors.Gone(
            f"The media item {media_id} was {tomb['gone_reason']} at {tomb['gone_at']:%Y-%m-%d %H:%M} UTC."
        )
    raise missing(media_id)


def missing(media_id: uuid.UUID | str) -> errors.NotFound:
    """Not there or not theirs; the two can't be told apart."""
    return errors.NotFound(f"There is no media item {media_id}.")


def _next(sort: str, found: list[database.Row], limit: int) -> str | None:
    if len(found) <= limit:
        return None
    last = found[limit - 1]
    return cursors.encode(sort, (last["sort_value"], last["id"]))
