"""URLs of every style work before their end, stop at it as that vendor's do, and can't be tampered with."""

import datetime
import urllib.parse
import xml.etree.ElementTree as ElementTree

import aiohttp
import pytest
import yarl
from botocore import auth, awsrequest, credentials, signers

from ambrotype.core import errors
from ambrotype.simulator import media, server
from ambrotype.simulator.signing import cloudfront, sigv4
from tests.simulator.conftest import Clock

EXPIRING = ("s3", "tos", "gcs", "cloudfront", "cloudfront-policy", "azure", "replicate", "fal", "wavespeed")
SIGNED = EXPIRING[:6]

# style → status, and the error code in the XML body (None: no XML)
DEAD = {
    "s3": (403, "AccessDenied"),
    "tos": (403, "AccessDenied"),
    "gcs": (400, "ExpiredToken"),
    "cloudfront": (403, "AccessDenied"),
    "cloudfront-policy": (403, "AccessDenied"),
    "azure": (403, "AuthenticationFailed"),
    "replicate": (404, None),
    "fal": (410, None),
    "wavespeed": (403, "AccessDenied"),
}
FORGED = {
    "s3": "SignatureDoesNotMatch",
    "tos": "SignatureDoesNotMatch",
    "gcs": "SignatureDoesNotMatch",
    "cloudfront": "AccessDenied",
    "cloudfront-policy": "AccessDenied",
    "azure": "AuthenticationFailed",
}


