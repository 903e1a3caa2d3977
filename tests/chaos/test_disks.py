"""Disks that are full, and disks that go away: captures pause, say why, and go on by themselves."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from tests.chaos import audit, disks, house, sources

MIB = 2**20


async def _captures(at: house.House, state: str) -> None:
    """Waits until the API says so of the captures."""

    async def said() -> bool:
        _, health = await at.ask("GET", "/readyz")
        return health is not None and health["captures"] == state

    await at.until(said, f"captures to be {state}")


async def _why(at: house.House) -> str:
    (row,) = await at.all("select detail from ambrotype.worker where state = 'paused'")
    return str(row["detail"])


def _some(at: house.House, start: int, count: int) -> list[sources.Source]:
    """`count` that are quick to keep; the last one has some megabytes."""
    quick = [sources.fast(at.simulator, start + number) for number in range(count - 1)]
    return [*quick, sources.large(at.simulator, start)]


def _slow(at: house.House, count: int) -> list[sources.Source]:
    return [sources.slow(at.simulator, 50 + number, seconds=3) for number in range(count)]


async def test_captures_pause_before_the_disk_is_full_and_urls_are_still_accepted(tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", size=400 * MIB) as disk:
        async with house.opened(disk / "data", min_free=str(150 * MIB)) as at:
            at.api(), at.worker()
            await at.ready()
            await at.promise(*_some(at, 0, 4))
            await at.ended()
            filler = await asyncio.to_thread(disks.fill, disk, leave=100 * MIB)
            await _captures(at, "paused")
            assert "AMBROTYPE_MIN_FREE" in await _why(at)
            await at.promise(*_some(at, 100, 8))
            await asyncio.sleep(3)  # rounds in which a worker that does not pause would keep them
            assert await at.count("select count(*) from ambrotype.media where status <> 'keeping'") == 4
            filler.unlink()
            await _captures(at, "running")
            await at.ended()
            await audit.nothing_lost(at)
            assert at.complaints() == []


async def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", size=300 * MIB) as disk:
        async with house.opened(disk / "data", min_free="0") as at:
            at.api(), at.worker()
            await at.ready()
            await at.promise(*_some(at, 0, 4))
            await at.promise(*_slow(at, 3))
            filler = await asyncio.to_thread(disks.fill, disk, leave=0)
            for number in range(100, 110):
                await at.offer(sources.large(at.simulator, number))  # not even a row may fit: not acknowledged then
            await asyncio.sleep(4)
            filler.unlink()
            await at.promise(*_some(at, 200, 4))
            await at.ended()
            await audit.nothing_lost(at)


def _renamed(real: Path, shown: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """The store's folder is moved away, and an empty one is found in its place."""

    def away() -> None:
        shown.rename(real)
        shown.mkdir()

    def back() -> None:
        shown.rmdir()
        real.rename(shown)

    return away, back


def _unmounted(real: Path, shown: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """The store's disk is unmounted; what is left is the empty mount point."""
    real.mkdir()
    disks.bind(real, shown)

    def back() -> None:
        disks.bind(real, shown)

    return lambda: disks.unmount(shown), back


async def test_a_store_that_goes_away_pauses_captures_until_it_is_back(tmp_path: Path) -> None:
    shown = tmp_path / "store"
    shown.mkdir()
    away, back = (_unmounted if os.geteuid() == 0 else _renamed)(tmp_path / "real", shown)
    try:
        async with house.opened(tmp_path / "data", store_url=f"file://{shown}") as at:
            at.api(), at.worker()
            await at.ready()
            await at.promise(*_some(at, 0, 4))
            await at.ended()
            await at.promise(*_slow(at, 6))
            away()
            await at.promise(*_some(at, 100, 6))
            await _captures(at, "paused")
            assert "mount its disk" in await _why(at)
            await asyncio.sleep(3)  # the slow ones end meanwhile
            assert list(shown.iterdir()) == [], "something was written where the store's disk should be"
            back()
            await _captures(at, "running")
            await at.ended()
            await audit.nothing_lost(at, root=shown)
            assert at.complaints() == []
    finally:
        if disks.mounted(shown):
            disks.unmount(shown)
