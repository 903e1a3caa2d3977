"""The bytes of a request as they come in."""

import asyncio
from collections.abc import AsyncIterator

from ambrotype.core import errors

PIECE = 512 << 10
"""Bytes that are handed on together: each step to a thread costs."""
SILENCE = 60.0
"""Seconds without a byte after which a client counts as gone."""


class Interrupted(errors.Truncated):
    """The connection ended before the body did."""


async def gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger pieces. What came in before an error is handed on before it."""
    waiting: list[bytes] = []
    size = 0
    try:
        while True:
            chunk = await _next(chunks)
            if chunk is None:
                break
            waiting.append(chunk)
            size += len(chunk)
            if size >= PIECE:
                piece = b"".join(waiting) if len(waiting) > 1 else chunk
                waiting, size = [], 0
                yield piece
    except Interrupted:
        if waiting:
            yield b"".join(waiting)
        raise
    if waiting:
        yield b"".join(waiting)


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(SILENCE):
            return await anext(chunks, None)
    except TimeoutError:
        raise Interrupted(f"Nothing came in for {SILENCE:.0f} seconds; send the rest, or begin again.") from None
