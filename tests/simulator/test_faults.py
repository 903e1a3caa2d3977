"""Each fault does on the wire what its line in the table says."""

import asyncio
import gzip
import hashlib
import pathlib
import zlib

import aiohttp
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st

from ambrotype.core import errors
from ambrotype.simulator import faults, media, server
from tests.simulator import wire

WHOLE = media.picture(7)
NEXT = media.picture(8)


def faulty(sim: server.Simulator, fault: str, *, style: str = "s3", **options: faults.Value) -> str:
    return sim.sign(sim.image(7), style=style, fault=fault, **options)


# The connection


async def test_drip_sends_small_pieces_with_pauses(sim: server.Simulator) -> None:
    url = faulty(sim, "drip", piece=500, pause=0.01)
    reading = asyncio.create_task(wire.get(url))
    await wire.until(lambda: bool(sim.requests) and sim.requests[0].sent >= 1500)
    assert sim.requests[0].sent % 500 == 0
    assert sim.requests[0].sent < len(WHOLE)
    assert (await reading).body == WHOLE


async def test_cut_ends_after_n_bytes_of_each_answer_and_the_rest_can_be_asked_for(
    sim: server.Simulator,
) -> None:
    url, parts = faulty(sim, "cut", at=4000), b""
    while len(parts) < len(WHOLE):
        got = await wire.get(url, headers={"Range": f"bytes={len(parts)}-"})
        assert got.status == 206
        assert len(got.body) <= 4000
        assert int(got.headers["content-length"]) == len(WHOLE) - len(parts)
        assert "connection" not in got.headers or got.headers["connection"] == "close"
        parts += got.body
    assert parts == WHOLE


async def test_cut_without_ranges_gives_the_beginning_again(sim: server.Simulator) -> None:
    url = faulty(sim, "cut", at=4000, ranges=False)
    for headers in ({}, {"Range": "bytes=4000-"}):
        got = await wire.get(url, headers=headers)
        assert (got.status, got.body) == (200, WHOLE[:4000])
        assert "accept-ranges" not in got.headers
        assert not got.reset


async def test_reset_ends_with_rst_before_or_in_the_body(sim: server.Simulator) -> None:
    at_once = await wire.get(faulty(sim, "reset"))
    assert (at_once.status, at_once.reset) == (0, True)
    later = await wire.get(faulty(sim, "reset", at=500))
    assert later.reset
    assert WHOLE.startswith(later.body)
    assert len(later.body) <= 500


@pytest.mark.parametrize("at", [0, 500])
async def test_hang_is_silent_until_the_client_gives_up(sim: server.Simulator, at: int) -> None:
    reading = asyncio.create_task(wire.get(faulty(sim, "hang", at=at)))
    await wire.until(lambda: bool(sim.requests) and sim.requests[0].sent >= at)
    await asyncio.sleep(0.2)
    assert not reading.done()
    assert not sim.requests[0].finished
    assert sim.requests[0].sent == at
    reading.cancel()
    await wire.until(lambda: sim.requests[0].finished)


async def test_a_hanging_answer_does_not_keep_the_simulator_from_stopping() -> None:
    async with server.running() as simulator:
        reading = asyncio.create_task(wire.get(faulty(simulator, "hang")))
        await wire.until(lambda: bool(simulator.requests))
    assert (await asyncio.wait_for(reading, 10)).status == 0


async def test_short_sends_less_than_announced_and_long_more(sim: server.Simulator) -> None:
    for fault, announced in (("short", len(WHOLE) + 33), ("long", len(WHOLE) - 33)):
        got = await wire.get(faulty(sim, fault, by=33))
        assert got.body == WHOLE
        assert int(got.headers["content-length"]) == announced


