"""A download brings the file's bytes or one clear reason, whatever the sender does."""

import asyncio
import dataclasses
import datetime
import gzip
import hashlib
import ssl
import subprocess
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ambrotype.capture import fetch, network
from ambrotype.core import errors
from tests.capture import sources

BODY = sources.noise(3_000_001)
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
async def fetcher() -> AsyncIterator[fetch.Fetcher]:
    async with fetch.Fetcher(sources.LIMITS, user_agent="Ambrotype/test") as made:
        yield made


def limited(**changes: float) -> fetch.Fetcher:
    return fetch.Fetcher(dataclasses.replace(sources.LIMITS, **changes), user_agent="test")  # type: ignore[arg-type]


async def fails(answer: sources.Answer, error: type[errors.CaptureFailed], **limits: float) -> errors.CaptureFailed:
    """The error of a download from a source that answers so."""
    async with sources.serving(answer) as server, limited(**limits) as fetcher:
        with pytest.raises(error) as caught:
            await sources.download(fetcher, server.source("/file?X-Sig=secret"))
    assert "secret" not in str(caught.value)
    assert caught.value.detail.endswith(".")
    return caught.value


async def test_the_bytes_come_in_pieces_of_about_a_mebibyte(fetcher: fetch.Fetcher) -> None:
    async with sources.serving(sources.always(sources.reply(BODY))) as server:
        got = await sources.download(fetcher, server.source())
    assert (got.size, got.sha256) == (len(BODY), SHA)
    assert got.largest <= 3 << 20
    assert got.pieces <= 3


async def test_the_request_asks_for_plain_bytes_and_carries_the_sources_headers(
    fetcher: fetch.Fetcher,
) -> None:
    async with sources.serving(sources.always(sources.reply(b"x"))) as server:
        await sources.download(fetcher, server.source("/a%2Fb?s=%2B", Authorization="Key k"))
    (request,) = server.requests
    assert request.path == "/a%2Fb?s=%2B"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["authorization"] == "Key k"
    assert request.headers["user-agent"] == "Ambrotype/test"
    assert "cookie" not in request.headers


async def test_what_the_answer_announces_is_known_before_the_bytes(fetcher: fetch.Fetcher) -> None:
    answer = sources.reply(
        b"x" * 10,
        Content_Type="Image/PNG; charset=binary",
        Content_Disposition="attachment; filename*=UTF-8''..%2F..%2Fein%20Fuchs%07.png",
        x_amz_expiration='expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="r"',
        Content_MD5="VvBKzY6P8/H0UpzTgv8pzw==",
    )
    async with sources.serving(sources.always(answer)) as server, fetcher.open(server.source()) as found:
        said = found.announced
    assert said.content_type == "image/png"
    assert said.length == 10
    assert said.host == "127.0.0.1"
    assert said.file_name == "ein Fuchs.png"
    assert "2012" in said.expiry_headers["x-amz-expiration"]
    assert [digest.algorithm for digest in said.digests] == ["md5"]


async def test_nothing_announced_is_nothing_claimed(fetcher: fetch.Fetcher) -> None:
    async with sources.serving(sources.always(sources.reply(BODY, length=None))) as server:
        got = await sources.download(fetcher, server.source())
    assert got.sha256 == SHA
    assert got.announced == fetch.Announced(
        host="127.0.0.1", content_type=None, length=None, digests=(), file_name=None, expiry_headers={}
    )


# Content codings that nobody asked for.


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY[:1000]) + gzip.compress(BODY[1000:])),
        ("GZIP, identity", gzip.compress(BODY) + b"\0" * 100),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY, wbits=-15)),
        ("identity", BODY),
    ],
)
async def test_an_encoded_answer_is_undone(fetcher: fetch.Fetcher, coding: str, packed: bytes) -> None:
    async with sources.serving(sources.always(sources.reply(packed, Content_Encoding=coding))) as server:
        got = await sources.download(fetcher, server.source())
    assert (got.size, got.sha256) == (len(BODY), SHA)
    assert got.announced.length == (len(BODY) if coding == "identity" else None)


