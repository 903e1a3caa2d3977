"""An S3 server that dies in the middle: captures pause, say why, and go on by themselves."""

import asyncio
from pathlib import Path

import pytest

from ambrotype.storage import stores
from tests.chaos import audit, house, sources
from tests.support import ceph as servers


async def test_an_s3_server_that_dies_pauses_captures_until_it_is_back(
    tmp_path: Path, ceph: servers.Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = await asyncio.to_thread(ceph.account)
    for name, value in access.environment.items():
        monkeypatch.setenv(name, value)
    async with house.opened(tmp_path / "data", store_url="s3://{bucket}") as at:
        store = stores.open_store("s3://{bucket}", default_root=tmp_path / "unused", min_free=0)
        try:
            at.api(), at.worker()
            await at.ready()
            await at.promise(*sources.mix(at.simulator, 8))
            slow = [sources.slow(at.simulator, 50 + number, seconds=4) for number in range(6)]
            await at.promise(*slow)
            ceph.kill_gateway()
            try:
                await at.promise(*(sources.fast(at.simulator, 100 + number) for number in range(6)))
                await at.until(lambda: _are(at, "paused"), "captures to pause")
                (row,) = await at.all("select detail from ambrotype.worker where state = 'paused'")
                assert "does not answer" in row["detail"]
            finally:
                ceph.start_gateway()  # not in a thread: the server ends with the thread that started it
            await at.until(lambda: _are(at, "running"), "captures to go on")
            await at.ended()
            await audit.nothing_lost(at, store=store)
            assert at.complaints() == []
        finally:
            await store.close()


async def _are(at: house.House, state: str) -> bool:
    return state in await at.state()
