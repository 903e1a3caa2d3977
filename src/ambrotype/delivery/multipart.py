"""Several ranges in one body: multipart/byteranges (RFC 9110, section 14.6)."""

import secrets
from collections.abc import Sequence

from ambrotype.delivery import ranges

Piece = bytes | ranges.Range
"""Bytes to send as they are, or a range of the file."""


def boundary() -> str:
    """128 random bits: that a file contains them is as likely as guessing a key."""
    return secrets.token_hex(16)


def pieces(wanted: Sequence[ranges.Range], *, size: int, content_type: str, boundary: str) -> tuple[Piece, ...]:
    """The body for these ranges of a file of `size` bytes, in order; its length is `length(pieces)`."""
    body: list[Piece] = []
    for count, one in enumerate(wanted):
        about = f"Content-Type: {content_type}\r\nContent-Range: {one.content_range(size)}"
        head = f"--{boundary}\r\n{about}\r\n\r\n"
        body += [("\r\n" * bool(count) + head).encode("latin-1"), one]
    body.append(f"\r\n--{boundary}--\r\n".encode("latin-1"))
    return tuple(body)


def length(body: Sequence[Piece]) -> int:
    """In bytes."""
    return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in body)