async def test_an_encoded_answer_that_trickles_in_is_undone(fetcher: fetch.Fetcher) -> None:
    packed = gzip.compress(b"a") + gzip.compress(b"b")

    async def trickle(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(sources.reply(length=len(packed), Content_Encoding="gzip"))
        for place in range(len(packed)):
            writer.write(packed[place : place + 1])
            await writer.drain()
            await asyncio.sleep(0)

    async with sources.serving(trickle) as server:
        assert (await sources.download(fetcher, server.source())).size == 2


async def test_a_bomb_meets_the_size_limit() -> None:
    bomb = gzip.compress(bytes(80 << 20))
    assert len(bomb) < 100_000
    await fails(sources.always(sources.reply(bomb, Content_Encoding="gzip")), errors.TooLarge)


@pytest.mark.parametrize(
    ("coding", "packed", "error"),
    [
        ("br", BODY, errors.NotMedia),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY)), errors.NotMedia),
        ("gzip", BODY, errors.NotMedia),
        ("gzip", gzip.compress(BODY)[:-9], errors.Truncated),
        ("gzip", gzip.compress(BODY)[:-8] + bytes(8), errors.DigestMismatch),
        ("gzip", gzip.compress(b"", mtime=0), errors.NotMedia),
    ],
)
async def test_an_encoded_answer_that_can_not_be_undone_is_refused(
    coding: str, packed: bytes, error: type[errors.CaptureFailed]
) -> None:
    await fails(sources.always(sources.reply(packed, Content_Encoding=coding)), error)


# Sizes.


async def test_a_length_over_the_limit_is_refused_before_the_body() -> None:
    await fails(sources.always(sources.reply(length=10**12)), errors.TooLarge)


