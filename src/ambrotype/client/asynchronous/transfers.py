"""Uploading and downloading over HTTP, however often the connection breaks."""

import asyncio
import base64
import io
import os
import random
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Unpack
from urllib import parse

import aiohttp
import pydantic

from ambrotype.client import asking, http, journal, receiving
from ambrotype.client.asynchronous import answers, base
from ambrotype.client.sources import Opened, Progress, Source
from ambrotype.core import errors, media
from ambrotype.fields import UploadFields

LARGE = 16 << 20
"""Bytes above which a file goes in a resumable way."""
TRIES = 8
"""Tries without a byte of progress before it is given up."""
LONGEST_PAUSE = 10.0
_UPLOADS = "/v1/uploads"
_TUS = {"Tus-Resumable": "1.0.0"}
_PASSING = (errors.Unavailable, errors.StoreUnavailable, errors.Locked, errors.RateLimited, errors.ChecksumMismatch)

_MEDIA = pydantic.TypeAdapter(media.Media)


class Transfers(base.Base):
    """Files in, files out."""

    async def upload(
        self,
        file: Source,
        *,
        filename: str | None = None,
        progress: Progress | None = None,
        state: str | os.PathLike[str] | None = None,
        **fields: Unpack[UploadFields],
    ) -> media.Media:
        """Keeps a file: a path, bytes, or an open binary file from where it is. It is kept when this returns.

        The same bytes at the same place are the same item. Large files go on where they were when a connection broke;
        `state` names a small file that remembers them for another run. `progress` is called with the bytes that are
        there and the bytes there are.
        """
        opened = Opened(file, filename)
        try:
            if opened.size <= LARGE:
                return await self._at_once(opened, fields, progress)
            return await self._resumably(opened, fields, progress, journal.Journal(Path(state) if state else None))
        finally:
            opened.close()

    async def download(
        self,
        media_id: uuid.UUID | str,
        path: str | os.PathLike[str] | None = None,
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Writes a kept file's bytes to `path`, or under its name into that folder (the current one by default).

        Goes on where an earlier try ended; the bytes are checked before the file gets its name.
        """
        call = http.Call(method="GET", path=f"/v1/media/{answers.identified(media_id)}")
        item = answers.read(_MEDIA, await self._http.send(call))
        file = receiving.Receiving(item, path, progress=progress)
        await file.begin()
        tries = _Tries()
        while not file.whole:
            before = file.offset
            try:
                await self._part_of(item, file)
            except _PASSING as problem:
                await tries.again(problem, moved=file.offset > before)
        return await file.end()

    async def _part_of(self, item: media.Media, file: receiving.Receiving) -> None:
        where = f"/m/{item.id}/{parse.quote(item.name)}"
        span = {"Range": f"bytes={file.offset}-"} if file.offset else {}
        async with self._http.exchange("GET", where, headers=span, follow=True) as response:
            if file.offset and response.status != 206:
                raise errors.AmbrotypeError(f"{where} answered {response.status} to a range; begin the download anew.")
            await file.take(response.content.iter_any())

    async def _at_once(self, opened: Opened, fields: Mapping[str, Any], progress: Progress | None) -> media.Media:
        tries = _Tries()
        while True:
            form = aiohttp.FormData()
            if fields:
                form.add_field("fields", asking.body_of(fields).decode(), content_type="application/json")
            content = b"".join([piece async for piece in opened.pieces()])
            form.add_field("file", io.BytesIO(content), filename=opened.filename or "file")
            try:
                async with self._http.exchange("POST", _UPLOADS, data=form) as response:
                    found = answers.read(_MEDIA, await response.read())
            except _PASSING as problem:
                if fields.get("again") and isinstance(problem.__cause__, aiohttp.ClientError):
                    raise  # it may have been kept: once more would be a second item
                await tries.again(problem, moved=False)
            else:
                if progress is not None:
                    progress(opened.size, opened.size)
                return found

    async def _resumably(
        self, opened: Opened, fields: Mapping[str, Any], progress: Progress | None, known: journal.Journal
    ) -> media.Media:
        body = asking.body_of(fields)
        key = f"{self._http.address}|{opened.identity}|{body.decode()}" if opened.identity else None
        where, tries, at = known.get(key), _Tries(), 0
        while True:
            reached = at
            try:
                if where is None:
                    where = await self._begun(opened, body)
                    known.put(key, where)
                offset, done = await self._asked(where)
                reached = offset
                if done is None:
                    done = await self._sent(where, opened, offset, progress)
            except (errors.NotFound, errors.Gone) as problem:
                known.put(key, None)
                if where is None:
                    raise
                where = None
                await tries.again(problem, moved=False)
            except (*_PASSING, errors.Conflict) as problem:
                await tries.again(problem, moved=reached > at)
                at = max(at, reached)
            except errors.AmbrotypeError:
                known.put(key, None)
                raise
            else:
                known.put(key, None)
                call = http.Call(method="GET", path=f"/v1/media/{done}")
                return answers.read(_MEDIA, await self._http.send(call))

    async def _begun(self, opened: Opened, body: bytes) -> str:
        told = {"fields": body}
        if opened.filename is not None:
            told["filename"] = opened.filename.encode("utf-8", "replace")
        metadata = ",".join(f"{name} {base64.b64encode(value).decode()}" for name, value in told.items())
        headers = {**_TUS, "Upload-Length": str(opened.size), "Upload-Metadata": metadata}
        async with self._http.exchange("POST", f"{_UPLOADS}/resumable", headers=headers) as response:
            return f"{_UPLOADS}/resumable/{response.headers['Location'].rpartition('/')[2]}"

    async def _asked(self, where: str) -> tuple[int, str | None]:
        async with self._http.exchange("HEAD", where, headers=_TUS) as response:
            return int(response.headers["Upload-Offset"]), response.headers.get("Ambrotype-Media-Id")

    async def _sent(self, where: str, opened: Opened, offset: int, progress: Progress | None) -> str:
        headers = {
            **_TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(opened.size - offset),
        }
        failed: list[Exception] = []

        async def pieces() -> AsyncIterator[bytes]:
            try:
                async for piece in opened.pieces(offset, progress=progress):
                    yield piece
            except Exception as problem:  # of the file or of `progress`: aiohttp would call it a broken connection
                failed.append(problem)
                raise

        try:
            async with self._http.exchange("PATCH", where, headers=headers, data=pieces()) as response:
                done = response.headers.get("Ambrotype-Media-Id")
        except errors.Unavailable:
            if failed:
                raise failed[0] from None
            raise
        if done is None:
            raise errors.Unavailable(f"{where} did not take all bytes.")
        return done


class _Tries:
    """How often something has failed since it last moved."""

    def __init__(self) -> None:
        self._failed = 0

    async def again(self, problem: errors.AmbrotypeError, *, moved: bool) -> None:
        """Waits for the next try, or raises the problem."""
        self._failed = 1 if moved else self._failed + 1
        if self._failed >= TRIES or (problem.retry_after or 0) > http.LONGEST_PAUSE:
            raise problem
        pause = min(http.FIRST_PAUSE * 2**self._failed, LONGEST_PAUSE)
        await asyncio.sleep(max(problem.retry_after or 0, pause * random.uniform(0.5, 1)))
