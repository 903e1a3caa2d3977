"""Views and egress. No request writes: an API process counts in memory, and adds to the database every few seconds.

A process that is killed loses what it has counted since it last wrote, `EVERY` seconds at the most. While the database is
away the counts wait, of `MOST` items at the most; beyond that, they are dropped.
"""

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import structlog

from ambrotype.core import errors
from ambrotype.delivery import handler

EVERY = 10.0
"""Seconds."""
MOST = 50_000
BATCH = 5_000
"""Items that are written in one transaction."""

Write = Callable[[Sequence[dict[str, Any]]], Awaitable[None]]

log = structlog.get_logger("ambrotype.counting")


@dataclasses.dataclass(slots=True)
class _Count:
    views: int = 0
    bytes: int = 0
    estimated: int = 0


class Counting:
    """The counts of one process."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._counts: dict[uuid.UUID, _Count] = {}

    def count(self, done: handler.Delivered) -> None:
        """Counts a reply: a view where it began the file, and the bytes that left."""
        if done.found is None or not (done.began or done.sent):
            return
        if done.found.id not in self._counts and len(self._counts) >= MOST:
            return
        found = self._counts.setdefault(done.found.id, _Count())
        found.views += done.began
        found.bytes += done.sent
        found.estimated += done.sent if done.estimated else 0

    async def flush(self) -> None:
        """Adds what was counted to the database. What can't be written now is kept for the next time."""
        while self._counts:
            some = list(self._counts)[:BATCH]
            taken = {media_id: self._counts.pop(media_id) for media_id in some}
            try:
                await self._write([{"id": str(one), **dataclasses.asdict(count)} for one, count in taken.items()])
            except BaseException:
                for media_id, count in taken.items():
                    again = self._counts.setdefault(media_id, _Count())
                    again.views += count.views
                    again.bytes += count.bytes
                    again.estimated += count.estimated
                raise

    async def forever(self) -> None:
        """Writes again and again."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.flush()
            except errors.AmbrotypeError as problem:
                log.warning("views and egress are written later", detail=problem.detail)
            except Exception:
                log.exception("views and egress could not be written")


@contextlib.asynccontextmanager
async def running(write: Write) -> AsyncIterator[Counting]:
    """Counts for the length of the block, and writes the rest at its end."""
    counting = Counting(write)
    writing = asyncio.create_task(counting.forever(), name="counting")
    try:
        yield counting
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        try:
            await counting.flush()
        except errors.AmbrotypeError as problem:
            log.warning("views and egress of the last seconds are lost", detail=problem.detail)
