"""A scripted provider, and a library that may ask it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.generations import house as houses
from tests.generations import scripted


@pytest.fixture
async def provider() -> AsyncIterator[scripted.Server]:
    async with scripted.serving() as server:
        yield server


@pytest.fixture
async def house(admin: str, tmp_path: Path, provider: scripted.Server) -> AsyncIterator[houses.House]:
    """Nothing works yet: tests say when."""
    async with houses.opened(admin, tmp_path / "data", provider.adapter()) as opened:
        yield opened


@pytest.fixture
async def hooked(admin: str, tmp_path: Path, provider: scripted.Server) -> AsyncIterator[houses.House]:
    """The same where the provider can report to us: it is asked seldom."""
    adapter = provider.adapter(pace=8.0)
    async with houses.opened(admin, tmp_path / "data", adapter, public_url="http://127.0.0.1:1") as opened:
        yield opened
