"""One object on its way into S3: a single put up to 8 MiB, else a multipart upload."""

import asyncio
import base64
import contextlib
import hashlib
import io
from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar

from ambrotype.core import errors
from ambrotype.storage import contract

PART = 8 << 20
MAX_PARTS = 10_000
"""S3's limit of parts in one upload."""
_SAME = 5_000
_STEP = 500
_LARGEST = 4 << 30
_IN_FLIGHT = 4
_IN_FLIGHT_BYTES = 64 << 20
_GRACE = 5.0

T = TypeVar("T")


class Wire(Protocol):
    """The requests a writer makes, for one key. All raise `errors.StoreUnavailable`."""

    async def put(self, body: io.BytesIO, md5: str) -> None: ...
    async def begin(self) -> str: ...
    async def part(self, upload: str, number: int, body: io.BytesIO, md5: str) -> str: ...
    async def complete(self, upload: str, etags: list[str], size: int) -> None: ...
    async def drop(self, upload: str) -> None: ...
    async def move(self, key: contract.Key, size: int) -> None: ...
    def at(self, key: contract.Key) -> "Wire": ...


def part_size(number: int, size: int | None) -> int:
    """Bytes of part `number` (from 1), so that 10,000 parts are enough.

    All parts alike for a known `size`, and up to 39 GiB for an unknown one: some servers (Cloudflare R2) want
    them so. After that each 500 parts are twice as large as the ones before, up to 4 GiB: beyond 5 TiB together.
    """
    grown = min(PART << max(0, (number - _SAME + _STEP - 1) // _STEP), _LARGEST)
    if size is None:
        return grown
    alike = max(PART, -(-size // MAX_PARTS >> 20) << 20)
    return alike if (number - 1) * alike < size else max(alike, grown)


class S3Writer:
    """A `contract.Writer`.

    Holds at most 5 parts in memory: 40 MiB for a known size up to 78 GiB or an unknown one up to 39 GiB;
    beyond that the parts in flight are as many as fit into 64 MiB, at least one, and one more is being filled.
    """

    def __init__(self, wire: Wire, *, size: int | None, upload: str | None = None, etags: Sequence[str] = ()) -> None:
        """`upload` with its first parts' `etags` goes on with a multipart upload that was begun before."""
        self._wire = wire
        self._hint = size
        self._filling = io.BytesIO()
        self._filled = 0
        self._etags: dict[int, str] = dict(enumerate(etags, 1))
        self._parts: set[asyncio.Task[None]] = set()
        self._number = len(etags)
        self._size = sum(part_size(number, size) for number in self._etags)
        self._upload: asyncio.Future[str] | None = None
        if upload is not None:
            self._upload = asyncio.get_running_loop().create_future()
            self._upload.set_result(upload)
        self._failure: errors.StoreUnavailable | None = None
        self._sealed = False
        self._over = False

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Copies the bytes; waits while as many parts as allowed are in flight."""
        self._require(sealed=False)
        view = memoryview(data).cast("B")
        while view:
            room = part_size(self._number + 1, self._hint) - self._filled
            if room == 0:
                await self._ship()
                continue
            taken = self._filling.write(view[:room])
            self._filled += taken
            self._size += taken
            view = view[taken:]

    async def seal(self, tail: bytes = b"") -> None:
        """Waits until the store has all parts. Up to 8 MiB stay in memory until `publish` sends them."""
        await self.write(tail)
        if self._upload is not None or self._filled > PART:
            if self._filled:
                await self._ship()
            await self.arrived()
        self._sealed = True

    async def publish(self, key: contract.Key | None = None) -> None:
        """Up to 8 MiB go to `key` at once; parts lie under the key they were begun for, and are moved within the store."""
        self._require(sealed=True)
        if self._upload is None:
            wire = self._wire if key is None else self._wire.at(key)
            await self._guard(wire.put(self._filling, await md5(self._filling)))
        else:
            await self.complete()
            if key is not None:
                await self._guard(self._wire.move(key, self._size))
        self._over = True
        self._filling = io.BytesIO()

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._size

    @property
    def upload(self) -> "asyncio.Future[str] | None":
        """The multipart upload, where one was begun."""
        return self._upload

    @property
    def etags(self) -> list[str]:
        """Of the parts that the store has, up to the first that it lacks."""
        found: list[str] = []
        while (etag := self._etags.get(len(found) + 1)) is not None:
            found.append(etag)
        return found

    @property
    def rest(self) -> io.BytesIO:
        """What is not part of a part yet."""
        return self._filling

    async def arrived(self) -> None:
        """Waits for the parts in flight."""
        while self._parts:
            await self._one_less()

    async def complete(self) -> None:
        """Makes one object of the parts, under the key they were begun for."""
        assert self._upload is not None
        etags = [self._etags[number] for number in sorted(self._etags)]
        await self._guard(self._wire.complete(await self._upload, etags, self._size))

    async def abort(self) -> None:
        """What the store can't be told now (it may be down) the sweep does later."""
        if self._over:
            return
        self._over = True
        self._filling = io.BytesIO()
        if self._upload is None:
            return
        with contextlib.suppress(errors.StoreUnavailable):
            upload = await self._upload
            await self._settle()
            await self._wire.drop(upload)

    async def release(self) -> None:
        """Ends what is in flight and holds nothing any more; what the store has, it keeps."""
        self._over = True
        self._filling = io.BytesIO()
        for task in self._parts:
            task.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)

    async def _settle(self) -> None:
        """Lets parts arrive first, for a while: one that comes after the drop could stay for ever."""
        if self._parts:
            await asyncio.wait(self._parts, timeout=_GRACE)
        for task in self._parts:
            task.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)

    async def _ship(self) -> None:
        if self._upload is None:
            self._upload = asyncio.ensure_future(self._wire.begin())
        upload = await self._guard(asyncio.shield(self._upload))
        self._number += 1
        if self._number > MAX_PARTS:
            raise errors.InvalidRequest(f"An object of more than {self._size} bytes is too large for S3.")
        body, self._filling = self._filling, io.BytesIO()
        allowed = max(1, min(_IN_FLIGHT, _IN_FLIGHT_BYTES // max(1, self._filled)))
        self._filled = 0
        while len(self._parts) >= allowed:
            await self._one_less()
        self._parts.add(asyncio.create_task(self._send(upload, self._number, body)))

    async def _send(self, upload: str, number: int, body: io.BytesIO) -> None:
        self._etags[number] = await self._wire.part(upload, number, body, await md5(body))

    async def _one_less(self) -> None:
        done, self._parts = await asyncio.wait(self._parts, return_when=asyncio.FIRST_COMPLETED)
        await self._guard(asyncio.gather(*done))

    async def _guard(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except errors.StoreUnavailable as error:
            self._failure = error
            raise

    def _require(self, *, sealed: bool) -> None:
        if self._over:
            raise RuntimeError("the writer was published or aborted before")
        if self._failure is not None:
            raise self._failure
        if self._sealed != sealed:
            raise RuntimeError("publish() before seal()" if sealed else "write() or seal() after seal()")


async def md5(body: io.BytesIO) -> str:
    """Content-MD5 (RFC 1864) against damage on the way: known to servers that lack newer checksums."""

    def digest() -> str:
        with body.getbuffer() as data:
            return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()

    return await asyncio.to_thread(digest)
