"""A data folder whose database runs while a module's tests do, and a simulated CDN."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ambrotype.records import embedded
from ambrotype.simulator import server
from tests.cli import commands


@pytest.fixture
async def simulator() -> AsyncIterator[server.Simulator]:
    """Its address is allowed by `FETCH_ALLOW=sources(simulator)`."""
    async with server.running() as running:
        yield running


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder to work in, with `library` as its data folder."""
    made = Path(tempfile.mkdtemp(prefix="ambrotype-test-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def library(folder: Path) -> Iterator[Path]:
    """A data folder that a member of its database holds open, so that commands start quickly."""
    data = folder / "library"
    cluster = embedded.Cluster(data)
    cluster.join()
    try:
        assert commands.run("migrate", "--data", data, cwd=folder).code == 0
        yield data
    finally:
        cluster.leave()
