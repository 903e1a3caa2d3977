"""Real media once a run, and a decoder of its own for each test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ambrotype.core import types
from ambrotype.decoding import decoder, facts
from tests.decoding import samples


@pytest.fixture(scope="session")
def pictures() -> dict[str, bytes]:
    return samples.pictures()


@pytest.fixture(scope="session")
def films() -> dict[str, bytes]:
    return samples.films()


@pytest.fixture
async def reader() -> AsyncIterator[decoder.Decoder]:
    reader = decoder.Decoder(children=1)
    yield reader
    await reader.close()


@pytest.fixture
def probe(reader: decoder.Decoder, tmp_path: Path) -> Callable[..., object]:
    """Writes bytes to a file and probes it the way a capture does: recognised first, by its head."""

    async def run(data: bytes, *, holes: bool = False) -> facts.Facts:
        path = tmp_path / "bytes"
        path.write_bytes(data)
        return await reader.probe(path, types.recognise(data[: types.HEAD_BYTES]), holes=holes)

    return run
