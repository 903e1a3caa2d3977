"""An upload in one request: streamed into the store while it is hashed, looked at, then kept or gone."""

import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator, Callable

from ambrotype.capture import accept, pipeline, request
from ambrotype.capture.uploads import finishing, pieces, placing
from ambrotype.core import errors, ids, owners, quotas, types
from ambrotype.records import accepting, uploads
from ambrotype.storage import contract


class Single:
    """One file on its way in. What is known of it may be told before its bytes or after them."""

    def __init__(
        self, who: owners.Principal, tools: pipeline.Tools, rules: accept.Rules, *, quota: quotas.Quota, most: int
    ) -> None:
        self._who = who
        self._tools = tools
        self._rules = rules
        self._quota = quota
        self._most = most
        self._id: uuid.UUID = ids.new()

    @contextlib.asynccontextmanager
    async def received(
        self,
        chunks: AsyncIterator[bytes],
        *,
        asked: request.UploadRequest | None,
        filename: str | None,
        incoming: int | None = None,
    ) -> AsyncIterator[pipeline.Checked]:
        """The bytes in the store, looked at, and removed at the end of the block unless they were kept.

        `asked` is None where that follows the bytes, `incoming` is how many of them are said to come. Raises
        `errors.QuotaExceeded` before the first is read, `errors.TooLarge`, and as `Decoder.probe`.
        """
        if incoming is not None and incoming > self._most:
            raise self._too_large(incoming)
        where = await self._where(asked or request.UploadRequest(), filename, incoming=incoming or 1)
        async with pipeline.received(self._counted(chunks), self._tools, where=where) as checked:
            yield checked

    async def keep(
        self, checked: pipeline.Checked, *, asked: request.UploadRequest, filename: str | None
    ) -> finishing.Kept:
        """Makes the item of them; the known one where the same bytes lie at the same place already."""
        item = self._item(asked, checked, filename)
        arrived = finishing.Arrived(
            size=checked.size, sha256=checked.sha256, facts=checked.facts, publish=checked.writer.publish
        )
        return await finishing.record(self._who, item, arrived, self._tools, quota=self._quota)

    def _item(
        self, asked: request.UploadRequest, checked: pipeline.Checked, filename: str | None
    ) -> accepting.Acceptance:
        made = accept.upload(asked, checked.facts.media, filename=filename, rules=self._rules, trusted=self._who.is_key)
        return dataclasses.replace(made, id=self._id)

    async def _where(
        self, asked: request.UploadRequest, filename: str | None, *, incoming: int
    ) -> Callable[[types.MediaType], contract.Key]:
        """A store on this machine gives the place at the end, and nobody is asked for what need not be known."""
        on_disk = isinstance(self._tools.store, contract.OnDisk)
        if on_disk and not self._quota.limited:
            return lambda media: contract.Key("media", f".uploads/{self._id}")
        async with self._tools.data.transaction(self._who) as tx:
            await uploads.require_room(tx, incoming, self._quota)
            found = await placing.guess(tx, self._who, asked, media_id=self._id, filename=filename, rules=self._rules)
        return found.key

    async def _counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        size = 0
        async for piece in pieces.gathered(chunks):
            size += len(piece)
            if size > self._most:
                raise self._too_large(size)
            yield piece
        if size == 0:
            raise errors.NotMedia("The file holds no bytes.")

    def _too_large(self, size: int) -> errors.TooLarge:
        return errors.TooLarge(f"The file has {size} bytes or more; AMBROTYPE_UPLOAD_MAX_BYTES={self._most} are taken.")
