"""A refusal says why: expired, forbidden and gone are different facts. Waiting times are believed within reason."""

import asyncio
import gzip

import pytest

from ambrotype.capture import fetch
from ambrotype.core import errors
from tests.capture import sources

EXPIRED = [
    (
        "403 Forbidden",
        "<Error><Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>60",
    ),
    ("400 Bad Request", "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message>"),
    (
        "400 Bad Request",
        "<Code>ExpiredToken</Code><Details>Request signature expired at: 2026-01-01T00:00:00",
    ),
    (
        "403 Server failed to authenticate the request.",
        "\ufeff<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Signature not valid in the "
        "specified time frame: Start [Thu, 01 Jan 2026 00:00:00 GMT] - Expiry [Thu, 01 Jan 2026 01:00:00 GMT]",
    ),
    ("403 Forbidden", '{"Code":"AccessDenied","Message":"Request has expired","RequestId":"x"}'),
    (
        "403 Forbidden",
        "<Code>SecurityTokenExpired</Code><Message>The security token you provided has expired.",
    ),
    (
        "400 Bad Request",
        '{"statusCode":"400","error":"InvalidJWT","message":"\\"exp\\" claim timestamp check failed"}',
    ),
    ("400 Bad Request", '{"statusCode":"400","error":"InvalidJWT","message":"jwt expired"}'),
    ("403 Forbidden", "<h1>URL expired</h1>"),
    ("403 Forbidden", "This link has expired."),
    ("401 Unauthorized", "signed url is expired"),
]
DENIED = [
    ("403 Forbidden", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"),
    (
        "403 Forbidden",
        "<Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match",
    ),
    ("403 Forbidden", "<Code>RequestTimeTooSkewed</Code>"),
    ("401 Unauthorized", '{"error":"invalid api key"}'),
    ("403 Forbidden", "<Expires>2026</Expires>"),
    ("403 Forbidden", ""),
]


async def failure(answer: bytes | sources.Answer) -> errors.CaptureFailed:
    async with (
        sources.serving(sources.always(answer) if isinstance(answer, bytes) else answer) as server,
        fetch.Fetcher(sources.LIMITS, user_agent="test") as fetcher,
    ):
        with pytest.raises(errors.CaptureFailed) as caught:
            await sources.download(fetcher, server.source("/f?sig=secret"))
    assert "secret" not in caught.value.detail
    return caught.value


@pytest.mark.parametrize(("status", "body"), EXPIRED)
async def test_a_refusal_that_says_so_means_expired(status: str, body: str) -> None:
    assert type(await failure(sources.reply(body.encode(), status))) is errors.SourceExpired
    packed = sources.reply(gzip.compress(body.encode()), status, Content_Encoding="gzip")
    assert type(await failure(packed)) is errors.SourceExpired


@pytest.mark.parametrize(("status", "body"), DENIED)
async def test_any_other_refusal_is_forbidden(status: str, body: str) -> None:
    assert type(await failure(sources.reply(body.encode(), status))) is errors.SourceForbidden


async def test_of_an_endless_refusal_only_the_beginning_is_read() -> None:
    def endless(body: bytes) -> sources.Answer:
        async def give(request: sources.Request, writer: asyncio.StreamWriter) -> None:
            writer.write(sources.reply(body, "403 No", length=10**9))
            while True:
                writer.write(b"x" * 70_000)
                await writer.drain()

        return give

    assert type(await failure(endless(b"x" * 70_000 + b"Request has expired"))) is errors.SourceForbidden
    assert type(await failure(endless(b"Request has expired. "))) is errors.SourceExpired
    bomb = gzip.compress(bytes(50 << 20))
    assert type(await failure(sources.reply(bomb, "403 No", Content_Encoding="gzip"))) is errors.SourceForbidden


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("999999999", 3600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 31 Dec 2199 23:59:59 GMT", 3600),
        ("soon", None),
        ("-1", None),
        ("99999999999999999999", None),
        ("", None),
    ],
)
async def test_a_waiting_time_is_believed_within_reason(header: str, seconds: float | None) -> None:
    found = await failure(sources.reply(b"", "429 Too Many Requests", Retry_After=header))
    assert isinstance(found, errors.SourceUnreachable)
    assert found.retry_after == seconds


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="fox.png"', "fox.png"),
        ("inline; filename=fox.png", "fox.png"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\fox.png"', "fox.png"),
        ("attachment; filename*=UTF-8''f%C3%BCchse.png", "füchse.png"),
        ("attachment; filename*=nonsense''%ff", "ÿ"),
        ("attachment", None),
        ('attachment; filename=""', None),
        (";;;===", None),
        ('attachment; filename="' + "x" * 1000 + '"', "x" * 255),
    ],
)
async def test_a_file_name_is_reduced_to_a_name(header: str, name: str | None) -> None:
    async with (
        sources.serving(sources.always(sources.reply(b"x", Content_Disposition=header))) as server,
        fetch.Fetcher(sources.LIMITS, user_agent="test") as fetcher,
    ):
        assert (await sources.download(fetcher, server.source())).announced.file_name == name
