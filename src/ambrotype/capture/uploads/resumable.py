"""Uploads over many requests (TUS 1.0.0). What was acknowledged is in the row and durable in the store, so any process
can go on, after any kill. Bytes behind the row's mark count as never sent.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import hashlib
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog

from ambrotype.capture import accept, pipeline, request
from ambrotype.capture.uploads import finishing, pieces, placing, writing
from ambrotype.core import errors, ids, owners, types
from ambrotype.records import uploads
from ambrotype.storage import contract

LIFE = datetime.timedelta(hours=24)
"""How long an unfinished upload waits for its next bytes."""
SAVE = 1.0
"""Seconds between two marks that are written down while bytes come in: at most so much is sent again after a kill."""
TAKE_OVER = 5.0
"""Seconds that a request waits for the process that held the upload before to let go of its file."""
_REMEMBERED = 1000

log = structlog.get_logger("ambrotype.uploads")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Where an upload stands after a request."""

    upload: uploads.Upload
    media_id: uuid.UUID | None


class Resumables:
    """The uploads of one process; all that it remembers between requests is hashes it would else compute again."""

    def __init__(self, tools: pipeline.Tools, rules: accept.Rules, *, most: int) -> None:
        self._tools = tools
        self._rules = rules
        self.most = most
        """Bytes of the largest upload."""
        self._hashes: OrderedDict[uuid.UUID, tuple[int, hashlib._Hash]] = OrderedDict()

    async def create(
        self,
        who: owners.Principal,
        *,
        size: int,
        asked: request.UploadRequest,
        filename: str | None,
        told: str | None,
    ) -> uploads.Upload:
        """A new one. Raises `errors.TooLarge`, `errors.QuotaExceeded`, and `errors.StoreUnavailable` for a full store."""
        if size > self.most:
            raise errors.TooLarge(f"The upload has {size} bytes; AMBROTYPE_UPLOAD_MAX_BYTES={self.most} are taken.")
        if size == 0:
            raise errors.NotMedia("The file holds no bytes.")
        self._resumes()
        await self._tools.store.check()
        upload_id = ids.new()
        async with self._tools.data.transaction(who) as tx:
            guess = await placing.guess(tx, who, asked, media_id=upload_id, filename=filename, rules=self._rules)
            staging = guess.staging()
            return await uploads.begin(
                tx,
                upload_id,
                way="resumable",
                size=size,
                staging={"bucket": staging.bucket, "path": staging.path, "version": guess.version},
                fields=asked.model_dump(mode="json", exclude_unset=True),
                filename=filename,
                trusted=who.is_key,
                told=told,
                life=LIFE,
                quota=self._rules.quotas.of(who.owner),
            )

    async def get(self, who: owners.Principal, upload_id: uuid.UUID) -> Taken:
        """How far it is. One whose bytes are all there, but whose request was cut off, becomes an item now."""
        async with self._tools.data.transaction(who) as tx:
            found = await uploads.get(tx, upload_id, "resumable")
        if found.whole and not found.leased:
            with contextlib.suppress(errors.Locked):
                return await self.take(who, upload_id, offset=found.size, chunks=_nothing())
        return Taken(upload=found, media_id=found.media_id)

    async def take(
        self,
        who: owners.Principal,
        upload_id: uuid.UUID,
        *,
        offset: int,
        chunks: AsyncIterator[bytes],
        incoming: int | None = None,
        checksum: writing.Checksum | None = None,
    ) -> Taken:
        """Goes on behind `offset` bytes, and makes the item when all are there.

        With a checksum all bytes of this request are taken, or none. Raises `errors.Conflict` for another offset,
        `errors.Locked`, `errors.TooLarge`, `errors.ChecksumMismatch`; what is no media is refused, and nothing of it stays.
        """
        lease = uuid.uuid4()
        async with self._tools.data.transaction(who) as tx:
            found = await uploads.claim(tx, upload_id, "resumable", lease=lease, seconds=writing.LEASE)
        try:
            _require(found, offset, incoming)
            if found.media_id is not None:
                return Taken(upload=found, media_id=found.media_id)
            async with writing.held(self._tools.data, who, upload_id, lease=lease) as hold:
                return await self._go_on(_Request(who, found, lease, hold, checksum), chunks)
        finally:
            await self._released(who, upload_id, lease)

    async def end(self, who: owners.Principal, upload_id: uuid.UUID) -> None:
        """Gives it up: nothing of it stays, but for the item where it has become one."""
        lease = uuid.uuid4()
        async with self._tools.data.transaction(who) as tx:
            found = await uploads.claim(tx, upload_id, "resumable", lease=lease, seconds=writing.LEASE)
        if found.media_id is None:
            await self._forget(who, found)
            return
        async with self._tools.data.transaction(who) as tx:
            await uploads.forget(tx, upload_id)

    async def _go_on(self, asked: "_Request", chunks: AsyncIterator[bytes]) -> Taken:
        upload = asked.upload
        async with contextlib.AsyncExitStack() as stack:
            resumable = await self._resumed(asked)
            stack.push_async_callback(resumable.close)
            copy = None
            if upload.received == 0 and not isinstance(resumable, contract.OnDiskWriter):
                copy = pipeline.Copy(self._tools.spool)
                stack.callback(copy.close)
            running = await self._write(asked, resumable, chunks, copy)
            upload = asked.upload
            if upload.received < upload.size:
                return Taken(upload=upload, media_id=None)
            async with self._refusing(asked, resumable):
                known = running.digest() if running is not None else None
                seen = copy.path if copy is not None else None
                return Taken(upload=upload, media_id=await self._finish(asked, resumable, known, seen))

    async def _write(
        self,
        asked: "_Request",
        resumable: contract.Resumable,
        chunks: AsyncIterator[bytes],
        copy: pipeline.Copy | None,
    ) -> "hashlib._Hash | None":
        """Takes the bytes; their hash, if known from the first one on. It is written down how far it came, also where
        the client goes away meanwhile."""
        upload, checked = asked.upload, writing.Checked(asked.checksum)
        running = self._running(upload)
        hashes = [*checked.hashes, *([running] if running is not None else [])]
        received, saved_at = upload.received, asyncio.get_running_loop().time()
        ending: BaseException | None = None
        try:
            async for piece in pieces.gathered(asked.hold.heard_from(chunks)):
                if received + len(piece) > upload.size:
                    raise _too_many(upload)
                if received == 0 and len(piece) >= min(types.HEAD_BYTES, upload.size):
                    async with self._refusing(asked, resumable):
                        types.recognise(piece[: types.HEAD_BYTES])
                await _take(piece, resumable, hashes, copy)
                received += len(piece)
                if asked.checksum is None and asyncio.get_running_loop().time() - saved_at > SAVE:
                    # What lies in a rest beside the parts is further than the parts alone.
                    if (so_far := await resumable.so_far()).size > asked.upload.received:
                        await self._save(asked, resumable, so_far)
                    saved_at = asyncio.get_running_loop().time()
        except (pieces.Interrupted, errors.TooLarge) as problem:
            ending = problem
        if asked.checksum is not None:
            if ending is not None:
                raise ending
            checked.require()
        if received != upload.received:
            await self._save(asked, resumable, await resumable.pause())
        if running is not None:
            self._remember(upload.id, received, running)
        if ending is not None:
            raise ending
        return running

    async def _save(self, asked: "_Request", resumable: contract.Resumable, mark: contract.Mark) -> None:
        async with self._tools.data.transaction(asked.who) as tx:
            until = await uploads.advance(
                tx,
                asked.upload.id,
                lease=asked.lease,
                seconds=writing.LEASE,
                received=mark.size,
                mark=mark.state,
                life=LIFE,
            )
        asked.upload = dataclasses.replace(asked.upload, received=mark.size, mark=mark.state, expires_at=until)
        await resumable.tidy()

    async def _finish(
        self, asked: "_Request", resumable: contract.Resumable, sha256: bytes | None, copy: Path | None
    ) -> uuid.UUID:
        await resumable.seal()
        kept = await finishing.finish(
            asked.who, asked.upload, resumable, self._tools, self._rules, sha256=sha256, copy=copy
        )
        self._hashes.pop(asked.upload.id, None)
        return kept.id

    @contextlib.asynccontextmanager
    async def _refusing(self, asked: "_Request", resumable: contract.Resumable) -> AsyncIterator[None]:
        """What is wrong with the bytes or what was told of them ends the upload; what may pass does not."""
        try:
            yield
        except finishing.PASSING:
            raise
        except errors.AmbrotypeError:
            with contextlib.suppress(errors.AmbrotypeError):  # else the sweep does it
                await resumable.close()
                await self._forget(asked.who, asked.upload)
            raise

    async def _forget(self, who: owners.Principal, upload: uploads.Upload) -> None:
        await forgotten(self._tools.store, upload)
        async with self._tools.data.transaction(who) as tx:
            await uploads.forget(tx, upload.id)
        self._hashes.pop(upload.id, None)

    async def _released(self, who: owners.Principal, upload_id: uuid.UUID, lease: uuid.UUID) -> None:
        with contextlib.suppress(errors.AmbrotypeError):  # else it runs out
            async with self._tools.data.transaction(who) as tx:
                await uploads.release(tx, upload_id, lease=lease)

    def _resumes(self) -> contract.Resumes:
        store = self._tools.store
        if not isinstance(store, contract.Resumes):
            raise errors.NotSupported("This store can't take resumable uploads; send the file as one form.")
        return store

    async def _resumed(self, asked: "_Request") -> contract.Resumable:
        """A process that was stopped may hold the file for a moment longer than its lease."""
        upload = asked.upload
        fields = request.parsed(request.UploadRequest, upload.fields)
        guess = placing.Guess(
            id=upload.id,
            owner_id=upload.owner_id,
            owner=asked.who.owner or owners.SERVICE,
            version=upload.staging["version"],
            asked=fields,
            filename=upload.filename,
            rules=self._rules,
        )

        def place(first: bytes) -> tuple[contract.Key, str]:
            media = types.recognise(first)
            return guess.key(media), media.content_type

        end = asyncio.get_running_loop().time() + TAKE_OVER
        while True:
            try:
                return await self._resumes().resume(staging(upload), mark(upload), size=upload.size, place=place)
            except errors.Locked:
                if asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(0.1)
            except errors.Gone:
                await self._forget(asked.who, upload)
                raise

    def _running(self, upload: uploads.Upload) -> "hashlib._Hash | None":
        """The hash of what is there, where this process knows it; else all is read once at the end."""
        if upload.received == 0:
            return hashlib.sha256()
        offset, running = self._hashes.get(upload.id, (0, None))
        return running.copy() if running is not None and offset == upload.received else None

    def _remember(self, upload_id: uuid.UUID, offset: int, running: "hashlib._Hash") -> None:
        self._hashes[upload_id] = (offset, running.copy())
        self._hashes.move_to_end(upload_id)
        if len(self._hashes) > _REMEMBERED:
            self._hashes.popitem(last=False)


