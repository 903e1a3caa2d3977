"""A simulator on loopback whose clock stands still until a test moves it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from ambrotype.simulator import server


class Clock:
    """Noon of a day in 2026, and a quarter of a second: whole seconds would hide rounding."""

    def __init__(self) -> None:
        self.at = 1_780_000_000.25

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sim(clock: Clock) -> AsyncIterator[server.Simulator]:
    async with server.running(clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    session = aiohttp.ClientSession(
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=30),
        headers={"Accept-Encoding": "identity"},
    )
    async with session:
        yield session
