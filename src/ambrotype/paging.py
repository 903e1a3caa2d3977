"""Lists in Python: iterators that fetch page after page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, Self, TypeVar

from ambrotype.core import errors

T = TypeVar("T")

PAGE = 200
"""Items fetched at once."""

Fetch = Callable[[str | None, int], Awaitable[tuple[list[T], str | None]]]
"""From a cursor (None at first) and how many items, to a page and the cursor of the next one (None at the end)."""


class Listed(AsyncIterator[T], Generic[T]):
    """Items one by one with `async for`, or a page at a time; at most `limit` of them. Fetches when asked."""

    def __init__(self, fetch: Fetch[T], *, limit: int | None = None) -> None:
        if limit is not None and limit < 0:
            raise errors.InvalidRequest(f"limit is {limit}: it must be 0 or more.", pointer="/limit")
        self._fetch = fetch
        self._left = limit
        self._cursor: str | None = None
        self._ended = limit == 0
        self._ready: list[T] = []
        """Fetched and not handed out yet, the next one last."""

    async def page(self) -> list[T]:
        """The next items, some of them; none at the end."""
        ready, self._ready = self._ready[::-1], []
        while not ready and not self._ended:
            most = PAGE if self._left is None else min(PAGE, self._left)
            ready, self._cursor = await self._fetch(self._cursor, most)
            if self._left is not None:
                self._left -= len(ready)
            self._ended = self._cursor is None or self._left == 0
        return ready

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if not self._ready:
            self._ready = (await self.page())[::-1]
            if not self._ready:
                raise StopAsyncIteration
        return self._ready.pop()
