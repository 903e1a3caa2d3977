"""Clients that others have written, over a line that is cut and with a server that is killed: equal bytes in the end."""

import asyncio
import contextlib
import hashlib
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from tusclient import client as tus
from tusclient import exceptions

from ambrotype.simulator import media as made
from tests.api import stack as stacks
from tests.chaos import house
from tests.support import cable as cables
from tests.support import server as servers

MIB = 2**20
CHUNK = MIB


def test_curl_sends_a_form(stack: stacks.Stack, tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.write_bytes(made.padded_png(3 * MIB, seed=20))
    done = subprocess.run(
        ["curl", "-sS", f"http://127.0.0.1:{stack.port}/v1/uploads", "-H", f"Authorization: Bearer {servers.KEY}",
         "-F", 'fields={"title": "by curl"}', "-F", f"file=@{path}"],
        capture_output=True, check=True, timeout=stacks.PATIENCE,
    )  # fmt: skip
    (found,) = stack.sql(
        "select m.sha256, t.title, m.name from ambrotype.media m join ambrotype.media_text t on t.media_id = m.id"
        " where t.title = 'by curl'"
    )
    assert found == (hashlib.sha256(path.read_bytes()).digest(), "by curl", "fox.png"), done.stdout


def _uploaded(endpoint: str, path: Path) -> str:
    """As tuspy's users do: the same uploader goes on after each failure."""
    by = tus.TusClient(f"{endpoint}/v1/uploads/resumable", headers={"Authorization": f"Bearer {house.KEY}"})
    url: str | None = None
    end = time.monotonic() + house.PATIENCE
    while True:
        try:
            given: Any = {"url": url} if url is not None else {"metadata": {"filename": "large.mp4"}}
            uploader = by.uploader(str(path), chunk_size=CHUNK, retries=3, retry_delay=1, **given)
            url = uploader.url
            uploader.upload()
        except (exceptions.TusCommunicationError, requests.RequestException, OSError):
            assert time.monotonic() < end, "it never got through"
            time.sleep(0.3)
        else:
            return str(uploader.url)


async def _through(data: Path, path: Path, *, cuts: int, kills: int, pause: float) -> None:
    expected, size = await asyncio.to_thread(_hash, path)
    async with house.opened(data) as at:
        api = at.api()
        await at.ready()
        supervising = asyncio.create_task(at.supervise())
        cable = cables.Cable(int(at.url.rpartition(":")[2]))
        await cable.mend()
        uploading = asyncio.create_task(asyncio.to_thread(_uploaded, cable.endpoint, path))
        done = {"cuts": 0, "kills": 0}
        seen = -1

        async def moved() -> bool:
            nonlocal seen
            (row,) = await at.all(
                "select coalesce(max(received), -1) as n from ambrotype.upload where media_id is null"
            )
            went, seen = int(row["n"]) > seen, max(seen, int(row["n"]))
            return went or uploading.done()

        # Each harm comes after some bytes more are there, so that all of them happen within one upload.
        harms = [
            ("kills" if n % ((cuts + kills) // max(kills, 1)) == 1 and n > 0 else "cuts") for n in range(cuts + kills)
        ]
        for harm in harms:
            await at.until(moved, "the upload to go on")
            if uploading.done():
                break
            if harm == "cuts":
                await cable.cut()
                await asyncio.sleep(pause)
                await cable.mend()
            else:
                await asyncio.to_thread(api.kill)
                await at.ready()
            done[harm] += 1
        where = await uploading
        supervising.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await supervising
        await cable.cut()
        assert sum(done.values()) == len(harms), done
        (item,) = await at.all("select sha256, size from ambrotype.media where status = 'kept'")
        assert (item["size"], item["sha256"]) == (size, expected), where
        assert at.complaints() == []


def _hash(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest(), path.stat().st_size


def _video(path: Path, size: int) -> Path:
    with path.open("wb") as out:
        for piece in made.big_video(size).pieces():
            out.write(piece)
    return path


async def test_tuspy_gets_through_cuts_and_a_kill(tmp_path: Path) -> None:
    path = await asyncio.to_thread(_video, tmp_path / "large.mp4", 24 * MIB)
    await _through(tmp_path / "data", path, cuts=3, kills=1, pause=0.1)


@pytest.mark.soak
async def test_tuspy_gets_a_gigabyte_through_ten_cuts_and_two_kills(tmp_path: Path) -> None:
    path = await asyncio.to_thread(_video, tmp_path / "large.mp4", 1024 * MIB)
    await _through(tmp_path / "data", path, cuts=10, kills=2, pause=0.5)
