"""A real Granian on a Unix socket, with rows and files that a test puts before it."""

import asyncio
import dataclasses
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from ambrotype.delivery import deliverable
from tests.delivery import samples

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass
class House:
    """The server's folder, process and socket."""

    folder: Path
    socket: Path
    process: subprocess.Popen[bytes]

    def put(self, found: deliverable.Deliverable, data: bytes | None = None) -> deliverable.Deliverable:
        """Makes the row known, and its file where there are bytes."""
        if data is not None:
            self.file(found).parent.mkdir(parents=True, exist_ok=True)
            self.file(found).write_bytes(data)
        draft = self.folder / "draft"
        draft.write_bytes(pickle.dumps(found))
        draft.rename(self.folder / "rows" / str(found.id))
        return found

    def keep(self, data: bytes, **changes: object) -> deliverable.Deliverable:
        """A kept item with these bytes."""
        return self.put(samples.kept(data, **changes), data)

    def file(self, found: deliverable.Deliverable) -> Path:
        assert found.bucket is not None
        assert found.path is not None
        return self.folder / "store" / found.bucket / found.path

    def noted(self) -> list[dict[str, object]]:
        """What the server wrote down, oldest first."""
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for another process, which no event here can tell of."""
        while not holds():
            await asyncio.sleep(0.02)

    def open_files(self) -> int:
        """How many files of the store the server has open."""
        family = [
            psutil.Process(self.process.pid),
            *psutil.Process(self.process.pid).children(recursive=True),
        ]
        return sum(file.path.startswith(str(self.folder / "store")) for one in family for file in one.open_files())


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("delivery")
    (folder / "rows").mkdir()
    (folder / "store").mkdir()
    socket = folder / "s"
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asginl",
        "--loop",
        "uvloop",
        "--uds",
        str(socket),
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--workers", "1", "tests.delivery.served:app"],
            cwd=ROOT,
            env={**os.environ, "AMBROTYPE_TEST_FOLDER": str(folder), "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    try:
        while not ready(folder):
            assert process.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.05)
        yield House(folder, socket, process)
    finally:
        process.terminate()
        process.wait(20)


def ready(folder: Path) -> bool:
    return b"Started worker" in (folder / "server.log").read_bytes()


@pytest.fixture
def house(running: House) -> Iterator[House]:
    """The running server, with nothing noted."""
    (running.folder / "log").unlink(missing_ok=True)
    yield running
    (running.folder / "no-waiting").unlink(missing_ok=True)


@pytest.fixture
async def client(house: House):
    connector = aiohttp.UnixConnector(str(house.socket))
    async with aiohttp.ClientSession(connector=connector, base_url="http://media.example") as session:
        yield session
