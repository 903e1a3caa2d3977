"""Changing items, and what came of them: edit, trash, restore, lineage, many at once."""

import uuid
from collections.abc import Iterable
from typing import Unpack

from ambrotype import bulk, fields
from ambrotype.capture import request
from ambrotype.core import lineage as lineage_nouns
from ambrotype.core import media, operations
from ambrotype.library import changes as requests
from ambrotype.library import editing, lineage, listing
from ambrotype.local import base


class Editing(base.Base):
    """Changing items, and what came of them: edit, trash, restore, lineage, many at once."""

    async def edit(
        self, media_id: uuid.UUID | str, *, if_match: str | None = None, **changes: Unpack[fields.EditFields]
    ) -> media.Media:
        """Changes an item: what is not named stays, None clears, `metadata` merges key by key, `tags` is replaced.

        With `if_match`, the `etag` of the item as you know it, `errors.PreconditionFailed` where it was changed meanwhile.
        """
        wanted = request.parsed(requests.Changes, changes).given()
        here = self._here.app
        found = base.identified(media_id)
        return await editing.edit(here.data, self._who, here.addresses, found, wanted, if_match=if_match)

    async def delete(
        self, media_id: uuid.UUID | str, *, purge: bool = False, force: bool = False
    ) -> media.Media | None:
        """Moves an item to the trash; one without bytes ends at once, and the answer is None.

        `purge` ends for good what is in the trash (None too), with `force` also where other items were made from it; else
        `errors.Conflict` and `errors.InUse`.
        """
        here, found = self._here.app, base.identified(media_id)
        if purge:
            await editing.purge(here.data, self._who, found, force=force)
            return None
        if not await editing.delete(here.data, self._who, found):
            return None
        return await listing.get(here.data, self._who, here.addresses, found)

    async def restore(self, media_id: uuid.UUID | str) -> media.Media:
        """Brings an item back from the trash; one that is not there stays as it is."""
        here, found = self._here.app, base.identified(media_id)
        await editing.restore(here.data, self._who, found)
        return await listing.get(here.data, self._who, here.addresses, found)

    async def lineage(self, media_id: uuid.UUID | str) -> lineage_nouns.Graph:
        """What an item was made from and what was made from it, to any depth, also in the trash."""
        here = self._here.app
        return await lineage.graph(here.data, self._who, here.addresses, base.identified(media_id))

    async def bulk(
        self,
        action: operations.Action,
        *,
        ids: Iterable[uuid.UUID | str] | None = None,
        filters: fields.ListFields | None = None,
        tags: Iterable[str] | None = None,
        visibility: media.Visibility | None = None,
        collection: uuid.UUID | str | None = None,
        force: bool = False,
    ) -> operations.Done:
        """Does something with the items of `ids`, at most a thousand, or with all that a `list` with `filters` would show.

        Each item fails alone. More than a thousand become an operation: the answer has its id for `operation`. `tag` and
        `untag` need `tags`, `visibility` needs it, `collect` and `uncollect` need a `collection`.
        """
        given = fields.bulk(
            action, ids=ids, filters=filters, tags=tags, visibility=visibility, collection=collection, force=force
        )
        return await bulk.run(self._here, self._who, request.parsed(bulk.BulkRequest, given))

    async def operation(self, operation_id: uuid.UUID | str) -> operations.Operation:
        """How far an operation is that `bulk` began."""
        return await bulk.operation(self._here.app.data, self._who, base.identified(operation_id, "operation"))
