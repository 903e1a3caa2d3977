"""Changing items, and what came of them: edit, trash, restore, lineage, many at once."""

import uuid
from collections.abc import Iterable
from typing import Unpack

import pydantic

from ambrotype import fields
from ambrotype.client import asking, http
from ambrotype.client.asynchronous import answers, base
from ambrotype.core import lineage as lineage_nouns
from ambrotype.core import media, operations

BULK = 120
"""Seconds beyond the usual that an action on many items may take."""

_MEDIA = pydantic.TypeAdapter(media.Media)


class Editing(base.Base):
    """Changing items, and what came of them: edit, trash, restore, lineage, many at once."""

    async def edit(
        self, media_id: uuid.UUID | str, *, if_match: str | None = None, **changes: Unpack[fields.EditFields]
    ) -> media.Media:
        """Changes an item: what is not named stays, None clears, `metadata` merges key by key, `tags` is replaced.

        With `if_match`, the `etag` of the item as you know it, `errors.PreconditionFailed` where it was changed meanwhile.
        """
        call = http.Call(
            method="PATCH",
            path=f"/v1/media/{answers.identified(media_id)}",
            body=asking.body_of(changes),
            headers={"If-Match": if_match} if if_match is not None else {},
            repeatable=if_match is None,
        )
        return answers.read(_MEDIA, await self._http.send(call))

    async def delete(
        self, media_id: uuid.UUID | str, *, purge: bool = False, force: bool = False
    ) -> media.Media | None:
        """Moves an item to the trash; one without bytes ends at once, and the answer is None.

        `purge` ends for good what is in the trash (None too), with `force` also where other items were made from it; else
        `errors.Conflict` and `errors.InUse`.
        """
        query = tuple((name, "true") for name, wanted in (("purge", purge), ("force", force)) if wanted)
        path = f"/v1/media/{answers.identified(media_id)}"
        content = await self._http.send(http.Call(method="DELETE", path=path, query=query, repeatable=False))
        return answers.read(_MEDIA, content) if content else None

    async def restore(self, media_id: uuid.UUID | str) -> media.Media:
        """Brings an item back from the trash; one that is not there stays as it is."""
        call = http.Call(method="POST", path=f"/v1/media/{answers.identified(media_id)}/restore")
        return answers.read(_MEDIA, await self._http.send(call))

    async def lineage(self, media_id: uuid.UUID | str) -> lineage_nouns.Graph:
        """What an item was made from and what was made from it, to any depth, also in the trash."""
        call = http.Call(method="GET", path=f"/v1/media/{answers.identified(media_id)}/lineage")
        return answers.graph(await self._http.send(call))

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
        body = asking.body_of(given)
        call = http.Call(method="POST", path="/v1/media/bulk", body=body, repeatable=False, patience=BULK)
        return answers.done(await self._http.send(call))

    async def operation(self, operation_id: uuid.UUID | str) -> operations.Operation:
        """How far an operation is that `bulk` began."""
        call = http.Call(method="GET", path=f"/v1/operations/{answers.identified(operation_id, 'operation')}")
        return answers.operation(await self._http.send(call))
