"""The end of every upload: whole bytes become an item, or nothing."""

import asyncio
import contextlib
import dataclasses
import hashlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from ambrotype.capture import accept, pipeline, request
from ambrotype.core import errors, owners, quotas, types
from ambrotype.decoding import facts as facts_
from ambrotype.records import accepting, captures, database, uploads
from ambrotype.storage import contract

PASSING = (errors.StoreUnavailable, errors.Unavailable, errors.Locked)
"""What says nothing about an upload: it stays, and goes on later. Anything else ends it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Whole bytes that are readable media, not visible yet."""

    size: int
    sha256: bytes
    facts: facts_.Facts
    publish: Callable[[contract.Key], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The item, where its bytes lie if they are these, and whether it was there before."""

    id: uuid.UUID
    key: contract.Key | None
    known: bool


async def record(
    who: owners.Principal,
    item: accepting.Acceptance,
    arrived: Arrived,
    tools: pipeline.Tools,
    *,
    quota: quotas.Quota,
    also: Callable[[database.Transaction, uuid.UUID], Awaitable[None]] | None = None,
) -> Kept:
    """Accepts, publishes and records in one transaction, and does `also` in it.

    The same bytes at the same place are the known item: then nothing is published. Raises `errors.QuotaExceeded` and
    `errors.NotFound` (a parent); then nothing is there.
    """
    tried: list[contract.Key] = []

    async def work(tx: database.Transaction) -> Kept:
        if tried:  # it lost a deadlock after the bytes had become visible: their place may be another one now
            raise errors.Unavailable("Too many callers change the same items at once; try again.", retry_after=1)
        (accepted,) = await accepting.accept(tx, [accept.of_bytes(item, arrived.sha256, arrived.size)], quota=quota)
        if accepted.outcome == "over_quota":
            raise errors.QuotaExceeded(accepted.detail or "This would be more than the quota.")
        if accepted.id is None:
            raise errors.NotFound(accepted.detail or "There is no such parent.")
        key = None
        if accepted.outcome == "new":
            made = await captures.item(tx, accepted.id)
            key = pipeline.place(made, arrived.facts.media, tools.layouts)
            await tx.become(database.WORKER)
            if await captures.lock(tx, accepted.id):
                tried.append(key)
                await arrived.publish(key)
                stored = pipeline.stored(key, size=arrived.size, sha256=arrived.sha256, facts=arrived.facts)
                await captures.kept(tx, accepted.id, stored)
        if also is not None:
            await also(tx, accepted.id)
        return Kept(id=accepted.id, key=key, known=accepted.outcome != "new")

    kept: Kept = await tools.data.retrying(who, work)
    return kept


async def finish(
    who: owners.Principal,
    upload: uploads.Upload,
    whole: contract.Whole,
    tools: pipeline.Tools,
    rules: accept.Rules,
    *,
    sha256: bytes | None = None,
    copy: Path | None = None,
) -> Kept:
    """Makes the item of an upload whose bytes are all there; its row says so in the same transaction."""

    async def write_down(tx: database.Transaction, media_id: uuid.UUID) -> None:
        if not await uploads.finished(tx, upload.id, media_id):
            raise errors.Locked(f"The upload {upload.id} was finished by another request.")

    async with looked_at(whole, tools, sha256=sha256, copy=copy) as arrived:
        item = accept.upload(
            request.parsed(request.UploadRequest, upload.fields),
            arrived.facts.media,
            filename=upload.filename,
            rules=rules,
            trusted=upload.trusted,
        )
        item = dataclasses.replace(item, id=upload.id)
        quota = rules.quotas.of(who.owner)
        kept = await record(who, item, arrived, tools, quota=quota, also=write_down)
    # What is left over is found by the sweep if it can't be removed now.
    with contextlib.suppress(errors.AmbrotypeError):
        await whole.discard(kept=kept.key)
        async with tools.data.transaction(who) as tx:
            await uploads.cleared(tx, upload.id)
    return kept


@contextlib.asynccontextmanager
async def looked_at(
    whole: contract.Whole, tools: pipeline.Tools, *, sha256: bytes | None = None, copy: Path | None = None
) -> AsyncIterator[Arrived]:
    """Looks at all of it; what is given of hash and local copy need not be read for. Raises as `Decoder.probe`."""
    async with contextlib.AsyncExitStack() as stack:
        path = whole.file if isinstance(whole, contract.OnDiskWriter) else copy
        if path is None or sha256 is None:
            made = None if path is not None else pipeline.Copy(tools.spool)
            if made is not None:
                stack.callback(made.close)
                path = made.path
            sha256 = await _read(whole, made)
        assert path is not None
        head, size = await asyncio.to_thread(_head, path)
        facts = await pipeline.look(tools, path, types.recognise(head))
        yield Arrived(size=size, sha256=sha256, facts=facts, publish=whole.publish)


async def _read(whole: contract.Whole, copy: pipeline.Copy | None) -> bytes:
    """The SHA-256 of all bytes, written to `copy` on the way."""
    running = hashlib.sha256()

    def take(piece: bytes) -> None:
        running.update(piece)
        if copy is not None:
            copy.write(piece)

    async with contextlib.aclosing(whole.read()) as pieces:
        async for piece in pieces:
            await asyncio.to_thread(take, piece)
    return running.digest()


def _head(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return file.read(types.HEAD_BYTES), path.stat().st_size
