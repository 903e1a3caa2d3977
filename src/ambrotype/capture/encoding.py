"""Undoing a content coding that a server applied although it was asked not to.

Output comes in bounded pieces, so a bomb meets the caller's size limit long before it fills the memory.
"""

import zlib
from collections.abc import Generator, Iterator

from ambrotype.core import errors

PIECE = 1 << 20
_GZIP = b"\x1f\x8b"


def coding(header: str | None, host: str) -> str | None:
    """`gzip`, `deflate`, or None where the bytes are plain; `errors.NotMedia` for any other Content-Encoding.

    Final, because the server was asked for plain bytes and will answer the same the next time.
    """
    names = [name for part in (header or "").lower().split(",") if (name := part.strip()) not in ("", "identity")]
    if not names:
        return None
    if names in (["gzip"], ["x-gzip"]):
        return "gzip"
    if names == ["deflate"]:
        return "deflate"
    raise errors.NotMedia(f"{host} sends the file as “{', '.join(names)[:60]}”, which was not asked for.")


class Undo:
    """Turns the pieces of a gzip or deflate body into plain ones of at most 1 MiB."""

    def __init__(self, name: str, host: str) -> None:
        self._name = name
        self._host = host
        self._held = b""
        self._running: zlib._Decompress | None = None
        self._begun = self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The plain bytes of the next piece.

        Raises `errors.NotMedia` if it never was this coding, `errors.DigestMismatch` if it is damaged.
        """
        data, self._held = self._held + data, b""
        while data:
            if self._running is None:
                if len(data) < 2:
                    self._held = data
                    return
                if self._ended and not (self._name == "gzip" and data.startswith(_GZIP)):
                    return  # padding after the last member
                self._running = zlib.decompressobj(31 if self._name == "gzip" else _deflate_bits(data))
            data = yield from self._unpacked(self._running, data)

    def finish(self) -> None:
        """All bytes were fed: `errors.Truncated` unless the coding's own end was among them."""
        if not self._ended or self._running is not None:
            raise errors.Truncated(f"{self._host} sent a {self._name} body that ends in the middle.")

    def _unpacked(self, running: "zlib._Decompress", data: bytes) -> Generator[bytes, None, bytes]:
        full = True
        while full or (data and not running.eof):
            try:
                plain = running.decompress(data, PIECE)
            except zlib.error:
                raise self._broken() from None
            data, full = running.unconsumed_tail, len(plain) == PIECE
            self._begun = True
            if plain:
                yield plain
        if running.eof:
            self._running, self._ended = None, True
            return running.unused_data
        return b""

    def _broken(self) -> errors.CaptureFailed:
        if self._begun:
            return errors.DigestMismatch(f"{self._host} sent a {self._name} body that is damaged.")
        return errors.NotMedia(f"{self._host} calls the file {self._name}, but it is not.")


def _deflate_bits(data: bytes) -> int:
    """RFC 9110 means zlib's format by `deflate`; many servers send the bare one."""
    wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