async def test_chunked_has_chunks_instead_of_a_length(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    async with client.get(faulty(sim, "chunked")) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in response.headers
        assert await response.read() == WHOLE
    async with client.get(faulty(sim, "chunked", cut=5000)) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_unsized_ends_with_the_connection_only(sim: server.Simulator) -> None:
    for cut, expected in ((-1, WHOLE), (5000, WHOLE[:5000])):
        got = await wire.get(faulty(sim, "unsized", cut=cut))
        assert got.body == expected
        assert {"content-length", "transfer-encoding"}.isdisjoint(got.headers)


@pytest.mark.parametrize("chunks", [True, False])
async def test_endless_does_not_end(sim: server.Simulator, chunks: bool) -> None:
    got = await wire.get(faulty(sim, "endless", chunks=chunks), limit=20_000_000)
    assert len(got.body) > 19_999_000
    assert "content-length" not in got.headers
    assert got.headers.get("transfer-encoding") == ("chunked" if chunks else None)


async def test_headers_are_as_huge_as_wanted(sim: server.Simulator) -> None:
    one = await wire.get(faulty(sim, "headers", size=300_000))
    assert len(one.headers["x-padding-0"]) == 300_000
    many = await wire.get(faulty(sim, "headers", size=300_000, count=3000))
    assert sum(name.startswith("x-padding-") for name in many.headers) == 3000
    assert many.body == WHOLE


# The bytes


async def test_changed_has_another_file_and_etag_after_the_first_cut(sim: server.Simulator) -> None:
    url = faulty(sim, "changed", cut=2000)
    first = await wire.get(url)
    assert first.body == WHOLE[:2000]
    rest = await wire.get(url, headers={"Range": "bytes=2000-", "If-Range": first.headers["etag"]})
    assert (rest.status, rest.body) == (200, NEXT)
    assert rest.headers["etag"] == f'"{hashlib.md5(NEXT).hexdigest()}"' != first.headers["etag"]


async def test_changed_can_ignore_if_range(sim: server.Simulator) -> None:
    url = faulty(sim, "changed", cut=2000, obey=False)
    first = await wire.get(url)
    rest = await wire.get(url, headers={"Range": "bytes=2000-", "If-Range": first.headers["etag"]})
    assert (rest.status, rest.body) == (206, NEXT[2000:])
    assert rest.headers["etag"] != first.headers["etag"]


async def test_shifted_gives_another_range_than_was_asked_for(sim: server.Simulator) -> None:
    url = faulty(sim, "shifted", cut=2000, by=7)
    assert (await wire.get(url)).body == WHOLE[:2000]
    rest = await wire.get(url, headers={"Range": "bytes=2000-"})
    assert (rest.status, rest.body) == (206, WHOLE[2007:])
    assert rest.headers["content-range"] == f"bytes 2007-{len(WHOLE) - 1}/{len(WHOLE)}"


async def test_norange_always_gives_the_whole(sim: server.Simulator) -> None:
    got = await wire.get(faulty(sim, "norange"), headers={"Range": "bytes=10-20"})
    assert (got.status, got.body) == (200, WHOLE)
    assert "accept-ranges" not in got.headers


async def test_gzip_comes_although_identity_was_asked_for(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    async with client.get(faulty(sim, "gzip", style="public")) as response:
        assert response.request_info.headers["Accept-Encoding"] == "identity"
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["ETag"].startswith("W/")
        assert "Content-MD5" not in response.headers
        assert gzip.decompress(await response.read()) == WHOLE


async def test_a_bomb_is_small_on_the_wire_and_large_when_undone(
    sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    async with client.get(faulty(sim, "bomb", size=64 * 2**20)) as response:
        packed = await response.read()
    assert len(packed) < 400_000
    unpacker, size = zlib.decompressobj(31), 0
    for at in range(0, len(packed), 1000):
        size += len(unpacker.decompress(packed[at : at + 1000]))
    assert size == 64 * 2**20
    assert unpacker.eof


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("html", "text/html; charset=utf-8"), ("xml", "application/xml"), ("json", "application/json")],
)
async def test_a_page_is_no_picture_whatever_its_type_says(sim: server.Simulator, kind: str, content_type: str) -> None:
    plain = await wire.get(faulty(sim, "page", kind=kind))
    disguised = await wire.get(faulty(sim, "page", kind=kind, disguised=True))
    assert (plain.status, plain.headers["content-type"]) == (200, content_type)
    assert (disguised.status, disguised.headers["content-type"]) == (200, "image/jpeg")
    assert plain.body == disguised.body
    assert plain.body[:1] in b"<{"


async def test_type_is_wrong_while_the_bytes_are_right(sim: server.Simulator) -> None:
    for given_type, expected in (("text/plain", "text/plain"), ("video/mp4", "video/mp4"), ("", None)):
        got = await wire.get(faulty(sim, "type", value=given_type))
        assert (got.headers.get("content-type"), got.body) == (expected, WHOLE)


@pytest.mark.parametrize(
    ("style", "header"),
    [("s3", "etag"), ("gcs", "x-goog-hash"), ("azure", "content-md5"), ("public", "repr-digest")],
)
async def test_digest_is_wrong_while_the_bytes_are_right(sim: server.Simulator, style: str, header: str) -> None:
    honest = await wire.get(sim.sign(sim.image(7), style=style))
    got = await wire.get(faulty(sim, "digest", style=style))
    assert got.body == honest.body == WHOLE
    assert len(got.headers[header]) == len(honest.headers[header])
    assert got.headers[header] != honest.headers[header]


async def test_truncated_looks_whole_to_http_but_does_not_decode(sim: server.Simulator) -> None:
    got = await wire.get(faulty(sim, "truncated", part=0.4))
    assert got.body == WHOLE[: int(len(WHOLE) * 0.4)]
    assert int(got.headers["content-length"]) == len(got.body)
    assert got.headers["etag"] == f'"{hashlib.md5(got.body).hexdigest()}"'
    with pytest.raises(pyvips.Error):
        pyvips.Image.new_from_buffer(got.body, "", fail_on="truncated").avg()


async def test_empty_is_a_success_without_bytes(sim: server.Simulator) -> None:
    got = await wire.get(faulty(sim, "empty"))
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "0")
    assert got.headers["content-type"] == "image/jpeg"


