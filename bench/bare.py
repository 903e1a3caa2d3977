"""The baseline of capturing: download, SHA-256, write, fsync, nothing else."""

import asyncio
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

PIECE = 2**20


async def take(urls: Sequence[str], folder: Path, *, at_once: int = 8) -> float:
    """Seconds that it takes to have all of them on disk, in files `0`, `1`, … of the folder, which is there."""
    waiting = list(enumerate(urls))[::-1]
    began = time.perf_counter()
    async with aiohttp.ClientSession(read_bufsize=PIECE // 2, auto_decompress=False) as session:

        async def some() -> None:
            while waiting:
                n, url = waiting.pop()
                await _one(session, url, folder / str(n))

        await asyncio.gather(*(some() for _ in range(at_once)))
    return time.perf_counter() - began


async def _one(session: aiohttp.ClientSession, url: str, file: Path) -> None:
    sha = hashlib.sha256()
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    pieces: list[bytes] = []
    size = 0

    def keep(data: bytes) -> None:
        sha.update(data)
        os.write(handle, data)

    try:
        async with session.get(url) as response:
            response.raise_for_status()
            while data := await response.content.readany():
                pieces.append(data)
                size += len(data)
                if size >= PIECE:
                    await asyncio.to_thread(keep, b"".join(pieces))
                    pieces, size = [], 0
        if pieces:
            await asyncio.to_thread(keep, b"".join(pieces))
        await asyncio.to_thread(os.fsync, handle)
    finally:
        os.close(handle)
