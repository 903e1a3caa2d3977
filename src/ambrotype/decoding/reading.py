"""Positioned reading of an open file, for walks over its structure."""

import os

WINDOW = 64 * 1024


class Reader:
    """Reads by `pread`, so that nobody's file position moves; small steps forward come out of one window."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.size = os.fstat(fd).st_size
        self._window = b""
        self._window_at = 0

    def at(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer at the end of the file."""
        begin = offset - self._window_at
        if begin >= 0 and begin + length <= len(self._window):
            return self._window[begin : begin + length]
        if length >= WINDOW:
            return os.pread(self.fd, length, offset)
        self._window, self._window_at = os.pread(self.fd, WINDOW, offset), offset
        return self._window[:length]

    def number(self, offset: int, length: int, *, little: bool = False) -> int | None:
        """An unsigned number, or None where the file ends before it does."""
        data = self.at(offset, length)
        if len(data) < length:
            return None
        return int.from_bytes(data, "little" if little else "big")

    def rfind(self, wanted: bytes, start: int) -> int:
        """Where `wanted` stands last, not before `start`; -1 if nowhere. Quick where it stands near the
        end."""
        end = self.size
        while end - start >= len(wanted):
            begin = max(start, end - WINDOW)
            found = os.pread(self.fd, end - begin, begin).rfind(wanted)
            if found >= 0:
                return begin + found
            if begin == start:
                break
            end = begin + len(wanted) - 1
        return -1