@dataclasses.dataclass(slots=True)
class _Request:
    """One request that writes."""

    who: owners.Principal
    upload: uploads.Upload
    lease: uuid.UUID
    hold: writing.Hold
    checksum: writing.Checksum | None


def staging(upload: uploads.Upload) -> contract.Key:
    """Where its bytes wait."""
    return contract.Key(upload.staging["bucket"], upload.staging["path"])


def mark(upload: uploads.Upload) -> contract.Mark:
    """How far they are durable."""
    return contract.Mark(size=upload.received, state=upload.mark)


async def forgotten(store: contract.Store, upload: uploads.Upload, *, kept: contract.Key | None = None) -> None:
    """Nothing of it is left in the store but what is kept."""
    if isinstance(store, contract.Resumes):
        await store.forget(staging(upload), mark(upload), kept=kept)


def _require(found: uploads.Upload, offset: int, incoming: int | None) -> None:
    if offset != found.received:
        raise errors.Conflict(f"The upload {found.id} is at byte {found.received}, not {offset}; go on from there.")
    if incoming is not None and offset + incoming > found.size:
        raise _too_many(found)


def _too_many(upload: uploads.Upload) -> errors.TooLarge:
    return errors.TooLarge(f"The upload {upload.id} was said to have {upload.size} bytes; more were sent.")


async def _take(
    piece: bytes,
    resumable: contract.Resumable,
    hashes: Sequence["hashlib._Hash"],
    copy: pipeline.Copy | None,
) -> None:
    """Hashes and writes at the same time where the piece is worth a thread."""

    def hash_all() -> None:
        for running in hashes:
            running.update(piece)

    if len(piece) <= pipeline.INLINE:
        hash_all()
        await resumable.write(piece)
    else:
        hashing = asyncio.get_running_loop().run_in_executor(None, hash_all)
        try:
            await resumable.write(piece)
        finally:
            await hashing
    if copy is not None:
        await asyncio.to_thread(copy.write, piece)


async def _nothing() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for piece in none:
        yield piece
