"""Memory: a huge file costs no more than a small one, and a long queue no more than a short one."""

import asyncio
import contextlib
from pathlib import Path

import psutil
import pytest

from tests.chaos import audit, house, processes, sources

MIB = 2**20


class Gauge:
    """Looks at the resident memory of a program and its children ten times a second."""

    def __init__(self, program: processes.Program) -> None:
        self.peak = 0
        self._program = program

    def now(self) -> int:
        """Bytes, pages that several of them share counted once for each."""
        size = 0
        for process in self._program.tree():
            with contextlib.suppress(psutil.Error):
                size += process.memory_info().rss
        return size

    async def watch(self) -> None:
        while True:
            self.peak = max(self.peak, self.now())
            await asyncio.sleep(0.1)


def _warming(at: house.House) -> list[sources.Source]:
    """Of every kind one or two, so that all that is ever started runs."""
    files = [at.simulator.video(number) for number in range(4)]
    files += [at.simulator.sound(number) for number in range(2)]
    return [*(sources.of(at.simulator, file) for file in files), *sources.mix(at.simulator, 10)]


_WORK = (
    "select (select count(*) from ambrotype.media where status = 'kept' and inspection = 'pending')"
    " + (select count(*) from ambrotype.rendition where state = 'wanted')"
)


async def _looked(at: house.House) -> None:
    """Returns once everything kept was looked into, and has its thumbnail."""

    async def nothing_left() -> bool:
        return await at.count(_WORK) == 0

    await at.ended()
    await at.until(nothing_left, "inspections and renditions to end")


async def _flat(data: Path, *, huge: int, many: int) -> None:
    async with house.opened(data) as at:
        at.api()
        worker = at.worker(lease=30, beat=8)
        await at.ready()
        await at.promise(*_warming(at))
        await _looked(at)
        gauge = Gauge(worker)

        idle = gauge.now()
        watching = asyncio.create_task(gauge.watch())
        await at.promise(sources.of(at.simulator, at.simulator.big_video(huge)))
        await _looked(at)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert gauge.peak - idle < 64 * MIB

        halves = []
        for half in range(2):
            start = 1000 + half * many // 2
            for number in range(start, start + many // 2, 100):
                urls = [sources.small(at.simulator, number + each) for each in range(min(100, many // 2))]
                await at.promise_all(urls)
            await _looked(at)
            halves.append(gauge.now())
        assert halves[1] - halves[0] < 16 * MIB
        assert len(at.promises) == len(_warming(at)) + 1 + many
        await audit.nothing_lost(at)
        assert at.complaints() == []


async def test_a_large_file_and_a_queue_leave_memory_flat(tmp_path: Path) -> None:
    await _flat(tmp_path / "data", huge=300 * MIB, many=400)


@pytest.mark.soak
async def test_two_gigabytes_and_ten_thousand_urls_leave_memory_flat(tmp_path: Path) -> None:
    await _flat(tmp_path / "data", huge=2 << 30, many=10_000)
