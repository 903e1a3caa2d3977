"""kill -9 at any moment, of anything: what was acknowledged ends as kept, or as lost with the true reason."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.chaos import audit, house, processes, sources


@contextlib.asynccontextmanager
async def _supervised(at: house.House) -> AsyncIterator[None]:
    supervisor = asyncio.create_task(at.supervise())
    try:
        yield
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)


async def _kills(data: Path, *, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    async with house.opened(data) as at:
        programs = [at.api(), at.worker(), at.worker()]
        await at.ready()

        async def ask() -> None:
            for source in sources.mix(at.simulator, 4 * rounds):
                await at.promise(source)
                await asyncio.sleep(chance.uniform(0, 0.1))

        async with _supervised(at):
            asking = asyncio.create_task(ask())
            for _ in range(rounds):
                await asyncio.sleep(chance.uniform(0.2, 1.2))
                await asyncio.to_thread(_kill, chance.choice([*programs, "postmaster", "postgres", "all"]), at)
            await asking
            known = dict(at.promises)
            assert len(known) == 4 * rounds
            await at.promise(*(source for source in known.values() if source.ends == sources.KEPT))
            assert at.promises == known, "a source that was known became another item"
            await at.ended()
        await audit.nothing_lost(at)


def _kill(victim: processes.Program | str, at: house.House) -> None:
    if isinstance(victim, processes.Program):
        victim.kill()
        return
    database = processes.postgres(at.data)
    for process in database[:1] if victim == "postmaster" else database:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    if victim == "all":
        for program in at.programs:
            program.kill()


async def test_ten_kills_lose_nothing(tmp_path: Path) -> None:
    await _kills(tmp_path / "data", rounds=10, seed=1)


@pytest.mark.soak
async def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    await _kills(tmp_path / "data", rounds=100, seed=2)
