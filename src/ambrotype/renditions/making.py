"""Makes one rendition: the original in, a limited child between, a file in the store and a row out."""

import asyncio
import contextlib
import dataclasses
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import structlog

from ambrotype.core import errors, layout, provenance, recipes, renditions, types
from ambrotype.decoding import decoder as decoders
from ambrotype.records import database
from ambrotype.records import renditions as rows
from ambrotype.storage import contract, copies

LEASE = 60.0
"""Seconds that a claim holds without being held on to."""
TRIES = 2
"""Ends by chance (a killed child, no time left) that make it a failure."""
REST = 30.0
"""Seconds between them."""
MOST_COPIED = 10 << 30
"""Bytes that are copied from a remote store to make something of."""
MOST, MOST_STORED = 64, 128 << 20
"""Renditions that an item keeps besides those with a name of their own, and their bytes."""
GRACE = 2 * 3600.0
"""Seconds that a dropped file stays: longer than any process remembers it, and than a presigned URL works."""
_PIECE = 1 << 20

log = structlog.get_logger("ambrotype.renditions")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What renditions are made with. The decoder is their own: captures and inspections never wait for them."""

    data: database.Database
    store: contract.Store
    decoder: decoders.Decoder
    spool: Path
    films: decoders.Decoder | None = None
    """For videos, which take long; only workers make them."""


async def make(
    tools: Tools,
    mine: rows.Claim,
    source: rows.Source,
    wanted: renditions.Wanted,
    *,
    file: Path | None = None,
    source_type: str | None = None,
) -> None:
    """Makes it and records it, or the reason why it can't be. `file` is the original where it is at hand already, and
    `source_type` what is known of its making then.

    Raises what was the reason: `errors.CaptureFailed` for good, `errors.Unavailable` for now.
    """
    try:
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(_holding(tools.data, mine))
            media = types.TYPES.get(source.content_type)
            if media is None:
                raise errors.UnsupportedType(f"Nothing can be made of {source.content_type}; ask for the original.")
            if file is None:
                file = await stack.enter_async_context(_original(tools, source))
                source_type = await _source_type(tools.decoder, source, file, media)
            output = await stack.enter_async_context(_output(tools.spool, wanted))
            await _decode(tools, file, media, wanted, output=output, source=source, source_type=source_type)
            await _keep(tools, mine, source, wanted, output)
    except errors.StoreUnavailable as problem:
        await _put_off(tools.data, mine, seconds=REST, tried=0)
        raise errors.Unavailable(
            "Renditions wait for the store, which takes nothing just now.", retry_after=REST
        ) from problem
    except errors.Unavailable:
        await _put_off(tools.data, mine, seconds=REST, tried=0)
        raise
    except errors.CaptureFailed as failure:
        await _give_up(tools.data, mine, failure)
    except BaseException:
        await asyncio.shield(_put_off(tools.data, mine, seconds=0.0, tried=0))
        raise


async def _give_up(data: database.Database, mine: rows.Claim, failure: errors.CaptureFailed) -> None:
    log.warning("a rendition could not be made", media_id=str(mine.media_id), name=mine.name, detail=failure.detail)
    if failure.retry and mine.tries + 1 < TRIES:
        await _put_off(data, mine, seconds=REST, tried=1)
        raise errors.Unavailable(
            "It could not be made just now, and will be tried again.", retry_after=REST
        ) from failure
    async with data.transaction(database.WORKER) as tx:
        await rows.failed(tx, mine, code=failure.code, detail=failure.detail[:1000])
    raise failure


async def _put_off(data: database.Database, mine: rows.Claim, *, seconds: float, tried: int) -> None:
    with contextlib.suppress(errors.Unavailable):  # then the claim runs out by itself
        async with data.transaction(database.WORKER) as tx:
            await rows.give_back(tx, mine, seconds=seconds, tried=tried)


@contextlib.contextmanager
def _holding(data: database.Database, mine: rows.Claim) -> Iterator[None]:
    """Holds on to the claim for the length of the block."""

    async def hold() -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            with contextlib.suppress(errors.Unavailable):
                async with data.transaction(database.WORKER) as tx:
                    await rows.hold(tx, mine, seconds=LEASE)

    holding = asyncio.create_task(hold())
    try:
        yield
    finally:
        holding.cancel()


@contextlib.asynccontextmanager
async def _original(tools: Tools, source: rows.Source) -> AsyncIterator[Path]:
    key = contract.Key(source.bucket, source.path)
    try:
        async with copies.at_hand(tools.store, key, size=source.size, most=MOST_COPIED, spool=tools.spool) as file:
            yield file
    except (errors.NotFound, OSError) as problem:
        log.error("kept bytes are not as recorded; run an audit", object=str(key), why=str(problem))
        raise errors.Unavailable("The stored file is not as recorded, so nothing is made of it.") from problem


async def _source_type(
    decoder: decoders.Decoder, source: rows.Source, file: Path, media: types.MediaType
) -> str | None:
    """Who made the original, by IPTC's code: as inspected, else by looking now."""
    if source.inspected:
        return source.source_type
    try:
        found = await decoder.texts(file, media)
        credentials = await decoder.credentials(file, media)
    except errors.CaptureFailed:
        return None
    texts = recipes.expanded(found.found)
    origin = provenance.of(texts, recipes.read(found.found), c2pa=credentials.state, manifests=credentials.manifests)
    return origin.provenance.digital_source_type


