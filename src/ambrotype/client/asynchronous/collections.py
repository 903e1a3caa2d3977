"""Collections: moodboards and albums."""

import uuid
from typing import Unpack

import pydantic

from ambrotype import fields, paging
from ambrotype.client import asking, http
from ambrotype.client.asynchronous import answers, base
from ambrotype.core import collections as nouns
from ambrotype.core import media

_COLLECTION = pydantic.TypeAdapter(nouns.Collection)
_ITEM = pydantic.TypeAdapter(nouns.Item)


class Collections(base.Base):
    """Collections: moodboards and albums."""

    async def create_collection(
        self, name: str, *, description: str | None = None, visibility: media.Visibility = "private"
    ) -> nouns.Collection:
        """Makes an empty collection."""
        call = http.Call(
            method="POST",
            path="/v1/collections",
            body=asking.body_of({"name": name, "description": description, "visibility": visibility}),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return answers.read(_COLLECTION, await self._http.send(call))

    def collections(self) -> paging.Listed[nouns.Collection]:
        """The owner's collections, newest first."""
        return self._listed(_COLLECTION, "/v1/collections")

    async def collection(self, collection: uuid.UUID | str) -> nouns.Collection:
        """One collection, without what lies in it."""
        call = http.Call(method="GET", path=f"/v1/collections/{answers.identified(collection, 'collection')}")
        return answers.read(_COLLECTION, await self._http.send(call))

    async def edit_collection(
        self, collection: uuid.UUID | str, **changes: Unpack[fields.CollectionFields]
    ) -> nouns.Collection:
        """Changes a collection: what is not named stays, None clears. A featured item must lie in it."""
        path = f"/v1/collections/{answers.identified(collection, 'collection')}"
        call = http.Call(method="PATCH", path=path, body=asking.body_of(changes))
        return answers.read(_COLLECTION, await self._http.send(call))

    async def delete_collection(self, collection: uuid.UUID | str) -> None:
        """Removes a collection; what lies in it stays in the library."""
        path = f"/v1/collections/{answers.identified(collection, 'collection')}"
        await self._http.send(http.Call(method="DELETE", path=path, repeatable=False))

    def collection_items(self, collection: uuid.UUID | str) -> paging.Listed[nouns.Item]:
        """What lies in a collection, in order."""
        return self._listed(_ITEM, f"/v1/collections/{answers.identified(collection, 'collection')}/items")

    async def collect(
        self,
        collection: uuid.UUID | str,
        media_id: uuid.UUID | str,
        *,
        note: str | None = None,
        before: uuid.UUID | str | None = None,
        after: uuid.UUID | str | None = None,
    ) -> nouns.Item:
        """Puts an item into a collection, at the end, or `before` or `after` another; one that is in already is moved."""
        given = {"media_id": media_id, "note": note, "before": before, "after": after}
        path = f"/v1/collections/{answers.identified(collection, 'collection')}/items"
        call = http.Call(method="POST", path=path, body=asking.body_of(given))
        return answers.read(_ITEM, await self._http.send(call))

    async def uncollect(self, collection: uuid.UUID | str, media_id: uuid.UUID | str) -> None:
        """Takes an item out of a collection; it stays in the library."""
        path = f"/v1/collections/{answers.identified(collection, 'collection')}/items"
        query = (("media_id", answers.identified(media_id)),)
        await self._http.send(http.Call(method="DELETE", path=path, query=query, repeatable=False))
