"""A server, a simulator to capture from, and clients that act for an owner whom no other test knows."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import ambrotype
from ambrotype.simulator import server as simulators
from tests.support.server import Server, server

__all__ = ["server"]


@pytest.fixture
async def sim() -> AsyncIterator[simulators.Simulator]:
    async with simulators.running() as simulator:
        yield simulator


@pytest.fixture
def owner() -> str:
    return f"user:{uuid.uuid4()}"


@pytest.fixture
async def client(server: Server, owner: str) -> AsyncIterator[ambrotype.AsyncClient]:
    async with ambrotype.AsyncClient(server.url, key=server.key, owner=owner) as made:
        yield made


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[ambrotype.Library]:
    async with ambrotype.open(tmp_path / "media", fetch_allow=("127.0.0.0/8",)) as opened:
        yield opened
