"""Answers wishes for renditions: from what is there, by making it here, or by waiting for whoever makes it."""

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator

from ambrotype.core import errors, renditions
from ambrotype.records import database
from ambrotype.records import renditions as rows
from ambrotype.renditions import making

WAIT = 15.0
"""Seconds that a request waits at most."""
MOST_AT_ONCE = 64
"""Pictures in the making in this process; who asks for more is to come back."""
RETRY = 2
RETRY_FILM = 10
"""Seconds to tell in Retry-After."""
POLL = 1.0
PAUSE = 5.0
"""Seconds for which nothing is begun when the store takes nothing."""
MEMORY = 60.0
"""Seconds that a made rendition is remembered; its file never changes, and outlives its row by `making.GRACE`."""
MOST_REMEMBERED = 4096

REASONS: dict[str, type[errors.CaptureFailed]] = {
    reason.code: reason for reason in (errors.NotMedia, errors.UnsupportedType, errors.Truncated, errors.TooLarge)
}

Key = tuple[uuid.UUID, str]


class Rendering:
    """One for a process; belongs to its loop. `close` it at the end."""

    def __init__(self, tools: making.Tools) -> None:
        self._tools = tools
        self._flights: dict[Key, asyncio.Task[rows.Known]] = {}
        self._waiting: dict[Key, set[asyncio.Event]] = {}
        self._remembered: OrderedDict[Key, tuple[float, rows.Known]] = OrderedDict()
        self._touches: set[asyncio.Task[None]] = set()
        self._paused_until = 0.0

    def heard(self, payload: str) -> None:
        """A notification: `{id}/{name}`, or nothing where some may have been missed."""
        for key, events in self._waiting.items():
            if not payload or payload == f"{key[0]}/{key[1]}":
                for event in events:
                    event.set()

    async def get(self, media_id: uuid.UUID, wanted: renditions.Wanted) -> rows.Known:
        """The rendition of a kept item, made if need be; `WAIT` seconds at the most.

        Raises `errors.UnsupportedType`, `errors.NotMedia` and the like for what can't be made, now or remembered from
        before, and `errors.Unavailable` for what is not there yet.
        """
        key = (media_id, wanted.name)
        until, known = self._remembered.get(key, (0.0, None))
        if known is not None and until > time.monotonic():
            return known
        found = await self._find(key)
        if found is not None:
            return self._remember(key, found)
        return self._remember(key, await self._soon(key, wanted))

    async def close(self) -> None:
        """Gives up what is in the making."""
        pending = [*self._flights.values(), *self._touches]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _soon(self, key: Key, wanted: renditions.Wanted) -> rows.Known:
        film = isinstance(wanted, renditions.Film)
        waiting = self._elsewhere(key) if film else asyncio.shield(self._flight(key, wanted))
        try:
            async with asyncio.timeout(WAIT):
                return await waiting
        except TimeoutError:
            after = RETRY_FILM if film else RETRY
            raise errors.Unavailable(
                f"This rendition is being made; try again in {after} seconds.", retry_after=after
            ) from None

    def _flight(self, key: Key, wanted: renditions.Wanted) -> asyncio.Task[rows.Known]:
        """One making for all who ask here; it goes on when they leave."""
        flight = self._flights.get(key)
        if flight is None:
            if self._paused_until > time.monotonic():
                raise errors.Unavailable("Renditions wait for the store, which takes nothing just now.", retry_after=5)
            if len(self._flights) >= MOST_AT_ONCE:
                raise errors.Unavailable(
                    f"Too many renditions are being made just now; try again in {RETRY} seconds.", retry_after=RETRY
                )
            flight = self._flights[key] = asyncio.create_task(self._made(key, wanted))
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def _landed(self, key: Key, done: asyncio.Task[rows.Known]) -> None:
        self._flights.pop(key, None)
        problem = done.exception() if not done.cancelled() else None
        if problem is not None and isinstance(problem.__cause__, errors.StoreUnavailable):
            self._paused_until = time.monotonic() + PAUSE

    async def _made(self, key: Key, wanted: renditions.Wanted) -> rows.Known:
        """Made here, unless another process has it in hand: then what comes of that."""
        media_id, name = key
        with self._ear(key) as event:
            while True:
                event.clear()
                async with self._tools.data.transaction(database.WORKER) as tx:
                    mine = await rows.claim(tx, media_id, name, seconds=making.LEASE)
                    source = await rows.source(tx, media_id)
                if source is None:
                    raise errors.Unavailable("Renditions are made of what is kept; this item is not, yet.")
                if mine is not None:
                    await making.make(self._tools, mine, source, wanted)
                found = await self._find(key)
                if found is not None:
                    return found
                await _heard(event)

    async def _elsewhere(self, key: Key) -> rows.Known:
        """Made by a worker."""
        with self._ear(key) as event:
            async with self._tools.data.transaction(database.WORKER) as tx:
                await rows.wish(tx, *key)
            while True:
                event.clear()
                found = await self._find(key)
                if found is not None:
                    return found
                await _heard(event)

    async def _find(self, key: Key) -> rows.Known | None:
        """What there is of it. Raises the reason where it can't be made."""
        media_id, name = key
        known = await rows.find(self._tools.data.lookup(database.NOBODY), media_id, name)
        if known is None or known.state == "wanted":
            return None
        if known.state == "failed":
            raise REASONS.get(str(known.code), errors.NotMedia)(known.detail or "It can't be made.")
        if known.state == "dropped":
            async with self._tools.data.transaction(database.WORKER) as tx:
                return known if await rows.revive(tx, media_id, name) else None
        if known.idle:
            self._touch(key)
        return known

    def _touch(self, key: Key) -> None:
        async def touch() -> None:
            with contextlib.suppress(errors.AmbrotypeError):
                async with self._tools.data.transaction(database.WORKER) as tx:
                    await rows.used(tx, *key)

        task = asyncio.create_task(touch())
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)

    def _remember(self, key: Key, known: rows.Known) -> rows.Known:
        self._remembered[key] = (time.monotonic() + MEMORY, known)
        self._remembered.move_to_end(key)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return known

    @contextlib.contextmanager
    def _ear(self, key: Key) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[key].discard(event)
            if not self._waiting[key]:
                del self._waiting[key]


async def _heard(event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), POLL)
