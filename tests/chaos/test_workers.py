"""Several workers, and what may happen to their leases and timetables. One API and database for all; own workers."""

import asyncio
import contextlib
import signal
import uuid
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.chaos import audit, house, processes, sources

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("chaos-workers")]
Workers = Callable[..., processes.Program]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[house.House]:
    async with house.opened(tmp_path_factory.mktemp("workers") / "data") as opened:
        opened.api()
        await opened.ready()
        yield opened


@contextlib.asynccontextmanager
async def _workers(at: house.House, count: int = 0, *, lease: float) -> AsyncIterator[Workers]:
    """Starts workers, `count` of them at once; they are gone at the end, and what was promised is looked over."""
    started = []

    def start(lease: float = lease) -> processes.Program:
        started.append(at.worker(lease=lease, beat=min(lease / 4, 5)))
        return started[-1]

    for _ in range(count):
        start()
    try:
        yield start
        await at.ended()
        await audit.nothing_lost(at)
        assert at.complaints() == []
    finally:
        await at.end(*started)


async def _held(at: house.House, item: uuid.UUID) -> uuid.UUID:
    """The lease under which somebody captures the item, as soon as somebody does."""
    found: list[uuid.UUID] = []

    async def held() -> bool:
        lease = await at.leased(item)
        if lease is not None:
            found.append(lease)
        return bool(found)

    await at.until(held, f"a worker to take {item}")
    return found[0]


async def _elsewhere(at: house.House, item: uuid.UUID, first: uuid.UUID) -> bool:
    """Whether somebody else has the item, or has kept it by now, which takes but a moment."""
    lease = await at.leased(item)
    kept = await at.count("select count(*) from ambrotype.media where id = %(id)s and status = 'kept'", id=item)
    return bool(kept) or lease not in (None, first)


@pytest.mark.parametrize("times", [1, 2], ids=["is overtaken", "ends first"])
async def test_a_worker_that_slept_past_its_lease_does_no_harm(at: house.House, times: int) -> None:
    async with _workers(at, lease=2) as start:
        sleeper = start()
        (item,) = await at.promise(sources.slow(at.simulator, 10 + times, seconds=4, times=times))
        first = await _held(at, item)
        sleeper.signal(signal.SIGSTOP)
        other = start()
        await at.until(lambda: _elsewhere(at, item, first), f"another worker to take {item}")
        sleeper.signal(signal.SIGCONT)
        await at.ended()
        # Both still work: each keeps something while the other one is stopped.
        for program, number in ((other, 20 * times), (sleeper, 20 * times + 1)):
            program.signal(signal.SIGSTOP)
            await at.promise(sources.fast(at.simulator, number))
            await at.ended()
            program.signal(signal.SIGCONT)
        kept = "select count(*) from ambrotype.event where media_id = %(id)s and type = 'media.kept'"
        assert await at.count(kept, id=item) == 1


async def test_a_worker_asked_to_stop_finishes_or_hands_back(at: house.House) -> None:
    async with _workers(at, lease=600) as start:  # whoever takes the captures over does not wait for the lease
        leaver = start()
        short = sources.slow(at.simulator, 51, seconds=3)
        long = sources.slow(at.simulator, 52, seconds=300, times=1)
        finished, handed_back = await at.promise(short, long)
        await _held(at, handed_back)
        await _held(at, finished)
        leaver.signal(signal.SIGTERM)
        start()
        await asyncio.to_thread(leaver.process.wait, 20)
        await at.ended()
        asked = [seen.path for seen in at.simulator.requests if short.file in seen.path]
        assert len(asked) == 1, "a capture that had the time to end was cut off"


async def test_a_killed_worker_s_captures_are_taken_over_after_its_lease(at: house.House) -> None:
    async with _workers(at, lease=2) as start:
        victim = start()
        (item,) = await at.promise(sources.slow(at.simulator, 61, seconds=60, times=1))
        await _held(at, item)
        victim.kill()
        start()


async def test_timetables_changed_and_removed_by_hand_are_made_again(at: house.House) -> None:
    """And three workers share slow captures under leases shorter than these."""
    async with _workers(at, 3, lease=1.5):
        await at.promise(*(sources.slow(at.simulator, 100 + number, seconds=4) for number in range(8)))
        await at.promise(*sources.mix(at.simulator, 10))
        for harm in (
            "delete from ambrotype.capture",
            "update ambrotype.capture set lease = null, lease_until = null",
            "update ambrotype.capture set lease_until = now() - interval '1 hour' where lease is not null",
            "update ambrotype.capture set lease = gen_random_uuid(), lease_until = now() + interval '3 seconds'",
            "delete from ambrotype.capture where lease is not null",
            "delete from ambrotype.worker",
            "delete from ambrotype.capture",
        ):
            await asyncio.sleep(0.3)
            await at.all(harm)
