"""What every verb without an event loop needs: one in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from ambrotype import paging
from ambrotype.client import asynchronous

T = TypeVar("T")


class Background:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="ambrotype client", daemon=True)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which is cancelled when the waiting is interrupted."""
        if self.loop.is_closed():
            work.close()
            raise RuntimeError("This client is closed.")
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def end(self) -> None:
        """Stops the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Base:
    """A client, and the thread in which its requests are made."""

    def __init__(self, client: asynchronous.AsyncClient) -> None:
        self._client = client
        self._background = Background()

    def _each(self, listed: paging.Listed[T]) -> Iterator[T]:
        while page := self._background.run(listed.page()):
            yield from page
