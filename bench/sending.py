"""One client for both sides of an upload: the same bytes, as a form, resumably (TUS 1.0.0) or as a raw body."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp

from bench import server

PIECE = 2**20
BOUNDARY = "----a-boundary-of-the-bench"
FIELDS = {"again": True}
"""Another item each time, of the same bytes too."""

Way = Callable[[aiohttp.ClientSession, str, Path], Awaitable[None]]
"""Sends one file to the server at that address."""


def took(way: Way, base: str, files: Sequence[Path], *, at_once: int = 8) -> float:
    """Seconds until every one of the files is answered for."""
    return asyncio.run(_all(way, base, files, at_once))


async def _all(way: Way, base: str, files: Sequence[Path], at_once: int) -> float:
    waiting = list(files)[::-1]
    began = time.perf_counter()
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {server.KEY}"}, timeout=aiohttp.ClientTimeout(total=600)
    ) as session:

        async def some() -> None:
            while waiting:
                await way(session, base, waiting.pop())

        await asyncio.gather(*(some() for _ in range(at_once)))
    return time.perf_counter() - began


async def form(session: aiohttp.ClientSession, base: str, file: Path) -> None:
    """`POST /v1/uploads`."""
    before = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="fields"\r\n\r\n{json.dumps(FIELDS)}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'
    ).encode()
    after = f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(before) + _size(file) + len(after)),
    }
    async with session.post(f"{base}/v1/uploads", data=_pieces(file, before, after), headers=headers) as response:
        await _require(response, 201)


async def resumable(session: aiohttp.ClientSession, base: str, file: Path) -> None:
    """`POST /v1/uploads/resumable`, and all bytes in one PATCH."""
    version = {"Tus-Resumable": "1.0.0"}
    size = str(_size(file))
    told = base64.b64encode(json.dumps(FIELDS).encode()).decode()
    begun = {**version, "Upload-Length": size, "Upload-Metadata": f"fields {told}"}
    async with session.post(f"{base}/v1/uploads/resumable", headers=begun) as response:
        await _require(response, 201)
        where = response.headers["Location"].rpartition("/")[2]
    sent = {
        **version,
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": size,
    }
    async with session.patch(f"{base}/v1/uploads/resumable/{where}", data=_pieces(file), headers=sent) as response:
        await _require(response, 204)


async def raw(session: aiohttp.ClientSession, base: str, file: Path) -> None:
    """A PUT to the bare receiver."""
    headers = {"Content-Length": str(_size(file))}
    async with session.put(f"{base}/{file.name}", data=_pieces(file), headers=headers) as response:
        await _require(response, 200)


def _size(file: Path) -> int:
    return file.stat().st_size


async def _require(response: aiohttp.ClientResponse, status: int) -> None:
    text = await response.text()
    if response.status != status:
        raise RuntimeError(f"{response.method} {response.url.path} answered {response.status}: {text[:500]}")


async def _pieces(file: Path, before: bytes = b"", after: bytes = b"") -> AsyncIterator[bytes]:
    if before:
        yield before
    with file.open("rb") as stream:
        while piece := await asyncio.to_thread(stream.read, PIECE):
            yield piece
    if after:
        yield after
