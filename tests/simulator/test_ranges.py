"""Ranges and conditions are right at any offset, digests are the file's, and big files stay out of memory."""

import base64
import hashlib
import random

import aiohttp
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambrotype.simulator import crc32c, media, ranges, server

STYLES = ("s3", "tos", "gcs", "cloudfront", "cloudfront-policy", "azure", "replicate", "fal", "public")


@given(size=st.integers(0, 2000), first=st.integers(0, 2500), last=st.integers(0, 2500))
def test_a_range_is_what_slicing_gives(size: int, first: int, last: int) -> None:
    data = bytes(number % 251 for number in range(size))
    try:
        span = ranges.parse(f"bytes={first}-{last}", size)
    except ranges.Unsatisfiable:
        assert first >= size
        return
    if last < first:
        assert span is None
    else:
        assert span is not None
        assert data[span.start : span.end] == data[first : last + 1] != b""


@pytest.mark.parametrize("header", [None, "", "bytes=-", "bytes=5-2", "items=0-1", "bytes=0-1,5-6", "bytes=a-b"])
def test_what_is_no_single_range_asks_for_the_whole(header: str | None) -> None:
    assert ranges.parse(header, 10) is None


@pytest.mark.parametrize("style", STYLES)
async def test_every_style_serves_ranges(style: str, sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    whole, rng = media.picture(7), random.Random(1)
    url = sim.sign(sim.image(7), style=style)
    for _ in range(10):
        start = rng.randrange(len(whole))
        end = rng.randrange(start, len(whole) + 100)
        async with client.get(url, headers={"Range": f"bytes={start}-{end}"}) as response:
            assert response.status == 206
            assert await response.read() == whole[start : end + 1]
            last = min(end, len(whole) - 1)
            assert response.headers["Content-Range"] == f"bytes {start}-{last}/{len(whole)}"
    async with client.get(url, headers={"Range": "bytes=-10"}) as response:
        assert await response.read() == whole[-10:]
    async with client.get(url, headers={"Range": f"bytes={len(whole)}-"}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == f"bytes */{len(whole)}"


async def test_if_range_gives_the_part_for_the_same_file_and_the_whole_for_another(
    sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    url = sim.sign(sim.image(7))
    async with client.get(url) as response:
        etag, modified = response.headers["ETag"], response.headers["Last-Modified"]
        assert response.headers["Accept-Ranges"] == "bytes"
    cases = {etag: 206, modified: 206, '"other"': 200, "W/" + etag: 200, "Thu, 01 Jan 1970 00:00:00 GMT": 200}
    for condition, status in cases.items():
        async with client.get(url, headers={"Range": "bytes=5-", "If-Range": condition}) as response:
            assert response.status == status
            assert await response.read() == media.picture(7)[5 if status == 206 else 0 :]


async def test_if_none_match_and_if_match_are_honoured(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    url = sim.sign(sim.image(7))
    async with client.get(url) as response:
        etag = response.headers["ETag"]
    for headers, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": '"x", W/' + etag}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-Match": etag}, 200),
        ({"If-Match": '"x"'}, 412),
    ):
        async with client.get(url, headers=headers) as response:
            assert response.status == status


async def test_the_digests_are_those_of_the_file(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    whole = media.picture(7)
    md5, sha256 = hashlib.md5(whole), base64.b64encode(hashlib.sha256(whole).digest()).decode()
    crc = base64.b64encode(crc32c.checksum(whole).to_bytes(4, "big")).decode()
    packed = base64.b64encode(md5.digest()).decode()
    expected = {
        "s3": {"ETag": f'"{md5.hexdigest()}"'},
        "tos": {"ETag": f'"{md5.hexdigest()}"'},
        "gcs": {"x-goog-hash": f"crc32c={crc},md5={packed}"},
        "azure": {"Content-MD5": packed},
        "public": {"Content-MD5": packed, "Repr-Digest": f"sha-256=:{sha256}:"},
    }
    for style, headers in expected.items():
        async with client.get(sim.sign(sim.image(7), style=style)) as response:
            assert {name: response.headers[name] for name in headers} == headers


async def test_a_part_does_not_carry_the_content_md5_of_the_whole(
    sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    for style in ("azure", "public"):
        async with client.get(sim.sign(sim.image(7), style=style), headers={"Range": "bytes=0-9"}) as response:
            assert response.status == 206
            assert "Content-MD5" not in response.headers


async def test_connections_are_kept_between_requests(sim: server.Simulator) -> None:
    opened = 0

    async def count(*_: object) -> None:
        nonlocal opened
        opened += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(count)
    async with aiohttp.ClientSession(trace_configs=[trace]) as client:
        for _ in range(5):
            async with client.get(sim.sign(sim.image(7))) as response:
                assert await response.read() == media.picture(7)
    assert opened == 1


async def test_two_gigabytes_are_served_without_being_held(
    sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    size = 2 * 2**30
    url = sim.sign(sim.big_video(size))
    model = media.big_video(size)
    before = psutil.Process().memory_info().rss
    async with client.head(sim.sign(sim.big_video(size), method="HEAD")) as response:
        assert response.headers["Content-Length"] == str(size)
        assert response.headers["ETag"].endswith('-256"')  # a multipart object's: no digest of the whole
    rng = random.Random(1)
    for start in (0, size - 100_000, *(rng.randrange(size - 100_000) for _ in range(20))):
        async with client.get(url, headers={"Range": f"bytes={start}-{start + 99_999}"}) as response:
            assert await response.read() == b"".join(model.pieces(start, 100_000))
    async with client.get(url) as response:
        received = 0
        async for piece in response.content.iter_any():
            received += len(piece)
            if received > 128 * 2**20:
                break
        response.close()
    assert psutil.Process().memory_info().rss - before < 64 * 2**20
