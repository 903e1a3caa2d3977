"""An object that comes into S3 over many requests and processes: a multipart upload that is gone on with.

Parts have fixed sizes, so a part that two processes send is the same part. What is too small for a part lies in an object
of its own between two requests.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

from botocore import exceptions

from ambrotype.core import errors
from ambrotype.storage import contract, s3_copy, s3_errors, s3_wire, s3_writer

if TYPE_CHECKING:
    from ambrotype.storage import s3, s3_connection

HEAD = 4096
_NO_TYPE = "application/octet-stream"


async def resume(
    store: s3.S3,
    to: s3_connection.Connection,
    staging: contract.Key,
    mark: contract.Mark,
    *,
    size: int,
    place: Callable[[bytes], tuple[contract.Key, str]],
) -> S3Resumable:
    """Behind the mark; its rest is read back into memory."""
    made = S3Resumable(store, to, staging, mark.state, size=size, place=place)
    if (rest := mark.state.get("rest")) is not None:
        try:
            async for piece in store.open(contract.Key(staging.bucket, rest)):
                await made.write(piece)
        except errors.NotFound:
            made.lost = True
    if made.lost or made.size != mark.size:
        raise errors.Gone(f"The {mark.size} bytes received of this upload are gone from the store; begin a new one.")
    return made


async def forget(
    store: s3.S3,
    to: s3_connection.Connection,
    staging: contract.Key,
    mark: contract.Mark,
    *,
    kept: contract.Key | None,
) -> None:
    """Drops the multipart upload, the object made of it, and rests."""

    def placed(first: bytes) -> tuple[contract.Key, str]:
        raise AssertionError("nothing is written")

    await S3Resumable(store, to, staging, mark.state, size=0, place=placed).discard(kept=kept)


class S3Resumable:
    """A `contract.Resumable`. The parts' key is chosen when the first one is full."""

    def __init__(
        self,
        store: s3.S3,
        to: s3_connection.Connection,
        staging: contract.Key,
        state: Any,
        *,
        size: int,
        place: Callable[[bytes], tuple[contract.Key, str]],
    ) -> None:
        self._store = store
        self._to = to
        self._staging = staging
        self._whole = size
        self._place = place
        self._old_rest: str | None = state.get("rest")
        self._rest: str | None = None
        self._key, self._type = staging, state.get("type", _NO_TYPE)
        if "bucket" in state:
            self._key = contract.Key(state["bucket"], state["path"])
        self._writer = s3_writer.S3Writer(
            _Late(self), size=size, upload=state.get("upload"), etags=state.get("parts", ())
        )
        self.lost = False

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._writer.size

    def wire(self, key: contract.Key | None = None) -> s3_wire.Wire:
        """Requests for the key of the parts, or another one."""
        return s3_wire.Wire(self._to, key or self._key, self._type)

    def choose(self) -> s3_wire.Wire:
        """The key of the parts, from the first bytes."""
        with self._writer.rest.getbuffer() as first:
            self._key, self._type = self._place(bytes(first[:HEAD]))
        return self.wire()

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        await self._writer.write(data)

    async def so_far(self) -> contract.Mark:
        etags = self._writer.etags
        size = sum(s3_writer.part_size(number, self._whole) for number in range(1, len(etags) + 1))
        return contract.Mark(size=size, state=await self._state(etags, rest=None))

    async def pause(self) -> contract.Mark:
        await self._writer.arrived()
        body = self._writer.rest
        if left := len(body.getbuffer()):
            self._rest = f"{self._staging.path}/{self.size}"
            wire = s3_wire.Wire(self._to, contract.Key(self._staging.bucket, self._rest), _NO_TYPE)
            await wire.put(io.BytesIO(body.getvalue()[:left]), await s3_writer.md5(body))
        return contract.Mark(size=self.size, state=await self._state(self._writer.etags, rest=self._rest))

    async def _state(self, etags: list[str], *, rest: str | None) -> dict[str, Any]:
        if self._writer.upload is None:
            return {"rest": rest}
        return {
            "rest": rest,
            "upload": await self._writer.upload,
            "parts": etags,
            "bucket": self._key.bucket,
            "path": self._key.path,
            "type": self._type,
        }

    async def tidy(self) -> None:
        if self._old_rest is not None and self._old_rest != self._rest:
            await self._store.delete(contract.Key(self._staging.bucket, self._old_rest))
        self._old_rest = self._rest

    async def seal(self) -> None:
        if self._writer.upload is not None and await self._completed():
            return
        await self._writer.seal()
        if self._writer.upload is not None:
            await self._writer.complete()

    async def _completed(self) -> bool:
        """Whether it was made one object before a crash."""
        there = await self._store.head(self._key)
        return there is not None and there.size == self._whole

    async def read(self) -> AsyncGenerator[bytes, None]:
        if self._writer.upload is None:
            yield self._writer.rest.getvalue()
            return
        async with contextlib.aclosing(self._store.open(self._key)) as pieces:
            async for piece in pieces:
                yield piece

    async def publish(self, key: contract.Key) -> None:
        if self._writer.upload is None:
            body = self._writer.rest
            await self.wire(key).put(body, await s3_writer.md5(body))
        elif key != self._key:
            await s3_copy.copy(self._to, self._key, key, size=self._whole, content_type=self._type)

    async def discard(self, *, kept: contract.Key | None = None) -> None:
        """The parts, or the object made of them unless that is the kept one; and rests."""
        if self._writer.upload is not None:
            await self._drop(await self._writer.upload)
            if kept != self._key:
                await self._store.delete(self._key)
        async for entry in self._store.list(self._staging.bucket, f"{self._staging.path}/"):
            await self._store.delete(entry.key)

    async def _drop(self, upload: str) -> None:
        try:
            await self.wire().drop(upload)
        except errors.StoreUnavailable as error:
            cause = error.__cause__
            if not isinstance(cause, exceptions.ClientError) or s3_errors.code(cause) != s3_errors.MISSING_UPLOAD:
                raise

    async def close(self) -> None:
        """Parts in flight are left to arrive or not: the mark decides which ones count."""
        await self._writer.release()


class _Late:
    """A `s3_writer.Wire` whose key is chosen when it is first needed."""

    def __init__(self, upload: S3Resumable) -> None:
        self._upload = upload

    async def put(self, body: io.BytesIO, md5: str) -> None:
        await self._upload.choose().put(body, md5)

    async def begin(self) -> str:
        return await self._upload.choose().begin()

    async def part(self, upload: str, number: int, body: io.BytesIO, md5: str) -> str:
        return await self._upload.wire().part(upload, number, body, md5)

    async def complete(self, upload: str, etags: list[str], size: int) -> None:
        await self._upload.wire().complete(upload, etags, size)

    async def drop(self, upload: str) -> None:
        await self._upload.wire().drop(upload)

    async def move(self, key: contract.Key, size: int) -> None:
        await self._upload.wire().move(key, size)

    def at(self, key: contract.Key) -> s3_wire.Wire:
        return self._upload.wire(key)
