"""Several workers: leases that run out while their captures go on, and workers that are asked to stop."""

import asyncio
import signal
import uuid
from pathlib import Path

import pytest

from tests.chaos import audit, house, sources


async def _held(at: house.House, item: uuid.UUID, *, by_another_than: uuid.UUID | None = None) -> uuid.UUID:
    """The lease under which somebody (else) captures the item, as soon as somebody does."""
    found: list[uuid.UUID] = []

    async def held() -> bool:
        lease = await at.leased(item)
        if lease is not None and lease != by_another_than:
            found.append(lease)
        return bool(found)

    await at.until(held, f"a worker to take {item}")
    return found[0]


async def _kept(at: house.House, item: uuid.UUID) -> None:
    async def kept() -> bool:
        query = "select count(*) from ambrotype.media where id = %(id)s and status = 'kept'"
        return await at.count(query, id=item) == 1

    await at.until(kept, f"{item} to be kept")


@pytest.mark.parametrize("slow_twice", [False, True], ids=["overtaken", "resumes_first"])
async def test_a_worker_that_slept_past_its_lease_does_no_harm(tmp_path: Path, *, slow_twice: bool) -> None:
    async with house.opened(tmp_path / "data") as at:
        at.api()
        sleeper = at.worker(lease=2, beat=0.5)
        await at.ready()
        source = sources.slow(at.simulator, 1, seconds=5, times=2 if slow_twice else 1)
        item = await at.promised(source.url)
        first = await _held(at, item)
        sleeper.signal(signal.SIGSTOP)
        other = at.worker(lease=2, beat=0.5)
        await _held(at, item, by_another_than=first)
        sleeper.signal(signal.SIGCONT)
        await _kept(at, item)
        # Both still work: each keeps something while the other one is stopped.
        promises = {item: source}
        for program, number in ((other, 2), (sleeper, 3)):
            program.signal(signal.SIGSTOP)
            more = sources.fast(at.simulator, number)
            promises[await at.promised(more.url)] = more
            await at.ended()
            program.signal(signal.SIGCONT)
        await audit.nothing_lost(at, promises)
        kept = "select count(*) from ambrotype.event where media_id = %(id)s and type = 'media.kept'"
        assert await at.count(kept, id=item) == 1
        assert at.complaints() == []


async def test_three_workers_share_slow_captures_under_short_leases(tmp_path: Path) -> None:
    async with house.opened(tmp_path / "data") as at:
        at.api()
        for _ in range(3):
            at.worker(lease=1.5, beat=0.4)
        await at.ready()
        promises = {}
        for number in range(12):
            source = sources.slow(at.simulator, number, seconds=4)
            promises[await at.promised(source.url)] = source
        await at.ended()
        await audit.nothing_lost(at, promises)
        assert at.complaints() == []


async def test_a_worker_asked_to_stop_finishes_or_hands_back(tmp_path: Path) -> None:
    async with house.opened(tmp_path / "data") as at:
        at.api()
        leaver = at.worker(lease=600)  # whoever takes the captures over does not wait for the lease
        await at.ready()
        short = sources.slow(at.simulator, 1, seconds=3)
        long = sources.slow(at.simulator, 2, seconds=300, times=1)
        promises = {await at.promised(source.url): source for source in (short, long)}
        finished, handed_back = promises
        lease = await _held(at, handed_back)
        await _held(at, finished)
        leaver.wanted = False
        leaver.signal(signal.SIGTERM)
        at.worker(lease=600)
        await _held(at, handed_back, by_another_than=lease)
        await at.ended()
        await asyncio.to_thread(leaver.process.wait, 20)
        assert leaver.process.returncode in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
        await audit.nothing_lost(at, promises)
        asked = [seen.path for seen in at.simulator.requests]
        assert sum(source.file in path for path in asked for source in [short]) == 1, "a capture that had time was cut"
        assert at.complaints() == []


async def test_a_killed_worker_s_captures_are_taken_over_after_its_lease(tmp_path: Path) -> None:
    async with house.opened(tmp_path / "data") as at:
        at.api()
        victim = at.worker(lease=2, beat=0.5)
        await at.ready()
        source = sources.slow(at.simulator, 1, seconds=60, times=1)
        item = await at.promised(source.url)
        await _held(at, item)
        victim.kill()
        at.worker(lease=2, beat=0.5)
        await at.ended()
        await audit.nothing_lost(at, {item: source})
