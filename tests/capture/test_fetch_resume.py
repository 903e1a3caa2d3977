"""A download that breaks goes on where it broke, or says why it can't, and never mixes two files."""

import asyncio
import dataclasses
import gzip
import hashlib
import re
from collections.abc import AsyncIterator

import pytest

from ambrotype.capture import fetch
from ambrotype.core import errors
from tests.capture import sources

BODY = sources.noise(3_000_001)
SHA = hashlib.sha256(BODY).hexdigest()
OLD = "Wed, 21 Oct 2015 07:28:00 GMT"
NOW = "Fri, 20 Nov 2026 18:00:00 GMT"


@pytest.fixture
async def fetcher() -> AsyncIterator[fetch.Fetcher]:
    async with fetch.Fetcher(sources.LIMITS, user_agent="test") as made:
        yield made


def breaking(body: bytes, at: int, *, every: bool = False, **headers: str) -> sources.Answer:
    """Breaks off after `at` bytes, the first time or `every` time, and honours Range with If-Range."""

    async def give(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        validators = {headers.get("ETag"), headers.get("Last_Modified"), None} - {""}
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        start = int(asked[1]) if asked and request.headers.get("if-range") in validators else 0
        rest = body[start:]
        cut = rest[:at] if every or not asked else rest
        if start:
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            writer.write(sources.reply(cut, "206 Part", length=len(rest), Content_Range=span, **headers))
        else:
            writer.write(sources.reply(cut, length=len(rest), **headers))

    return give


async def test_a_broken_download_goes_on_where_it_broke(fetcher: fetch.Fetcher) -> None:
    async with sources.serving(breaking(BODY, 1_000_000, ETag='"v1"')) as server:
        got = await sources.download(fetcher, server.source("/f", Authorization="s"))
    assert got.sha256 == SHA
    first, second = server.requests
    assert "range" not in first.headers
    assert second.headers["range"] == "bytes=1000000-"
    assert second.headers["if-range"] == '"v1"'
    assert second.headers["authorization"] == "s"


async def test_it_goes_on_as_often_as_it_gets_further(fetcher: fetch.Fetcher) -> None:
    async with sources.serving(breaking(BODY, 200_000, every=True, ETag='"v1"')) as server:
        got = await sources.download(fetcher, server.source())
    assert got.sha256 == SHA
    assert len(server.requests) == 16


async def test_it_gives_up_where_it_gets_no_further(fetcher: fetch.Fetcher) -> None:
    async with sources.serving(breaking(BODY, 10, every=True, ETag='"v1"')) as server:
        with pytest.raises(errors.Truncated) as caught:
            await sources.download(fetcher, server.source())
    assert caught.value.retry
    assert len(server.requests) == 3


async def test_a_date_will_do_where_there_is_no_strong_etag(fetcher: fetch.Fetcher) -> None:
    answer = breaking(BODY, 1_000_000, ETag='W/"v1"', Last_Modified=OLD, Date=NOW)
    async with sources.serving(answer) as server:
        assert (await sources.download(fetcher, server.source())).sha256 == SHA
    assert server.requests[1].headers["if-range"] == OLD


async def test_an_etag_that_shows_only_on_the_rest_is_no_change(fetcher: fetch.Fetcher) -> None:
    first = sources.reply(BODY[:1_000_000], length=len(BODY), Last_Modified=OLD)
    async with sources.serving(sources.in_turn(first, part())) as server:
        assert (await sources.download(fetcher, server.source())).sha256 == SHA


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": 'W/"v1"'},
        {"Last_Modified": NOW, "Date": NOW},
        {"Last_Modified": "yesterday"},
        {"ETag": '"v1"', "Accept_Ranges": "none"},
    ],
)
async def test_without_a_validator_a_broken_download_is_truncated(
    fetcher: fetch.Fetcher, headers: dict[str, str]
) -> None:
    async with sources.serving(breaking(BODY, 1_000_000, **headers)) as server:
        with pytest.raises(errors.Truncated, match="1000000 of 3000001") as caught:
            await sources.download(fetcher, server.source())
    assert caught.value.retry
    assert len(server.requests) == 1


