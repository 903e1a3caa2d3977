"""Changing items, and what came of them: edit, trash, restore, lineage, many at once."""

import uuid
from collections.abc import Iterable
from typing import Unpack

from ambrotype import fields
from ambrotype.client.blocking import base
from ambrotype.core import lineage as lineage_nouns
from ambrotype.core import media, operations


class Editing(base.Base):
    """Changing items, and what came of them: edit, trash, restore, lineage, many at once."""

    def edit(
        self, media_id: uuid.UUID | str, *, if_match: str | None = None, **changes: Unpack[fields.EditFields]
    ) -> media.Media:
        """Changes an item: what is not named stays, None clears, `metadata` merges key by key, `tags` is replaced.

        With `if_match`, the `etag` of the item as you know it, `errors.PreconditionFailed` where it was changed meanwhile.
        """
        return self._background.run(self._client.edit(media_id, if_match=if_match, **changes))

    def delete(self, media_id: uuid.UUID | str, *, purge: bool = False, force: bool = False) -> media.Media | None:
        """Moves an item to the trash; one without bytes ends at once, and the answer is None.

        `purge` ends for good what is in the trash (None too), with `force` also where other items were made from it; else
        `errors.Conflict` and `errors.InUse`.
        """
        return self._background.run(self._client.delete(media_id, purge=purge, force=force))

    def restore(self, media_id: uuid.UUID | str) -> media.Media:
        """Brings an item back from the trash; one that is not there stays as it is."""
        return self._background.run(self._client.restore(media_id))

    def lineage(self, media_id: uuid.UUID | str) -> lineage_nouns.Graph:
        """What an item was made from and what was made from it, to any depth, also in the trash."""
        return self._background.run(self._client.lineage(media_id))

    def bulk(
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
        return self._background.run(
            self._client.bulk(
                action,
                ids=None if ids is None else [*ids],
                filters=filters,
                tags=None if tags is None else [*tags],
                visibility=visibility,
                collection=collection,
                force=force,
            )
        )

    def operation(self, operation_id: uuid.UUID | str) -> operations.Operation:
        """How far an operation is that `bulk` began."""
        return self._background.run(self._client.operation(operation_id))
