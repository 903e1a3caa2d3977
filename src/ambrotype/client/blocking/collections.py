"""Collections: moodboards and albums."""

import uuid
from collections.abc import Iterator
from typing import Unpack

from ambrotype import fields
from ambrotype.client.blocking import base
from ambrotype.core import collections as nouns
from ambrotype.core import media


class Collections(base.Base):
    """Collections: moodboards and albums."""

    def create_collection(
        self, name: str, *, description: str | None = None, visibility: media.Visibility = "private"
    ) -> nouns.Collection:
        """Makes an empty collection."""
        return self._background.run(
            self._client.create_collection(name, description=description, visibility=visibility)
        )

    def collections(self) -> Iterator[nouns.Collection]:
        """The owner's collections, newest first."""
        return self._each(self._client.collections())

    def collection(self, collection: uuid.UUID | str) -> nouns.Collection:
        """One collection, without what lies in it."""
        return self._background.run(self._client.collection(collection))

    def edit_collection(
        self, collection: uuid.UUID | str, **changes: Unpack[fields.CollectionFields]
    ) -> nouns.Collection:
        """Changes a collection: what is not named stays, None clears. A featured item must lie in it."""
        return self._background.run(self._client.edit_collection(collection, **changes))

    def delete_collection(self, collection: uuid.UUID | str) -> None:
        """Removes a collection; what lies in it stays in the library."""
        self._background.run(self._client.delete_collection(collection))

    def collection_items(self, collection: uuid.UUID | str) -> Iterator[nouns.Item]:
        """What lies in a collection, in order."""
        return self._each(self._client.collection_items(collection))

    def collect(
        self,
        collection: uuid.UUID | str,
        media_id: uuid.UUID | str,
        *,
        note: str | None = None,
        before: uuid.UUID | str | None = None,
        after: uuid.UUID | str | None = None,
    ) -> nouns.Item:
        """Puts an item into a collection, at the end, or `before` or `after` another; one that is in already is moved."""
        return self._background.run(self._client.collect(collection, media_id, note=note, before=before, after=after))

    def uncollect(self, collection: uuid.UUID | str, media_id: uuid.UUID | str) -> None:
        """Takes an item out of a collection; it stays in the library."""
        self._background.run(self._client.uncollect(collection, media_id))