async def fetched(client: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    async with client.get(as_it_is(url)) as response:
        return response.status, await response.read()


def as_it_is(url: str) -> yarl.URL:
    """A client that re-quotes a URL would break its signature."""
    return yarl.URL(url, encoded=True)


def code(body: bytes) -> str | None:
    return ElementTree.fromstring(body.decode("utf-8-sig")).findtext("Code")


@pytest.mark.parametrize("style", EXPIRING)
async def test_a_url_works_until_its_last_second_and_is_dead_after_it(
    style: str, sim: server.Simulator, client: aiohttp.ClientSession, clock: Clock
) -> None:
    url = sim.sign(sim.image(7), style=style, ttl=60)
    assert await fetched(client, url) == (200, media.picture(7))
    clock.at += 59
    assert await fetched(client, url) == (200, media.picture(7))
    clock.at += 1
    status, body = await fetched(client, url)
    assert (status, code(body) if DEAD[style][1] else None) == DEAD[style]
    clock.at += 1_000_000
    assert (await fetched(client, url))[0] == DEAD[style][0]


@pytest.mark.parametrize("style", ["s3", "tos"])
async def test_s3_and_tos_say_that_the_request_has_expired_and_when(
    style: str, sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    url = sim.sign(sim.image(7), style=style, ttl=60)
    sim.travel(61)
    _, body = await fetched(client, url)
    document = ElementTree.fromstring(body)
    assert document.findtext("Message") == "Request has expired"
    assert document.findtext("Expires") == "2026-05-28T20:27:40Z"
    assert document.findtext("ServerTime") == "2026-05-28T20:27:41Z"


@pytest.mark.parametrize("style", SIGNED)
async def test_a_changed_path_parameter_or_signature_is_refused(
    style: str, sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    url = sim.sign(sim.image(7), style=style, ttl=60)
    path, _, query = url.partition("?")
    forged = [path.replace("/7.jpeg", "/8.jpeg") + "?" + query]
    pairs = urllib.parse.parse_qsl(query)
    for number, (name, value) in enumerate(pairs):
        # Longer lives and other keys; the last character of base64 may hold no bits, so the first is changed.
        other = value.replace("60", "90") if "60" in value else ("B" if value[0] == "A" else "A") + value[1:]
        changed = [*pairs[:number], (name, other), *pairs[number + 1 :]]
        forged.append(path + "?" + urllib.parse.urlencode(changed))
    for attempt in forged:
        status, _ = await fetched(client, attempt)
        assert status == 403, attempt
    status, body = await fetched(client, forged[0])
    assert (status, code(body)) == (403, FORGED[style])


@pytest.mark.parametrize("style", SIGNED)
async def test_without_its_query_a_signed_url_is_refused(
    style: str, sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    status, _ = await fetched(client, sim.sign(sim.image(7), style=style).partition("?")[0])
    assert status == 403


@pytest.mark.parametrize(("style", "missing"), [("replicate", 404), ("fal", 404), ("wavespeed", 403)])
async def test_a_token_opens_its_own_file_only(
    style: str, missing: int, sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    url = sim.sign(sim.image(7), style=style)
    assert "?" not in url
    assert (await fetched(client, url.replace("/7.jpeg", "/8.jpeg")))[0] == missing
    token = url.split("/image/")[0].rsplit("/", 1)[1]
    assert (await fetched(client, url.replace(token, token[::-1])))[0] == missing


@pytest.mark.parametrize("style", ["s3", "tos", "azure", "replicate", "fal"])
async def test_another_simulators_urls_are_refused(style: str, sim: server.Simulator, clock: Clock) -> None:
    async with server.running(clock=clock) as other, aiohttp.ClientSession() as client:
        url = other.sign(other.image(7), style=style, host=sim.url.removeprefix("http://"))
        assert (await fetched(client, url))[0] in (403, 404)


@pytest.mark.parametrize("style", EXPIRING)
@pytest.mark.parametrize("ttl", [0, -5, -3600])
async def test_a_url_can_be_born_dead(
    style: str, ttl: int, sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    status, _ = await fetched(client, sim.sign(sim.image(7), style=style, ttl=ttl))
    assert status == DEAD[style][0]


@pytest.mark.parametrize("style", ["s3", "tos", "gcs"])
async def test_a_url_signed_for_get_refuses_head_and_one_signed_for_head_takes_it(
    style: str, sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    async with client.head(as_it_is(sim.sign(sim.image(7), style=style))) as response:
        assert response.status == 403
    async with client.head(as_it_is(sim.sign(sim.image(7), style=style, method="HEAD"))) as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == str(len(media.picture(7)))


@pytest.mark.parametrize("style", ["cloudfront", "cloudfront-policy", "azure", "replicate", "fal", "public"])
async def test_the_other_styles_take_head(style: str, sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    async with client.head(as_it_is(sim.sign(sim.image(7), style=style))) as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == str(len(media.picture(7)))


async def test_urls_signed_by_amazons_own_sdk_are_taken(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    async with server.running() as live:  # botocore signs by the real clock
        live.styles = {**live.styles, "s3": sigv4.s3(access_key="AKIATEST", secret="s3cr3t")}
        key = credentials.Credentials("AKIATEST", "s3cr3t")
        request = awsrequest.AWSRequest(method="GET", url=f"{live.url}/s3/renders/{live.image(7)}")
        auth.S3SigV4QueryAuth(key, "s3", "us-east-1", expires=60).add_auth(request)
        assert await fetched(client, request.url) == (200, media.picture(7))
        live.travel(61)
        assert (await fetched(client, request.url))[0] == 403


async def test_cloudfront_urls_signed_by_amazons_own_sdk_are_taken(
    sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    signer = signers.CloudFrontSigner(cloudfront.KEY_PAIR, cloudfront.sign_bytes)
    end = datetime.datetime.fromtimestamp(sim.now() + 60, datetime.UTC)
    plain = f"{sim.url}/cloudfront/{sim.image(7)}"
    policy = signer.build_policy(f"{sim.url}/cloudfront/*", end)
    for url in (
        signer.generate_presigned_url(plain, date_less_than=end),
        signer.generate_presigned_url(plain, policy=policy),
    ):
        assert await fetched(client, url) == (200, media.picture(7))
        sim.travel(61)
        assert (await fetched(client, url))[0] == 403
        sim.travel(-61)


@pytest.mark.parametrize("style", [*EXPIRING, "public"])
async def test_what_means_nothing_is_missing_in_the_vendors_words(
    style: str, sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    status, _ = await fetched(client, sim.sign("image/one/two.jpeg", style=style))
    assert status == (403 if style.startswith(("cloudfront", "wavespeed")) else 404)


def test_a_signature_for_more_than_seven_days_is_refused(sim: server.Simulator) -> None:
    with pytest.raises(errors.InvalidRequest, match="604800"):
        sim.sign(sim.image(7), style="s3", ttl=604_801)


def test_an_unknown_style_is_named(sim: server.Simulator) -> None:
    with pytest.raises(errors.InvalidRequest, match=r"'ftp'.*s3"):
        sim.sign(sim.image(7), style="ftp")
