"""The clock over one download: how long it may take in all, how long it may be silent, how slow it may be.

One timer of the event loop looks at counters now and then; the path of the bytes itself only adds numbers.
Only time spent waiting for the source counts as its slowness, so a slow disk on this side is never taken for
a slow server.
"""

import asyncio
import collections
from collections.abc import Callable

from ambrotype.core import errors


class Watch:
    """Calls `stop` once a rule is broken; `verdict` then says which."""

    def __init__(
        self,
        *,
        host: str,
        deadline: float,
        idle: float,
        min_rate: float,
        window: float,
        stop: Callable[[], None],
    ) -> None:
        """`deadline` in the loop's time; `idle` and `window` in seconds; `min_rate` in bytes a second."""
        self.verdict: errors.TooSlow | None = None
        self._host, self._deadline, self._idle = host, deadline, idle
        self._min_rate, self._window, self._stop = min_rate, window, stop
        self._loop = asyncio.get_running_loop()
        self._period = min(1.0, idle / 4, window / 4)
        self._since: float | None = None
        self._waited = 0.0
        self._received = 0
        self._marks = collections.deque([(0.0, 0)])
        self._timer = self._next_tick()

    def wait(self) -> None:
        """From now on the source is waited for. Harmless while it already is."""
        if self._since is None:
            self._since = self._loop.time()

    def got(self, size: int) -> None:
        """The source sent `size` bytes, or ended."""
        if self._since is not None:
            self._waited += self._loop.time() - self._since
            self._since = None
        self._received += size

    def close(self) -> None:
        """The download is over."""
        self._timer.cancel()

    def _tick(self) -> None:
        now = self._loop.time()
        self.verdict = self._judged(now)
        if self.verdict is not None:
            self._stop()
            return
        self._timer = self._next_tick()

    def _next_tick(self) -> asyncio.TimerHandle:
        left = max(self._deadline - self._loop.time(), 0.0)
        return self._loop.call_later(min(self._period, left + 0.001), self._tick)

    def _judged(self, now: float) -> errors.TooSlow | None:
        if now >= self._deadline:
            return out_of_time(self._host)
        silent = 0.0 if self._since is None else now - self._since
        if silent > self._idle:
            return errors.TooSlow(f"{self._host} sent nothing for {self._idle:g} seconds.")
        waited = self._waited + silent
        self._marks.append((waited, self._received))
        # The oldest mark kept is the youngest that lies a whole window back: before there is one, grace.
        while len(self._marks) > 1 and waited - self._marks[1][0] >= self._window:
            self._marks.popleft()
        span = waited - self._marks[0][0]
        if span >= self._window and self._received - self._marks[0][1] < self._min_rate * span:
            return errors.TooSlow(
                f"{self._host} sent less than {self._min_rate:g} bytes a second for {self._window:g} seconds."
            )
        return None


def out_of_time(host: str) -> errors.TooSlow:
    """The error for a download that took longer than its whole time."""
    return errors.TooSlow(f"The download from {host} took longer than AMBROTYPE_FETCH_TIMEOUT.")