async def test_a_redirected_download_resumes_by_way_of_the_redirect(fetcher: fetch.Fetcher) -> None:
    there = breaking(BODY, 1_000_000, ETag='"v1"')

    async def give(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        if request.path == "/signed":
            await there(request, writer)
        else:
            writer.write(sources.reply(status="307 Over there", Location="/signed"))

    async with sources.serving(give) as server:
        assert (await sources.download(fetcher, server.source("/file"))).sha256 == SHA
    assert [request.path for request in server.requests] == ["/file", "/signed", "/file", "/signed"]


async def test_an_encoded_body_resumes_in_its_middle(fetcher: fetch.Fetcher) -> None:
    packed = gzip.compress(BODY)
    async with sources.serving(breaking(packed, 1_234_567, ETag='"v1"', Content_Encoding="gzip")) as server:
        assert (await sources.download(fetcher, server.source())).sha256 == SHA
    assert len(server.requests) == 2


def broken_off(*, length: int | None = len(BODY), **headers: str) -> bytes:
    return sources.reply(BODY[:1_000_000], length=length, **{"ETag": '"v1"', **headers})


def part(start: int = 1_000_000, end: int | None = None, total: object = len(BODY), **headers: str) -> bytes:
    end = len(BODY) - 1 if end is None else end
    return sources.reply(
        BODY[start : end + 1],
        "206 Part",
        Content_Range=f"bytes {start}-{end}/{total}",
        **{"ETag": '"v1"', **headers},
    )


@pytest.mark.parametrize(
    "second",
    [
        part(total="*"),
        part(end=2_000_000),
        sources.reply(b"", "500 Oops"),
        b"",
    ],
)
async def test_a_second_answer_that_helps_only_in_part_is_followed_by_a_third(
    fetcher: fetch.Fetcher, second: bytes
) -> None:
    async def rest(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) < 3:
            writer.write([broken_off(), second][len(server.requests) - 1])
        else:
            writer.write(part(int(request.headers["range"][6:-1])))

    async with sources.serving(rest) as server:
        assert (await sources.download(fetcher, server.source())).sha256 == SHA


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (part(999_999), errors.SourceChanged),
        (part(1_000_001), errors.SourceChanged),
        (part(total=len(BODY) + 1), errors.SourceChanged),
        (part(total=2_000_000), errors.SourceChanged),
        (part(ETag='"v2"'), errors.SourceChanged),
        (part(Content_Encoding="gzip"), errors.SourceChanged),
        (sources.reply(BODY, "206 Part", ETag='"v1"'), errors.SourceChanged),
        (sources.reply(BODY, "206 Part", Content_Range="bytes x-y/z"), errors.SourceChanged),
        (sources.reply(BODY, ETag='"v2"'), errors.SourceChanged),
        (sources.reply(BODY + b"!", ETag='"v1"'), errors.SourceChanged),
        (sources.reply(BODY, ETag='"v1"'), errors.Truncated),
        (sources.reply(b"", "416 No"), errors.Truncated),
        (sources.reply(b"", "416 No", Content_Range="bytes */5"), errors.SourceChanged),
        (sources.reply(b"", "404 Not Found"), errors.SourceNotFound),
        (sources.reply(b"<Message>Request has expired</Message>", "403 No"), errors.SourceExpired),
        (sources.reply(b"", "503 Busy", Retry_After="7"), errors.SourceUnreachable),
        (sources.reply(status="302 Found", Location="http://169.254.169.254/"), errors.BlockedAddress),
    ],
)
async def test_a_second_answer_that_does_not_fit_ends_the_download(
    fetcher: fetch.Fetcher, second: bytes, error: type[errors.CaptureFailed]
) -> None:
    async with sources.serving(sources.in_turn(broken_off(), second)) as server:
        with pytest.raises(error):
            await sources.download(fetcher, server.source())
    assert len(server.requests) == 2


def chunked(body: bytes, *, whole: bool) -> bytes:
    head = b'HTTP/1.1 200 OK\r\nETag: "v1"\r\nTransfer-Encoding: chunked\r\n\r\n'
    return head + b"%x\r\n" % len(body) + body + b"\r\n" + (b"0\r\n\r\n" if whole else b"")


async def test_a_chunked_body_resumes_too_and_learns_its_length(fetcher: fetch.Fetcher) -> None:
    answers = sources.in_turn(chunked(BODY[:1_000_000], whole=False), part())
    async with sources.serving(answers) as server:
        assert (await sources.download(fetcher, server.source())).sha256 == SHA


async def test_a_chunked_body_that_lacked_only_its_end_is_whole(fetcher: fetch.Fetcher) -> None:
    end = sources.reply(b"", "416 No", Content_Range=f"bytes */{len(BODY)}")
    async with sources.serving(sources.in_turn(chunked(BODY, whole=False), end)) as server:
        assert (await sources.download(fetcher, server.source())).sha256 == SHA


async def test_a_length_that_shows_only_later_is_held_against_the_limit() -> None:
    answers = sources.in_turn(chunked(BODY[:1_000_000], whole=False), part())
    async with (
        sources.serving(answers) as server,
        fetch.Fetcher(dataclasses.replace(sources.LIMITS, max_bytes=2_000_000), user_agent="test") as fetcher,
    ):
        with pytest.raises(errors.TooLarge):
            await sources.download(fetcher, server.source())


async def test_resuming_counts_as_waiting() -> None:
    async def stuck(request: sources.Request, writer: asyncio.StreamWriter) -> None:
        if "range" in request.headers:
            await asyncio.sleep(60)
        writer.write(broken_off())

    async with (
        sources.serving(stuck) as server,
        fetch.Fetcher(dataclasses.replace(sources.LIMITS, timeout=0.5), user_agent="test") as fetcher,
    ):
        with pytest.raises(errors.TooSlow):
            await sources.download(fetcher, server.source())