@contextlib.asynccontextmanager
async def _output(spool: Path, wanted: renditions.Wanted) -> AsyncIterator[int]:
    """An open file without a name for the child to write to: in memory, or on the disk where it may be large."""
    if isinstance(wanted, renditions.Picture):
        descriptor = os.memfd_create("rendition", os.MFD_CLOEXEC)
    else:
        descriptor = await asyncio.to_thread(_unnamed, spool)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unnamed(spool: Path) -> int:
    spool.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=copies.PREFIX, dir=spool)
    Path(name).unlink()
    return descriptor


async def _decode(
    tools: Tools,
    file: Path,
    media: types.MediaType,
    wanted: renditions.Wanted,
    *,
    output: int,
    source: rows.Source,
    source_type: str | None,
) -> None:
    try:
        if isinstance(wanted, renditions.Picture):
            await tools.decoder.picture(file, media, wanted, output=output, source_type=source_type)
        else:
            assert tools.films is not None
            await tools.films.film(
                file, media, wanted, output=output, source_type=source_type, duration=source.duration
            )
    except OSError as problem:
        raise errors.Unavailable("The original can't be read just now.") from problem


async def _keep(tools: Tools, mine: rows.Claim, source: rows.Source, wanted: renditions.Wanted, output: int) -> None:
    """Bytes before facts: the row is written when the file is durable under a path that no other attempt has."""
    place = layout.rendition(source.bucket, mine.media_id, mine.name, attempt=mine.attempt, ext=wanted.suffix)
    key = contract.Key(place.bucket, place.path)
    size = os.fstat(output).st_size
    writer = await tools.store.create(key, content_type=wanted.content_type, size=size)
    digest = hashlib.sha256()
    try:
        for at in range(0, size, _PIECE):
            piece = await asyncio.to_thread(os.pread, output, _PIECE, at)
            await asyncio.to_thread(digest.update, piece)
            await writer.write(piece)
        await writer.seal()
        await writer.publish()
    finally:
        await writer.abort()
    async with tools.data.transaction(database.WORKER) as tx:
        recorded = await rows.made(
            tx, mine, bucket=key.bucket, path=key.path, size=size, sha256=digest.digest(),
            content_type=wanted.content_type,
        )  # fmt: skip
        if recorded and mine.name not in renditions.NAMED:
            await rows.thin_out(
                tx, mine.media_id, most=MOST, most_bytes=MOST_STORED, always=list(renditions.NAMED), grace=GRACE
            )
    if not recorded:
        await tools.store.delete(key)
        raise errors.Unavailable("The item has changed meanwhile; ask again.", retry_after=1)
    for attempt in range(max(1, mine.attempt - TRIES), mine.attempt):  # what processes that died may have left
        old = layout.rendition(source.bucket, mine.media_id, mine.name, attempt=attempt, ext=wanted.suffix)
        await tools.store.delete(contract.Key(old.bucket, old.path))
