"""A kept file on its way to a disk: a temporary name beside the final one, the hash checked before the rename."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from ambrotype.client.sources import PIECE, Progress
from ambrotype.core import errors, media


class Receiving:
    """One download. What an earlier try has left is gone on with."""

    def __init__(self, item: media.Media, target: str | os.PathLike[str] | None, *, progress: Progress | None) -> None:
        if item.status != "kept" or item.size is None or item.sha256 is None:
            raise errors.Conflict(f"The media item {item.id} is {item.status}, so there are no bytes to download yet.")
        path = Path(target) if target is not None else Path()
        self.path = path / item.name if path.is_dir() else path
        self._part = self.path.with_name(f"{self.path.name}.{str(item.id)[-12:]}.part")
        self._progress = progress
        self._size, self._sha256 = item.size, item.sha256
        self._running = hashlib.sha256()
        self.offset = 0
        """Bytes that are there."""

    @property
    def whole(self) -> bool:
        """All bytes are there."""
        return self.offset >= self._size

    async def begin(self) -> None:
        """Reads what is there."""
        await asyncio.to_thread(self._begin)

    def _begin(self) -> None:
        with contextlib.suppress(FileNotFoundError), self._part.open("rb") as file:
            while piece := file.read(PIECE):
                self._running.update(piece)
                self.offset += len(piece)
        if self.offset > self._size:
            self._part.unlink()
            self._running, self.offset = hashlib.sha256(), 0

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Appends."""
        with self._part.open("ab") as file:
            async for chunk in chunks:
                await asyncio.to_thread(self._write, file.fileno(), chunk)
                if self._progress is not None:
                    self._progress(self.offset, self._size)

    def _write(self, descriptor: int, chunk: bytes) -> None:
        left = memoryview(chunk)
        while left:
            left = left[os.write(descriptor, left) :]
        self._running.update(chunk)
        self.offset += len(chunk)

    async def end(self) -> Path:
        """The file in its place. `errors.DigestMismatch` where its bytes are not those that were kept."""
        if self.offset != self._size or self._running.hexdigest() != self._sha256:
            self._part.unlink(missing_ok=True)
            raise errors.DigestMismatch(f"What came in for {self.path} are not the bytes that were kept; try again.")
        await asyncio.to_thread(self._part.replace, self.path)
        return self.path
