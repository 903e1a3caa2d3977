"""Lists: pages by keyset, so that rows that come and go neither repeat nor hide others."""

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from ambrotype.core import errors, media, owners
from ambrotype.library import cursor as cursors
from ambrotype.library import view
from ambrotype.library.filters import EVERYTHING, Filters
from ambrotype.records import database
from ambrotype.records import listing as rows
from ambrotype.records import media as items

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items of a list, and the cursor of what follows; None at the end."""

    items: list[T]
    next_cursor: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """A page's items by revision, each the text of an id and of what the media object has changed with since."""

    revisions: list[str]
    next_cursor: str | None


async def heads(
    data: database.Database,
    who: owners.Principal,
    *,
    filters: Filters = EVERYTHING,
    sort: str = "-created_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Heads:
    """Which of the caller's media a page shows; `limit` is 1 to 200. One round trip to the database."""
    conditions = filters.conditions(who)
    after = cursors.decode(sort, cursor, spells=_spelling(sort))
    if sort == "relevance" and "query" not in conditions:
        raise errors.InvalidRequest("The order 'relevance' needs words to look for: give q.", pointer="/sort")
    if filters.similar_to is not None:
        async with data.transaction(who) as tx:
            await narrow(tx, conditions, filters)
    found = await rows.heads(
        data.lookup(who), filters=conditions, order=rows.ORDERS.get(sort, rows.RELEVANCE), after=after, most=limit + 1
    )
    more = cursors.encode(sort, (found[limit - 1].sort_value, found[limit - 1].id)) if len(found) > limit else None
    return Heads(revisions=[head.revision for head in found[:limit]], next_cursor=more)


async def by_revision(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, revisions: Sequence[str]
) -> dict[str, tuple[str, media.Media]]:
    """The items of these revisions, each with its revision now, which may be a later one; without those that have gone."""
    if not revisions:
        return {}
    async with data.transaction(who) as tx:
        found = await items.some(tx, [uuid.UUID(revision[:36]) for revision in revisions])
    shown = {str(row["id"]): (row["revision"], view.media_of(row, addresses)) for row in found.values()}
    return {revision: shown[revision[:36]] for revision in revisions if revision[:36] in shown}


async def page(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    *,
    filters: Filters = EVERYTHING,
    sort: str = "-created_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[media.Media]:
    """A page of the caller's media; `limit` is 1 to 200."""
    found = await heads(data, who, filters=filters, sort=sort, cursor=cursor, limit=limit)
    shown = await by_revision(data, who, addresses, found.revisions)
    return Page(items=[item for _, item in shown.values()], next_cursor=found.next_cursor)


async def facets(data: database.Database, who: owners.Principal, filters: Filters) -> dict[str, Any]:
    """Counts of the same list by kind, source, provider, model, project, tag and month."""
    conditions = filters.conditions(who)
    async with data.transaction(who) as tx:
        await narrow(tx, conditions, filters)
        return await rows.facets(tx, filters=conditions)


async def narrow(tx: database.Transaction, conditions: dict[str, Any], filters: Filters) -> None:
    """Looks up the ids that filters name as the caller; `errors.NotFound` for what is not theirs."""
    if filters.similar_to is not None:
        if await items.get(tx, filters.similar_to) is None:
            raise missing(filters.similar_to)
        conditions["media"] = [str(one) for one in await items.similar(tx, filters.similar_to)]


def _spelling(sort: str) -> Callable[[str], bool]:
    """What a cursor of this order may say; `errors.InvalidRequest` for an order that there is not."""
    if sort == "relevance":
        return cursors.fraction
    if sort not in rows.ORDERS:
        known = ", ".join((*rows.ORDERS, "relevance"))
        raise errors.InvalidRequest(f"There is no order {sort!r}; there are {known}.", pointer="/sort")
    return {"size": cursors.number, "title": cursors.text}.get(rows.ORDERS[sort].column, cursors.time)


async def at_risk(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[media.AtRisk]:
    """A page of what is not kept yet, by deadline, soonest first."""
    position = cursors.decode("at-risk", cursor, spells=cursors.time)
    after = (position[0], position[1]) if position and position[0] is not None else None
    async with data.transaction(who) as tx:
        found = await items.at_risk(tx, after=after, most=limit + 1)
    shown = [view.at_risk_of(row, addresses) for row in found[:limit]]
    return Page(items=shown, next_cursor=_next("at-risk", found, limit))


async def events(
    data: database.Database,
    who: owners.Principal,
    media_id: uuid.UUID,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[media.Event]:
    """What happened to an item, oldest first; `errors.NotFound` where it is not the caller's."""
    position = cursors.decode("events", cursor, spells=cursors.number)
    after = int(position[0]) if position and position[0] is not None else 0
    async with data.transaction(who) as tx:
        found = await items.events(tx, media_id, after=after, most=limit + 1)
        if not found and await items.get(tx, media_id) is None:
            raise missing(media_id)
    shown = [media.Event(**row) for row in found[:limit]]
    more = cursors.encode("events", (str(shown[-1].id), media_id)) if len(found) > limit else None
    return Page(items=shown, next_cursor=more)


async def get(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, media_id: uuid.UUID
) -> media.Media:
    """One item; `errors.NotFound` where it is not the caller's, `errors.Gone` where it ended as a tombstone of theirs."""
    async with data.transaction(who) as tx:
        row = await items.get(tx, media_id)
        if row is not None:
            return view.media_of(row, addresses)
        tomb = await items.deliverable(tx, media_id)
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
