"""What a caller wants to upload: a path, bytes, or an open file."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from ambrotype.core import errors

PIECE = 1 << 20

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
Progress = Callable[[int, int], None]
"""Gets the bytes that are there and the bytes there are, again and again."""


class Opened:
    """A source that can be read from any place, as often as need be."""

    def __init__(self, source: Source, filename: str | None) -> None:
        self.identity: str | None = None
        """What it is known by in another run, where it is a file with a path."""
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            try:
                self._file: BinaryIO = path.open("rb")
            except OSError as problem:
                raise errors.InvalidRequest(f"{path} can't be read: {problem.strerror}.") from None
            status = os.fstat(self._file.fileno())
            self.identity = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
            self.filename: str | None = filename or path.name
        else:
            self._file = io.BytesIO(source) if isinstance(source, bytes | bytearray | memoryview) else source
            named = getattr(source, "name", None)
            self.filename = filename or (Path(named).name if isinstance(named, str) else None)
        self._owned = self._file is not source
        self._start = 0 if self._owned else self._file.tell()
        self.size = self._file.seek(0, os.SEEK_END) - self._start

    async def pieces(self, offset: int = 0, *, progress: Progress | None = None) -> AsyncIterator[bytes]:
        """The bytes from there; `progress` hears of each piece once it has been handed on."""
        while piece := await asyncio.to_thread(self._read, offset):
            yield piece
            offset += len(piece)
            if progress is not None:
                progress(offset, self.size)

    def _read(self, offset: int) -> bytes:
        self._file.seek(self._start + offset)
        return self._file.read(min(PIECE, self.size - offset))

    def close(self) -> None:
        """Closes what was opened here."""
        if self._owned:
            self._file.close()
