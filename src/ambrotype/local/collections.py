"""Collections: moodboards and albums."""

import uuid
from typing import Unpack

from ambrotype import fields, paging
from ambrotype.capture import request
from ambrotype.core import collections as nouns
from ambrotype.core import media
from ambrotype.library import changes as requests
from ambrotype.library import collections, listing
from ambrotype.local import base


class Collections(base.Base):
    """Collections: moodboards and albums."""

    async def create_collection(
        self, name: str, *, description: str | None = None, visibility: media.Visibility = "private"
    ) -> nouns.Collection:
        """Makes an empty collection."""
        given = {"name": name, "description": description, "visibility": visibility}
        wanted = request.parsed(requests.NewCollection, given).model_dump()
        app = self._here.app
        return await collections.create(app.data, self._who, app.addresses, wanted)

    def collections(self) -> paging.Listed[nouns.Collection]:
        """The owner's collections, newest first."""
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Collection]:
            return await collections.page(app.data, self._who, app.addresses, cursor=cursor, limit=most)

        return base.listed(fetch)

    async def collection(self, collection: uuid.UUID | str) -> nouns.Collection:
        """One collection, without what lies in it."""
        app = self._here.app
        return await collections.get(app.data, self._who, app.addresses, base.identified(collection, "collection"))

    async def edit_collection(
        self, collection: uuid.UUID | str, **changes: Unpack[fields.CollectionFields]
    ) -> nouns.Collection:
        """Changes a collection: what is not named stays, None clears. A featured item must lie in it."""
        app = self._here.app
        wanted = request.parsed(requests.CollectionChanges, changes).model_dump(exclude_unset=True)
        found = base.identified(collection, "collection")
        return await collections.edit(app.data, self._who, app.addresses, found, wanted)

    async def delete_collection(self, collection: uuid.UUID | str) -> None:
        """Removes a collection; what lies in it stays in the library."""
        await collections.delete(self._here.app.data, self._who, base.identified(collection, "collection"))

    def collection_items(self, collection: uuid.UUID | str) -> paging.Listed[nouns.Item]:
        """What lies in a collection, in order."""
        found = base.identified(collection, "collection")
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Item]:
            return await collections.items(app.data, self._who, app.addresses, found, cursor=cursor, limit=most)

        return base.listed(fetch)

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
        wanted = request.parsed(requests.Placed, given)
        app = self._here.app
        return await collections.put(
            app.data,
            self._who,
            app.addresses,
            base.identified(collection, "collection"),
            wanted.media_id,
            note=wanted.note,
            before=wanted.before,
            after=wanted.after,
        )

    async def uncollect(self, collection: uuid.UUID | str, media_id: uuid.UUID | str) -> None:
        """Takes an item out of a collection; it stays in the library."""
        found = base.identified(collection, "collection")
        await collections.take_out(self._here.app.data, self._who, found, base.identified(media_id))
