"""Disks that are full, and disks that go away: captures pause, say why, and go on by themselves."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

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


async def _keep(at: house.House, start: int, count: int) -> dict[uuid.UUID, sources.Source]:
    wanted = [sources.fast(at.simulator, start + number) for number in range(count - 1)]
    wanted.append(sources.large(at.simulator, start))
    return {await at.promised(source.url): source for source in wanted}


async def test_captures_pause_before_the_disk_is_full_and_urls_are_still_accepted(tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", size=400 * MIB) as disk:
        async with house.opened(disk / "data", min_free=str(150 * MIB)) as at:
            at.api(), at.worker()
            await at.ready()
            promises = await _keep(at, 0, 4)
            await at.ended()
            filler = await asyncio.to_thread(disks.fill, disk, leave=100 * MIB)
            await _captures(at, "paused")
            assert "AMBROTYPE_MIN_FREE" in await _why(at)
            waiting = await _keep(at, 100, 8)
            await asyncio.sleep(3)  # rounds in which a worker that does not pause would keep them
            kept = "select count(*) from ambrotype.media where status <> 'keeping'"
            assert await at.count(kept) == len(promises)
            filler.unlink()
            await _captures(at, "running")
            await at.ended()
            await audit.nothing_lost(at, promises | waiting)
            assert at.complaints() == []


async def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    with disks.small(tmp_path / "disk", size=300 * MIB) as disk:
        async with house.opened(disk / "data", min_free="0") as at:
            at.api(), at.worker()
            await at.ready()
            promises = await _keep(at, 0, 4)
            slow = [sources.slow(at.simulator, 50 + number, seconds=4) for number in range(3)]
            promises |= {await at.promised(source.url): source for source in slow}
            filler = await asyncio.to_thread(disks.fill, disk, leave=0)
            for number in range(100, 110):
                source = sources.large(at.simulator, number)
                found = await at.keep(source.url)
                if found is not None:  # not even a row may fit; then it was not acknowledged
                    promises[found] = source
            await asyncio.sleep(4)
            filler.unlink()
            promises |= await _keep(at, 200, 4)
            await at.ended()
            await audit.nothing_lost(at, promises)


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


@pytest.mark.parametrize("taken_away", [_renamed, _unmounted])
async def test_a_store_that_goes_away_pauses_captures_until_it_is_back(
    tmp_path: Path, taken_away: Callable[[Path, Path], tuple[Callable[[], None], Callable[[], None]]]
) -> None:
    shown = tmp_path / "store"
    shown.mkdir()
    away, back = taken_away(tmp_path / "real", shown)
    try:
        async with house.opened(tmp_path / "data", store_url=f"file://{shown}") as at:
            at.api(), at.worker()
            await at.ready()
            promises = await _keep(at, 0, 4)
            await at.ended()
            slow = [sources.slow(at.simulator, 50 + number, seconds=3) for number in range(6)]
            promises |= {await at.promised(source.url): source for source in slow}
            away()
            promises |= await _keep(at, 100, 6)
            await _captures(at, "paused")
            assert "mount its disk" in await _why(at)
            await asyncio.sleep(3)  # the slow ones end meanwhile
            assert list(shown.iterdir()) == [], "something was written where the store's disk should be"
            back()
            await _captures(at, "running")
            await at.ended()
            await audit.nothing_lost(at, promises, root=shown)
            assert at.complaints() == []
    finally:
        if shown.is_mount():
            disks.unmount(shown)
