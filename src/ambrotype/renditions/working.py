"""The worker's share of renditions: what is made at once of whatever is kept, videos, and what was put off."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from ambrotype.core import errors, renditions
from ambrotype.records import database
from ambrotype.records import renditions as rows
from ambrotype.renditions import making

POLL = 5.0
COURTESY = 10.0
"""Seconds that captures go first, at the most, before each video."""

log = structlog.get_logger("ambrotype.renditions")


class Working:
    """Makes wishes come true until cancelled. `wake` may be called from the loop's thread: somebody has wished."""

    def __init__(self, tools: making.Tools, *, eager: Sequence[str], busy: Callable[[], bool]) -> None:
        self._tools = tools
        self._eager = eager
        self._busy = busy
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def at_once(self, media_id: uuid.UUID, file: Path, source_type: str | None) -> None:
        """Thumbnail and poster of a kept item whose `file` is at hand. What fails is recorded or tried again later."""
        async with self._tools.data.transaction(database.WORKER) as tx:
            source = await rows.source(tx, media_id)
        if source is None:
            return
        offered = renditions.offered(source.kind, source.content_type, width=source.width, height=source.height)
        for wanted in (renditions.THUMB, renditions.POSTER):
            if wanted.name not in offered:
                continue
            async with self._tools.data.transaction(database.WORKER) as tx:
                mine = await rows.claim(tx, media_id, wanted.name, seconds=making.LEASE)
            if mine is not None:
                with contextlib.suppress(errors.AmbrotypeError):
                    await making.make(self._tools, mine, source, wanted, file=file, source_type=source_type)
        async with self._tools.data.transaction(database.WORKER) as tx:
            for name in self._eager:
                if name in offered:
                    await rows.wish(tx, media_id, name)

    async def forever(self) -> None:
        while True:
            self._woken.clear()
            more = False
            await self._turn()
            try:
                more = await self.round()
            except errors.Unavailable as problem:
                log.warning("not possible just now", detail=problem.detail)
            except errors.AmbrotypeError:
                more = True  # recorded; the next one may do better
            except Exception:
                log.exception("renditions failed")
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL)

    async def round(self) -> bool:
        """Makes one; whether there was any."""
        async with self._tools.data.transaction(database.WORKER) as tx:
            wish = await rows.next_wish(tx, list(renditions.NAMED))
            if wish is None:
                return False
            mine = await rows.claim(tx, *wish, seconds=making.LEASE)
            source = await rows.source(tx, wish[0])
            if source is None:
                await rows.forget(tx, *wish)
        if mine is not None and source is not None:
            await making.make(self._tools, mine, source, renditions.NAMED[wish[1]])
        return True

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + COURTESY
        while self._busy() and loop.time() < end:
            await asyncio.sleep(0.1)
