"""Collections: moodboards and albums, ordered, with notes and a featured item."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from ambrotype.core import collections as nouns
from ambrotype.core import errors, ids, owners
from ambrotype.library import cursor as cursors
from ambrotype.library import listing, view
from ambrotype.records import accepting, database, editing
from ambrotype.records import collections as rows
from ambrotype.records import media as items_

MOST_DIGITS = 60
"""Digits of a position at which the order is numbered anew."""


async def create(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, values: Mapping[str, Any]
) -> nouns.Collection:
    """A new, empty collection."""
    collection_id = ids.new()
    async with data.transaction(who) as tx:
        await rows.create(tx, collection_id=collection_id, owner_id=await accepting.own(tx), values=values)
        return await _get(tx, addresses, collection_id)


async def get(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, collection_id: uuid.UUID
) -> nouns.Collection:
    """One collection; `errors.NotFound` where it is not the caller's."""
    async with data.transaction(who) as tx:
        return await _get(tx, addresses, collection_id)


async def page(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> listing.Page[nouns.Collection]:
    """The caller's collections, newest first."""
    position = cursors.decode("collections", cursor, spells=cursors.time)
    after = (position[0], position[1]) if position and position[0] is not None else None
    async with data.transaction(who) as tx:
        found = await rows.page(tx, after=after, most=limit + 1)
        covers = await items_.some(tx, [row["cover_id"] for row in found if row["cover_id"]])
    shown = [_collection(row, covers, addresses) for row in found[:limit]]
    more = None
    if len(found) > limit:
        more = cursors.encode("collections", (found[limit - 1]["sort_value"], found[limit - 1]["id"]))
    return listing.Page(items=shown, next_cursor=more)


async def edit(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    collection_id: uuid.UUID,
    values: Mapping[str, Any],
) -> nouns.Collection:
    """Changes a collection; a featured item must lie in it."""
    async with data.transaction(who) as tx:
        if not await rows.lock(tx, collection_id):
            raise _missing(collection_id)
        featured = values.get("featured_id")
        if featured is not None and await rows.item(tx, collection_id, featured) is None:
            raise errors.NotFound(f"The media item {featured} is not in the collection {collection_id}.")
        if values:
            await rows.update(tx, collection_id, values)
        return await _get(tx, addresses, collection_id)


async def delete(data: database.Database, who: owners.Principal, collection_id: uuid.UUID) -> None:
    """Removes a collection; what lies in it stays in the library."""
    async with data.transaction(who) as tx:
        if not await rows.delete(tx, collection_id):
            raise _missing(collection_id)


async def items(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    collection_id: uuid.UUID,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> listing.Page[nouns.Item]:
    """What lies in a collection, in order."""
    position = cursors.decode("collection", cursor, spells=cursors.decimal)
    async with data.transaction(who) as tx:
        await _get(tx, addresses, collection_id)
        found = await rows.items(tx, collection_id, after=position[0] if position else None, most=limit + 1)
        nodes = await items_.some(tx, [row["media_id"] for row in found])
    shown = [_item(row, nodes, addresses) for row in found[:limit] if row["media_id"] in nodes]
    more = None
    if len(found) > limit:
        more = cursors.encode("collection", (found[limit - 1]["position"], found[limit - 1]["media_id"]))
    return listing.Page(items=shown, next_cursor=more)


async def put(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    collection_id: uuid.UUID,
    media_id: uuid.UUID,
    *,
    note: str | None = None,
    before: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
) -> nouns.Item:
    """Puts an item in, at the end or beside another; one that is in already is moved."""
    async with data.transaction(who) as tx:
        if not await rows.lock(tx, collection_id):
            raise _missing(collection_id)
        if media_id not in await editing.visible(tx, [media_id]):
            raise listing.missing(media_id)
        await _place(tx, collection_id, media_id, note=note, before=before, after=after)
        return await _shown(tx, addresses, collection_id, media_id)


async def change(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    collection_id: uuid.UUID,
    media_id: uuid.UUID,
    changes: Mapping[str, Any],
) -> nouns.Item:
    """Moves an item that is in the collection, or replaces its note."""
    async with data.transaction(who) as tx:
        if not await rows.lock(tx, collection_id):
            raise _missing(collection_id)
        if await rows.item(tx, collection_id, media_id) is None:
            raise errors.NotFound(f"The media item {media_id} is not in the collection {collection_id}.")
        if changes.get("before") is not None or changes.get("after") is not None:
            await _place(
                tx, collection_id, media_id, note=None, before=changes.get("before"), after=changes.get("after")
            )
        if "note" in changes:
            await rows.note(tx, collection_id, media_id, changes["note"])
        return await _shown(tx, addresses, collection_id, media_id)


async def take_out(
    data: database.Database, who: owners.Principal, collection_id: uuid.UUID, media_id: uuid.UUID
) -> None:
    """Takes an item out; it stays in the library."""
    async with data.transaction(who) as tx:
        if not await rows.lock(tx, collection_id):
            raise _missing(collection_id)
        if not await rows.take_out(tx, collection_id, media_id):
            raise errors.NotFound(f"The media item {media_id} is not in the collection {collection_id}.")


async def _place(
    tx: database.Transaction,
    collection_id: uuid.UUID,
    media_id: uuid.UUID,
    *,
    note: str | None,
    before: uuid.UUID | None,
    after: uuid.UUID | None,
) -> None:
    position = await rows.gap(tx, collection_id, moved=media_id, before=before, after=after)
    if position is None:
        raise errors.NotFound(f"The media item {before or after} is not in the collection {collection_id}.")
    if len(str(position)) > MOST_DIGITS:
        await rows.respace(tx, collection_id)
        position = await rows.gap(tx, collection_id, moved=media_id, before=before, after=after)
        assert position is not None
    await rows.put(tx, collection_id, media_id, position=position, note=note)


async def _shown(
    tx: database.Transaction, addresses: view.Addresses, collection_id: uuid.UUID, media_id: uuid.UUID
) -> nouns.Item:
    row = await rows.item(tx, collection_id, media_id)
    nodes = await items_.some(tx, [media_id])
    if row is None or media_id not in nodes:
        raise listing.missing(media_id)
    return _item(row, nodes, addresses)


async def _get(tx: database.Transaction, addresses: view.Addresses, collection_id: uuid.UUID) -> nouns.Collection:
    row = await rows.get(tx, collection_id)
    if row is None:
        raise _missing(collection_id)
    covers = await items_.some(tx, [row["cover_id"]] if row["cover_id"] else [])
    return _collection(row, covers, addresses)


def _collection(
    row: database.Row, covers: Mapping[uuid.UUID, database.Row], addresses: view.Addresses
) -> nouns.Collection:
    cover = covers.get(row["cover_id"])
    return nouns.Collection(
        id=row["id"],
        owner=str(owners.Owner(kind=row["owner_kind"], subject=row["owner_subject"])),
        name=row["name"],
        description=row["description"],
        visibility=row["visibility"],
        featured_id=row["featured_id"],
        count=row["count"],
        cover_url=view.media_of(cover, addresses).access_url if cover else None,
        created_at=row["created_at"].astimezone(datetime.UTC),
        updated_at=row["updated_at"].astimezone(datetime.UTC),
    )


def _item(row: database.Row, nodes: Mapping[uuid.UUID, database.Row], addresses: view.Addresses) -> nouns.Item:
    return nouns.Item(
        media=view.media_of(nodes[row["media_id"]], addresses), position=row["position"], note=row["note"]
    )


def _missing(collection_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"There is no collection {collection_id}.")
