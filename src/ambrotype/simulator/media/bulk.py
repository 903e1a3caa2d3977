"""Valid media of exactly the wanted number of bytes: noisy PNGs in memory, and videos of any size that are
never whole anywhere.
"""

import dataclasses
import math
import random
import struct
import zlib
from collections.abc import Iterator

from ambrotype.core import errors
from ambrotype.simulator.media import cache, movies

SMALLEST_PNG = 84
"""Bytes: one pixel and an empty padding chunk."""

LARGEST_PNG = 256 * 2**20
"""Bytes: it is made in memory. A `big_video` has no such limit."""

_MAX_NOISE = 16_000_000
"""Pixels; what is wanted beyond them goes into padding chunks, so that no decoder finds the picture too
large.
"""

_PAD_CHUNK = 1 << 20
"""Bytes: libpng refuses single chunks above 8 MB."""

_BLOCK = 1 << 16
"""Bytes of a big video's filling that belong together: its number, then noise."""


@cache.kept
def padded_png(size: int, *, seed: int = 0) -> bytes:
    """A square RGB picture of noise, `SMALLEST_PNG` to `LARGEST_PNG` bytes long, exactly."""
    if not SMALLEST_PNG <= size <= LARGEST_PNG:
        raise errors.InvalidRequest(f"A PNG of {size} bytes: use {SMALLEST_PNG} to {LARGEST_PNG}.")
    rng = random.Random(seed)
    for side in range(max(1, math.isqrt(min(size // 3, _MAX_NOISE))), 0, -1):
        body = _noise(rng, side) if _plain_size(side) + 12 <= size else None
        if body is not None:
            return _wrap(body, padding=_padding(rng, size - len(body) - 20))
    raise AssertionError("one pixel fits into SMALLEST_PNG bytes")


def _plain_size(side: int) -> int:
    """Upper bound of the file without padding: stored deflate blocks hold 16 KiB or more each."""
    raw = side * (3 * side + 1)
    return 8 + 25 + 12 + 12 + raw + 6 + 5 * (raw // 16383 + 1)


def _noise(rng: random.Random, side: int) -> bytes:
    stride = 3 * side + 1
    raw = bytearray(rng.randbytes(stride * side))
    raw[::stride] = bytes(side)  # each row begins with its filter: none
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(raw, 0))


def _padding(rng: random.Random, size: int) -> bytes:
    """Ancillary, private, safe-to-copy chunks (`amPd`) of `size` bytes in all: 0, or 12 and more."""
    parts = []
    while size:
        # What is left over must be nothing or hold a chunk of its own.
        body = size - 12 if size <= _PAD_CHUNK + 24 else _PAD_CHUNK
        parts.append(_chunk(b"amPd", rng.randbytes(body)))
        size -= body + 12
    return b"".join(parts)


def _wrap(body: bytes, *, padding: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + body + padding + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BigVideo:
    """A video of `size` bytes: `head` is a playable movie and the header of a `free` box, the rest fills the
    box.

    The filling at an offset depends on the offset alone, and no two blocks are the same, so that a byte that
    is missing, doubled or misplaced changes the hash.
    """

    head: bytes
    size: int
    noise: bytes

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `start`, `length` of them or to the end, at most 64 KiB at a time."""
        end = self.size if length is None else min(self.size, start + length)
        if start < len(self.head):
            yield self.head[start:end]
            start = len(self.head)
        while start < end:
            number, inside = divmod(start - len(self.head), _BLOCK)
            piece = self._block(number)[inside : inside + end - start]
            yield piece
            start += len(piece)

    def _block(self, number: int) -> bytes:
        turn = 8 * (number % 512)
        return struct.pack(">Q", number) + self.noise[turn : turn + _BLOCK - 8]


def big_video(size: int, *, seed: int = 0) -> BigVideo:
    """A one-second H.264 video, then a `free` box to exactly `size` bytes. Holds about 100 KiB, whatever
    `size`.
    """
    movie = movies.video(seed, seconds=1.0)
    room = size - len(movie)
    if room < 16:
        raise errors.InvalidRequest(f"A big video of {size} bytes: use {len(movie) + 16} or more.")
    # Size 1 means that the real size follows in 64 bits (ISO 14496-12, 4.2).
    head = movie + struct.pack(">I4sQ", 1, b"free", room)
    return BigVideo(head=head, size=size, noise=random.Random(seed).randbytes(_BLOCK + 4096))