# The status


@pytest.mark.parametrize("code", [403, 404, 410, 429, 500, 503])
async def test_status_and_retry_after_are_as_wanted(sim: server.Simulator, code: int) -> None:
    plain = await wire.get(faulty(sim, "status", code=code))
    told = await wire.get(faulty(sim, "status", code=code, retry_after=17))
    assert plain.status == told.status == code
    assert plain.headers.get("retry-after") is None
    assert told.headers["retry-after"] == "17"


@pytest.mark.parametrize("style", ["s3", "cloudfront", "azure", "gcs", "replicate", "fal", "public"])
async def test_redirects_lead_to_the_file_after_n_hops(
    sim: server.Simulator, client: aiohttp.ClientSession, style: str
) -> None:
    async with client.get(faulty(sim, "redirect", hops=4, style=style, code=307)) as response:
        assert [step.status for step in response.history] == [307] * 4
        assert await response.read() == WHOLE


async def test_a_redirected_url_lives_no_longer_than_the_first(sim: server.Simulator) -> None:
    got = await wire.get(sim.sign(sim.image(7), ttl=60, fault="redirect"))
    sim.travel(59.9)
    assert (await wire.get(got.headers["location"])).status == 403


async def test_a_loop_does_not_end(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.TooManyRedirects):
        await client.get(faulty(sim, "redirect", to="loop"), max_redirects=20)


async def test_redirects_lead_astray_as_wanted(sim: server.Simulator) -> None:
    for to, location in (
        ("private", "http://10.0.0.1/secret.jpeg"),
        ("metadata", "http://169.254.169.254/latest/meta-data/"),
        ("ftp", "ftp://127.0.0.1/picture.jpeg"),
        ("file", "file:///etc/hostname"),
        ("http://[::1]:22/a?b=c&d=%2F:e", "http://[::1]:22/a?b=c&d=%2F:e"),
    ):
        got = await wire.get(faulty(sim, "redirect", to=to))
        assert (got.status, got.headers["location"]) == (302, location)


async def test_a_redirect_to_another_host_reaches_the_file_under_another_name(sim: server.Simulator) -> None:
    got = await wire.get(faulty(sim, "redirect", to="host"))
    assert got.headers["location"].startswith("http://localhost:")
    assert (await wire.get(got.headers["location"])).body == WHOLE


# All of them


