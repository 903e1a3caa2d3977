"""Waiting until an item is settled: kept, or known not to be."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator

from ambrotype.records import database
from ambrotype.records import media as rows

POLL = 1.0


class Settling:
    """Wakes those who wait for an item when the database says that something happened to it."""

    def __init__(self, data: database.Database) -> None:
        self._data = data
        self._waiting: dict[uuid.UUID, set[asyncio.Event]] = {}
        self._everything: set[asyncio.Event] = set()
        self._ears: list[Callable[[str, str], None]] = []

    def heard(self, channel: str, payload: str) -> None:
        """A notification: an item's id, or nothing where some may have been missed."""
        for ear in self._ears:
            ear(channel, payload)
        for event in self._everything:
            event.set()
        for media_id, events in self._waiting.items():
            if not payload or payload == str(media_id):
                for event in events:
                    event.set()

    def tell(self, ear: Callable[[str, str], None]) -> None:
        """Calls `ear` with every notification too: the channel, and what it says or nothing where some were missed."""
        self._ears.append(ear)

    @contextlib.contextmanager
    def anything(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever something happened to any item."""
        event = asyncio.Event()
        self._everything.add(event)
        try:
            yield event
        finally:
            self._everything.discard(event)

    async def wait(self, media_id: uuid.UUID, seconds: float) -> database.Row | None:
        """The item's delivery columns once it is not `keeping` any more, or as they are after so many seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self._ear(media_id) as event:
            while True:
                event.clear()
                async with self._data.transaction(database.NOBODY) as tx:
                    row = await rows.deliverable(tx, media_id)
                left = end - loop.time()
                if row is None or row["status"] != "keeping" or left <= 0:
                    return row
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(left, POLL))

    @contextlib.contextmanager
    def _ear(self, media_id: uuid.UUID) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting.setdefault(media_id, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[media_id].discard(event)
            if not self._waiting[media_id]:
                del self._waiting[media_id]