async def test_an_endless_body_meets_the_size_limit() -> None:
    async def endless(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(sources.reply(length=None))
        while True:
            writer.write(BODY)
            await writer.drain()

    await fails(endless, errors.TooLarge, max_bytes=10 << 20)


@pytest.mark.parametrize(
    "answer",
    [
        sources.reply(b""),
        sources.reply(b"", length=None),
        sources.reply(b"", "204 No Content", length=None),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_nothing_is_not_media(answer: bytes) -> None:
    await fails(sources.always(answer), errors.NotMedia)


async def test_memory_stays_small_however_the_bytes_are_cut(fetcher: fetch.Fetcher) -> None:
    async def slivers(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(300):
            writer.write(b"1\r\nx\r\n" * 1000)
            await writer.drain()
        for _ in range(100):
            writer.write(b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with sources.serving(slivers) as server, limited(max_bytes=1 << 30) as wide:
        tracemalloc.start()
        try:
            async with wide.open(server.source()) as found:
                sizes = [len(piece) async for piece in found.chunks()]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert sum(sizes) == 300_000 + (100 << 20)
    assert peak < 24 << 20


# Time.


def drip(size: int, pause: float) -> sources.Answer:
    async def give(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(sources.reply(length=10_000_000))
        while True:
            writer.write(bytes(size))
            await writer.drain()
            await asyncio.sleep(pause)

    return give


async def test_a_drip_below_the_least_rate_is_too_slow() -> None:
    error = await fails(drip(10, 0.02), errors.TooSlow, min_rate=100_000, window=0.2)
    assert error.retry


async def test_a_whole_time_is_kept_to() -> None:
    await fails(drip(1000, 0.02), errors.TooSlow, timeout=0.3)


async def test_silence_in_the_middle_is_too_slow() -> None:
    await fails(drip(1000, 60), errors.TooSlow, idle=0.2)


async def test_silence_before_the_answer_is_unreachable() -> None:
    async def silent(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    await fails(silent, errors.SourceUnreachable, idle=0.2)
    await fails(silent, errors.TooSlow, timeout=0.2)


async def test_a_header_that_never_ends_is_unreachable() -> None:
    async def headers(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    await fails(headers, errors.SourceUnreachable, idle=0.5)


async def test_a_slow_consumer_is_not_taken_for_a_slow_source() -> None:
    async with (
        sources.serving(sources.always(sources.reply(BODY * 4))) as server,
        limited(min_rate=50_000_000, window=0.1, idle=0.2) as fetcher,
        fetcher.open(server.source()) as found,
    ):
        total = 0
        async for piece in found.chunks():
            total += len(piece)
            await asyncio.sleep(0.15)
    assert total == 4 * len(BODY)


# Redirects.


def route(**to: str) -> sources.Answer:
    """Redirects by path; any other path has the file."""

    async def give(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        target = to.get(request.path.split("?")[0].strip("/"))
        if target is None:
            writer.write(sources.reply(BODY))
        else:
            writer.write(sources.reply(b"moved", "302 Found", Location=target, Set_Cookie="session=1"))

    return give


async def test_five_redirects_are_followed_without_cookies(fetcher: fetch.Fetcher) -> None:
    async with sources.serving(route(a="b", b="/c", c="./d?x", d="/e", e="/f g")) as server:
        got = await sources.download(fetcher, dataclasses.replace(server.source("/a"), headers={"X-Key": "k"}))
    assert got.sha256 == SHA
    assert [request.path for request in server.requests][:2] == ["/a", "/b"]
    assert not any("cookie" in request.headers for request in server.requests)
    assert all(request.headers["x-key"] == "k" for request in server.requests)


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ({"file": "/b", "b": "/c", "c": "/d", "d": "/e", "e": "/f", "f": "/g"}, errors.TooManyRedirects),
        ({"file": "/b", "b": "/file?X-Sig=secret"}, errors.TooManyRedirects),
        ({"file": "/file?X-Sig=secret"}, errors.TooManyRedirects),
        ({"file": "ftp://source.test/x"}, errors.UnsupportedScheme),
        ({"file": "file:///etc/passwd"}, errors.UnsupportedScheme),
        ({"file": "http://169.254.169.254/latest/meta-data"}, errors.BlockedAddress),
        ({"file": "http://[::1]/"}, errors.BlockedAddress),
        ({"file": "http://127.0.0.1:1/"}, errors.BlockedAddress),
        ({"file": "http://u:secret@source.test/"}, errors.InvalidUrl),
        ({"file": "http://[bad/"}, errors.InvalidUrl),
        ({"file": "/" + "x" * 9000}, errors.InvalidUrl),
    ],
)
async def test_a_redirect_is_judged_like_a_url(to: dict[str, str], error: type[errors.CaptureFailed]) -> None:
    await fails(route(**to), error)


async def test_credentials_stay_with_their_own_origin_even_when_the_way_leads_back() -> None:
    resolver = sources.Names(one_test=[["127.0.0.1"]], two_test=[["127.0.0.1"]])
    to: dict[str, str] = {"same": "/start"}
    async with (
        sources.serving(lambda request, writer: route(**to)(request, writer)) as server,
        fetch.Fetcher(sources.LIMITS, user_agent="test", resolver=resolver) as fetcher,
    ):
        to["start"] = server.url("/away", "two.test")
        to["away"] = server.url("/back", "one.test")
        allowed = network.Allowed.parse(["127.0.0.0/8"])
        source = fetch.Source(url=server.url("/same", "one.test"), allowed=allowed, headers={"Authorization": "s"})
        await sources.download(fetcher, source)
    seen = [(request.path, "authorization" in request.headers) for request in server.requests]
    assert seen == [("/same", True), ("/start", True), ("/away", False), ("/back", False)]


# Refusals and broken protocols.


@pytest.mark.parametrize(
    ("status", "error", "retry"),
    [
        ("401 Unauthorized", errors.SourceForbidden, False),
        ("403 Forbidden", errors.SourceForbidden, False),
        ("404 Not Found", errors.SourceNotFound, False),
        ("410 Gone", errors.SourceNotFound, False),
        ("405 Method Not Allowed", errors.SourceForbidden, False),
        ("451 Unavailable", errors.SourceForbidden, False),
        ("202 Accepted", errors.SourceUnreachable, True),
        ("206 Partial Content", errors.SourceUnreachable, True),
        ("302 Found", errors.SourceUnreachable, True),
        ("304 Not Modified", errors.SourceUnreachable, True),
        ("408 Request Timeout", errors.SourceUnreachable, True),
        ("425 Too Early", errors.SourceUnreachable, True),
        ("429 Too Many Requests", errors.SourceUnreachable, True),
        ("500 Oops", errors.SourceUnreachable, True),
        ("503 Service Unavailable", errors.SourceUnreachable, True),
    ],
)
async def test_each_status_has_its_error(status: str, error: type[errors.CaptureFailed], retry: bool) -> None:
    found = await fails(sources.always(sources.reply(b"", status)), error)
    assert type(found) is error
    assert found.retry is retry


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
        + b"".join(b"X%d: " % n + b"y" * 9000 + b"\r\n" for n in range(9))
        + b"\r\nx",
    ],
)
async def test_what_is_not_proper_http_is_unreachable(answer: bytes) -> None:
    await fails(sources.always(answer), errors.SourceUnreachable)


async def test_a_name_that_is_not_known_and_a_closed_port_are_unreachable() -> None:
    async with sources.serving(sources.always(b"")) as server:
        pass
    async with fetch.Fetcher(sources.LIMITS, user_agent="test", resolver=sources.Names()) as fetcher:
        with pytest.raises(errors.SourceUnreachable, match=r"The name gone\.test"):
            await sources.download(fetcher, fetch.Source(url="http://gone.test/x?secret"))
        with pytest.raises(errors.SourceUnreachable, match="could not be connected"):
            await sources.download(fetcher, server.source())


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=source"
    subprocess.run(
        [
            *command.split(),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


async def test_an_unknown_certificate_is_told_and_a_known_one_is_taken(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    trusting = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    async with sources.serving(sources.always(sources.reply(BODY)), tls=tls) as server:
        async with fetch.Fetcher(sources.LIMITS, user_agent="test") as fetcher:
            with pytest.raises(errors.SourceUnreachable, match=r"certificate of 127\.0\.0\.1"):
                await sources.download(fetcher, server.source())
        async with fetch.Fetcher(sources.LIMITS, user_agent="test", tls=trusting) as fetcher:
            assert (await sources.download(fetcher, server.source())).sha256 == SHA


async def test_a_downgrade_to_http_is_followed_without_credentials(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    trusting = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    async with (
        sources.serving(sources.always(sources.reply(BODY))) as plain,
        sources.serving(route(file=plain.url()), tls=tls) as secure,
        fetch.Fetcher(sources.LIMITS, user_agent="test", tls=trusting) as fetcher,
    ):
        allowed = network.Allowed.parse([f"127.0.0.1:{plain.port}", f"127.0.0.1:{secure.port}"])
        source = fetch.Source(url=secure.url(), allowed=allowed, headers={"Authorization": "s"})
        assert (await sources.download(fetcher, source)).sha256 == SHA
    assert "authorization" in secure.requests[0].headers
    assert "authorization" not in plain.requests[0].headers


# Expiry, as the caller knows it.


@pytest.mark.parametrize("status", ["400 Bad Request", "401 No", "403 Forbidden", "404 Not Found", "410 Gone"])
async def test_a_refusal_after_the_known_expiry_means_expired(fetcher: fetch.Fetcher, status: str) -> None:
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    async with sources.serving(sources.always(sources.reply(b"no", status))) as server:
        with pytest.raises(errors.SourceExpired):
            await sources.download(fetcher, server.source(), expires_at=at, now=lambda: at)
        with pytest.raises((errors.SourceForbidden, errors.SourceNotFound)):
            await sources.download(
                fetcher, server.source(), expires_at=at, now=lambda: at - datetime.timedelta(seconds=1)
            )


async def test_leaving_a_download_early_leaves_nothing_behind(fetcher: fetch.Fetcher) -> None:
    async with sources.serving(sources.always(sources.reply(BODY * 10))) as server:
        for _ in range(3):
            async with fetcher.open(server.source()) as found:
                async for _piece in found.chunks():
                    break
        with pytest.raises(ZeroDivisionError):
            async with fetcher.open(server.source()):
                raise ZeroDivisionError
        assert len(server.requests) == 4