async def test_a_fault_with_times_strikes_the_first_gets_and_then_no_more(sim: server.Simulator) -> None:
    url = faulty(sim, "status", code=503, times=2)
    assert [(await wire.get(url)).status for _ in range(4)] == [503, 503, 200, 200]
    assert (await wire.get(faulty(sim, "status", code=503, times=2))).status == 503  # counted by URL


async def test_head_is_not_counted(sim: server.Simulator) -> None:
    url = faulty(sim, "status", code=503, times=1, style="azure")
    statuses = [(await wire.get(url, method=method)).status for method in ("HEAD", "HEAD", "GET", "GET")]
    assert statuses == [503, 503, 503, 200]


async def test_the_signature_covers_the_fault(sim: server.Simulator) -> None:
    url = faulty(sim, "cut", at=1000)
    assert (await wire.get(url.replace("at%3D1000", "at%3D9999").replace("at=1000", "at=9999"))).status == 403


async def test_an_expired_url_is_expired_whatever_its_fault(sim: server.Simulator) -> None:
    for name in faults.FAULTS:
        url = faulty(sim, name)
        sim.travel(3601)
        assert (await wire.get(url)).status == 403
        sim.travel(-3601)


async def test_a_rate_strikes_about_that_share_and_stops_at_zero(sim: server.Simulator) -> None:
    sim.rate("status", 0.3, code=429)
    url = sim.sign(sim.image(7))
    statuses = [(await wire.get(url)).status for _ in range(200)]
    assert 30 <= statuses.count(429) <= 90
    assert statuses.count(200) == 200 - statuses.count(429)
    sim.rate("status", 0, code=429)
    assert sim.rates() == {}
    assert {(await wire.get(url)).status for _ in range(20)} == {200}


async def test_requests_are_logged_without_their_signatures(sim: server.Simulator) -> None:
    await wire.get(faulty(sim, "cut", at=100), headers={"Range": "bytes=5-", "Cookie": "a=b"})
    (seen,) = sim.requests
    assert (seen.method, seen.status, seen.sent, seen.finished) == ("GET", 206, 100, True)
    assert seen.headers["Range"] == "bytes=5-"
    assert seen.headers["Cookie"] == "a=b"
    assert seen.fault is not None
    assert seen.fault.startswith("cut:at=100")
    assert "Signature" not in repr(seen)


@pytest.mark.parametrize(
    ("fault", "options", "told"),
    [
        ("melt", {}, "No fault 'melt'"),
        ("cut", {"speed": 3}, "no option 'speed'"),
        ("cut", {"at": "far"}, "wants int for 'at'"),
        ("cut", {"ranges": "perhaps"}, "wants bool"),
    ],
)
def test_an_unknown_fault_or_option_is_refused_when_signing(
    sim: server.Simulator, fault: str, options: dict[str, faults.Value], told: str
) -> None:
    with pytest.raises(errors.InvalidRequest, match=told):
        faulty(sim, fault, **options)


def test_options_without_a_fault_are_refused(sim: server.Simulator) -> None:
    with pytest.raises(errors.InvalidRequest, match="without a fault"):
        sim.sign(sim.image(7), at=1000)


async def test_an_unknown_fault_in_a_path_is_a_bad_request(sim: server.Simulator) -> None:
    for path in ("fault/melt/image/9x9/7.jpeg", "fault/cut:at=far/image/9x9/7.jpeg", "fault/", "fault"):
        got = await wire.get(f"{sim.url}/public/{path}")
        assert got.status in (400, 404)


@given(to=st.text(max_size=50), hops=st.integers(), times=st.integers(0, 99))
def test_a_fault_survives_being_written_into_a_path(to: str, hops: int, times: int) -> None:
    spec = faults.make("redirect", to=to, hops=hops, times=times, nonce="x1")
    text = str(spec)
    assert "/" not in text
    assert faults.parse(text) == spec


def test_the_documentation_lists_every_fault_and_each_of_its_options() -> None:
    page = (pathlib.Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name in faults.FAULTS:
        for option in faults.options(name):
            assert f"`{option}`" in rows[name], f"{name} {option}"
        assert faults.sentence(name)
