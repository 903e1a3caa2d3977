"""Content Credentials are checked against the file's bytes, offline, in the child that can open nothing."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ambrotype.core import provenance, types
from ambrotype.decoding import decoder, findings
from tests.decoding import credentials
from tests.recipes import containers


@pytest.fixture
def read(reader: decoder.Decoder, tmp_path: Path) -> Callable[[bytes], Awaitable[findings.Credentials]]:
    async def run(data: bytes) -> findings.Credentials:
        path = tmp_path / "bytes"
        path.write_bytes(data)
        found = await reader.credentials(path, types.recognise(data[: types.HEAD_BYTES]))
        assert path.read_bytes() == data
        return found

    return run


FILES: dict[str, Callable[[], bytes]] = {
    "image/png": containers.png,
    "image/jpeg": containers.jpeg,
    "image/webp": containers.webp,
    "video/mp4": lambda: containers.film("mp4", "libx264", {}),
    "audio/wav": lambda: containers.sound("wav", "pcm_s16le", {}),
}


@pytest.mark.parametrize("content_type", FILES)
async def test_a_signed_file_is_valid_and_says_who_made_it(
    content_type: str, read: Callable[[bytes], Awaitable[findings.Credentials]]
) -> None:
    found = await read(credentials.signed(FILES[content_type](), content_type))
    assert found.state == "valid"
    origin = provenance.of([], None, c2pa=found.state, manifests=found.manifests)
    assert origin.provenance.digital_source_type == "trainedAlgorithmicMedia"
    assert origin.provenance.generator == "Fox Maker 1.0"


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg"])
async def test_one_changed_byte_makes_it_invalid(
    content_type: str, read: Callable[[bytes], Awaitable[findings.Credentials]]
) -> None:
    data = bytearray(credentials.signed(FILES[content_type](), content_type))
    data[-20] ^= 1
    found = await read(bytes(data))
    assert found.state == "invalid"
    assert found.detail is not None
    assert "dataHash" in found.detail


@pytest.mark.parametrize("content_type", FILES)
async def test_a_file_without_any_has_none(
    content_type: str, read: Callable[[bytes], Awaitable[findings.Credentials]]
) -> None:
    assert (await read(FILES[content_type]())).state == "absent"


async def test_a_broken_manifest_is_invalid(read: Callable[[bytes], Awaitable[findings.Credentials]]) -> None:
    assert (await read(containers.png((b"caBX", b"not a manifest")))).state == "invalid"


async def test_a_manifest_elsewhere_is_never_fetched(read: Callable[[bytes], Awaitable[findings.Credentials]]) -> None:
    packet = containers.xmp(
        "", 'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="http://127.0.0.1:9/m.c2pa"'
    )
    found = await read(containers.png(containers.international("XML:com.adobe.xmp", packet)))
    assert found.state == "present"
