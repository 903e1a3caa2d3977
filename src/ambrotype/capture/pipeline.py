"""The way of the bytes: fetch, verify, store, record. Each step takes the value of the one before it."""

import asyncio
import contextlib
import dataclasses
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from ambrotype.capture import digests, fetch, network
from ambrotype.core import errors, layout, types
from ambrotype.decoding import decoder as decoders
from ambrotype.decoding import facts as facts_
from ambrotype.records import accepting, captures, claims, database
from ambrotype.storage import contract

INLINE = 64 * 1024
"""Pieces up to this size are hashed where they are: handing them to a thread costs more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What captures work with; one value for a whole process."""

    data: database.Database
    store: contract.Store
    fetcher: fetch.Fetcher
    decoder: decoders.Decoder
    layouts: Mapping[str, layout.Layout]
    allowed: Callable[[bool], network.Allowed]
    spool: Path
    """Folder for copies of what a remote store takes in, while they are looked at."""
    providers: "Providers | None" = None
    """For items that came of a provider's job."""


class Providers(Protocol):
    """What captures need to know of providers; who they are is no business of theirs."""

    def credentials(self, provider: str, url: str) -> tuple[Mapping[str, str], network.Allowed]:
        """Headers for a URL of the provider's own API, and what may be reached with them. None for any other URL."""
        ...

    async def renew(self, claim: claims.Claim) -> "Renewed | None":
        """Asks the provider of a dead source for a fresh URL; None where it gives none.

        Raises the `errors.CaptureFailed` that the provider's answer stands for: with `retry` where asking later may help.
        """
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """A fresh URL of the same bytes, to be fetched in `after` seconds."""

    origin: accepting.Origin
    after: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Whole bytes: hashed, of a type that we keep, readable, durable; not visible yet."""

    key: contract.Key
    writer: contract.Writer
    size: int
    sha256: bytes
    facts: facts_.Facts

    @property
    def stored(self) -> captures.Bytes:
        """What the row says of them."""
        return stored(self.key, size=self.size, sha256=self.sha256, facts=self.facts)


def stored(key: contract.Key, *, size: int, sha256: bytes, facts: facts_.Facts) -> captures.Bytes:
    """What the row says of bytes that lie there."""
    return captures.Bytes(
        bucket=key.bucket,
        path=key.path,
        size=size,
        sha256=sha256,
        kind=facts.media.kind,
        content_type=facts.media.content_type,
        width=facts.width,
        height=facts.height,
        duration=facts.duration,
    )


Record = Callable[[captures.Item, Checked], Awaitable[bool]]
"""Makes checked bytes visible and facts of them; False if the item is not to be kept any more."""


async def capture(claim: claims.Claim, tools: Tools, record: Record) -> bool:
    """Takes one claimed capture from its source into the store and records it.

    False if the item was settled by somebody else meanwhile (deleted, or kept by another worker). Raises the
    `errors.CaptureFailed` that describes what went wrong; then nothing is left in the store.
    """
    source = _source(claim, tools)
    expires_at = None if claim.assumed else claim.deadline
    async with (
        tools.fetcher.open(source, expires_at=expires_at) as download,
        verified(claim, download.chunks(), download.announced, tools) as checked,
    ):
        return await record(claim, checked)


def _source(claim: claims.Claim, tools: Tools) -> fetch.Source:
    if claim.authenticated_by is None or tools.providers is None:
        return fetch.Source(url=claim.url, allowed=tools.allowed(claim.trusted))
    headers, allowed = tools.providers.credentials(claim.authenticated_by, claim.url)
    return fetch.Source(url=claim.url, headers=headers, allowed=allowed)


async def record(tx: database.Transaction, item: captures.Item, checked: Checked, *, published: bool = False) -> bool:
    """Publishes the bytes and writes the row after them, under the item's lock: bytes before facts.

    `tx` is the worker's. False if the item is not to be kept any more.
    """
    if not await captures.lock(tx, item.media_id):
        return False
    if not published:
        await checked.writer.publish()
    await captures.kept(tx, item.media_id, checked.stored)
    return True


@contextlib.asynccontextmanager
async def verified(
    item: captures.Item, chunks: AsyncIterator[bytes], announced: fetch.Announced, tools: Tools
) -> AsyncIterator[Checked]:
    """Streams the bytes into the store, looking at each; what fails or is not published leaves nothing behind."""
    async with received(
        chunks,
        tools,
        where=lambda media: place(item, media, tools.layouts),
        length=announced.length,
        announced=announced.digests,
    ) as checked:
        yield checked


@contextlib.asynccontextmanager
async def received(
    chunks: AsyncIterator[bytes],
    tools: Tools,
    *,
    where: Callable[[types.MediaType], contract.Key],
    length: int | None = None,
    announced: Iterable[digests.Digest] = (),
) -> AsyncIterator[Checked]:
    """The same for bytes that only get to know by their type `where` they go. The first chunk has `types.HEAD_BYTES`."""
    first = await anext(chunks, b"")
    media = types.recognise(first[: types.HEAD_BYTES])
    key = where(media)
    async with contextlib.AsyncExitStack() as stack:
        writer = await tools.store.create(key, content_type=media.content_type, size=length)
        stack.push_async_callback(writer.abort)
        copy = None if isinstance(writer, contract.OnDiskWriter) else Copy(tools.spool)
        if copy is not None:
            stack.callback(copy.close)
        hashes = digests.Hashes(announced)
        size = await _take_all(first, chunks, writer, hashes, copy)
        path = writer.file if isinstance(writer, contract.OnDiskWriter) else copy.path if copy else None
        assert path is not None
        facts = await look(tools, path, media)
        yield Checked(key=key, writer=writer, size=size, sha256=hashes.sha256, facts=facts)


async def look(tools: Tools, path: Path, media: types.MediaType) -> facts_.Facts:
    """What a file is, by its content. Raises as `Decoder.probe`, and `errors.StoreUnavailable` for a broken disk."""
    try:
        return await tools.decoder.probe(path, media)
    except OSError as problem:
        raise errors.StoreUnavailable(
            f"The bytes just written to {path} can't be read back ({problem.strerror}): see to the disk."
        ) from problem


async def _take_all(
    first: bytes,
    rest: AsyncIterator[bytes],
    writer: contract.Writer,
    hashes: digests.Hashes,
    copy: "Copy | None",
) -> int:
    """The bytes, durable and as announced; how many. A file of one piece is written and flushed in one step."""
    second = await anext(rest, b"")
    if not second:
        await _hashed(first, hashes, writer.seal(first))
        if copy is not None:
            await asyncio.to_thread(copy.write, first)
        hashes.check()
        return len(first)
    size = 0
    for chunk in (first, second):
        size += len(chunk)
        await _take(chunk, writer, hashes, copy)
    async for chunk in rest:
        size += len(chunk)
        await _take(chunk, writer, hashes, copy)
    hashes.check()
    await writer.seal()
    return size


async def _hashed(chunk: bytes, hashes: digests.Hashes, writing: Awaitable[None]) -> None:
    if len(chunk) <= INLINE:
        hashes.update(chunk)
        await writing
        return
    hashing = asyncio.get_running_loop().run_in_executor(None, hashes.update, chunk)
    try:
        await writing
    finally:
        await hashing


async def _take(chunk: bytes, writer: contract.Writer, hashes: digests.Hashes, copy: "Copy | None") -> None:
    await _hashed(chunk, hashes, writer.write(chunk))
    if copy is not None:
        await asyncio.to_thread(copy.write, chunk)


def place(item: captures.Item, media: types.MediaType, layouts: Mapping[str, layout.Layout]) -> contract.Key:
    """Where the item's bytes go; decided once, by its layout."""
    rules = layouts.get(item.layout) or layouts["default"]
    found = layout.place(
        rules,
        layout.Item(
            id=item.media_id,
            owner_id=str(item.owner_id),
            owner_subject=item.owner_subject,
            owner_kind=item.owner_kind,
            source=item.source,
            kind=media.kind,
            ext=media.ext,
            enhancement=item.enhancement,
            project=item.project,
            slot=item.slot,
            version=item.version,
            name=item.name,
            created_at=item.created_at,
        ),
    )
    return contract.Key(found.bucket, found.path)


class Copy:
    """A local copy for the decoder, where the store's own bytes are out of its reach."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._failures():
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix="look-", dir=folder)
        self.path = Path(name)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        left = memoryview(chunk)
        with self._failures():
            while left:
                left = left[self._file.write(left) :]

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise errors.StoreUnavailable(
                f"The folder {self._folder}, for copies that are looked at, can't be used ({problem.strerror}):"
                " free some space, or name another AMBROTYPE_DATA."
            ) from problem

    def close(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)
