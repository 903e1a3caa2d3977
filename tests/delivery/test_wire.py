"""Permanent URLs over a real server: bytes, headers, and what becomes of them when something breaks."""

import asyncio
import dataclasses
import datetime
import email
import email.policy
import hashlib
import os
import random
import urllib.parse

import aiohttp
import pytest

from ambrotype.delivery import conditional, signing
from tests.delivery import samples

MIB = 1 << 20
DATA = random.Random(1).randbytes(3 * MIB + 17)
SERVED = ["disk", "plain", "stream", "proxy"]


def url(found, store="disk", query=""):
    return f"/{store}/m/{found.id}/{urllib.parse.quote(found.name)}{query}"


async def get(client, path, method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.request(method, path, headers=named, allow_redirects=False) as reply:
        return reply, await reply.read()


async def done(house, found):
    """What became of the one request for this item: the server tells after the client has its reply."""

    def lines():
        return [one for one in house.noted() if one.get("asked") == str(found.id)]

    await house.until(lambda: bool(lines()))
    return lines()[0]


@pytest.mark.parametrize("store", SERVED)
async def test_a_kept_item_is_its_bytes_and_says_so(house, client, store):
    found = house.keep(DATA)
    reply, body = await get(client, url(found, store))
    assert reply.status == 200
    assert body == DATA
    assert reply.headers["Content-Length"] == str(len(DATA))
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["ETag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert reply.headers["Last-Modified"] == "Sun, 01 Mar 2026 12:30:15 GMT"
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert reply.headers["Content-Disposition"] == 'inline; filename="fox.png"'
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert "Vary" not in reply.headers
    told = {"status": 200, "sent": len(DATA), "estimated": False, "counted": True}
    assert await done(house, found) == {"asked": str(found.id), **told}


@pytest.mark.parametrize("store", SERVED)
async def test_head_is_get_without_the_bytes(house, client, store):
    found = house.keep(DATA)
    given, _ = await get(client, url(found, store))
    head, body = await get(client, url(found, store), "HEAD", Range="bytes=0-1")
    assert (head.status, body) == (200, b"")
    same = {name: value for name, value in given.headers.items() if name != "Date"}
    assert same == {name: value for name, value in head.headers.items() if name != "Date"}


@pytest.mark.parametrize("store", SERVED)
@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, len(DATA)),
        ("bytes=0-0", 0, 1),
        ("bytes=-1", len(DATA) - 1, len(DATA)),
        ("bytes=5-", 5, len(DATA)),
        (f"bytes=0-{len(DATA) * 2}", 0, len(DATA)),
        (f"bytes={MIB - 1}-{MIB}", MIB - 1, MIB + 1),
        (f"bytes={MIB}-{3 * MIB - 1}", MIB, 3 * MIB),
    ],
)
async def test_a_range_is_the_slice(house, client, store, asked, start, end):
    found = house.keep(DATA)
    reply, body = await get(client, url(found, store), Range=asked)
    assert reply.status == 206
    assert body == DATA[start:end]
    assert reply.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert reply.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("store", SERVED)
async def test_random_sets_of_ranges_are_their_slices(house, client, store):
    found = house.keep(DATA)
    dice = random.Random(store)
    for _ in range(12):
        marks = sorted(dice.sample(range(len(DATA)), 2 * dice.randint(2, 8)))
        spans = list(zip(marks[::2], marks[1::2], strict=True))
        dice.shuffle(spans)
        header = "bytes=" + ", ".join(f"{first}-{last}" for first, last in spans)
        reply, body = await get(client, url(found, store), Range=header)
        assert reply.status == 206
        assert int(reply.headers["Content-Length"]) == len(body)
        assert "Content-Range" not in reply.headers
        got = parts(reply.headers["Content-Type"], body)
        assert got == [(f"bytes {a}-{b}/{len(DATA)}", "image/png", DATA[a : b + 1]) for a, b in spans]


def parts(content_type, body):
    """Split by hand, to the byte: a mail parser would forgive wrong framing."""
    kind, _, mark = content_type.partition("; boundary=")
    assert kind == "multipart/byteranges"
    first, *middle, last = body.split(b"--" + mark.encode())
    assert (first, last) == (b"", b"--\r\n")
    found = []
    for part in middle:
        head, _, data = part.partition(b"\r\n\r\n")
        assert data.endswith(b"\r\n")
        named = email.message_from_bytes(head.removeprefix(b"\r\n"), policy=email.policy.HTTP)
        found.append((named["Content-Range"], named["Content-Type"], data[:-2]))
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_range_beyond_the_file_is_416_for_get_only(house, client, method):
    found = house.keep(b"12345")
    reply, _ = await get(client, url(found), method, Range="bytes=5-")
    if method == "HEAD":
        assert reply.status == 200
        return
    assert reply.status == 416
    assert reply.headers["Content-Range"] == "bytes */5"


async def test_what_the_client_has_is_not_sent_again(house, client):
    found = house.keep(DATA)
    tag = conditional.etag(found.sha256)
    reply, body = await get(client, url(found), If_None_Match=f"W/{tag}")
    assert (reply.status, body) == (304, b"")
    assert reply.headers["ETag"] == tag
    assert reply.headers["Cache-Control"].startswith("public")
    assert "Content-Type" not in reply.headers
    reply, _ = await get(client, url(found), If_Match='"other"')
    assert reply.status == 412


async def test_a_range_of_another_version_gets_the_whole_file(house, client):
    found = house.keep(b"12345")
    reply, body = await get(client, url(found), Range="bytes=1-2", If_Range='"other"')
    assert (reply.status, body) == (200, b"12345")
    reply, body = await get(client, url(found), Range="bytes=1-2", If_Range=conditional.etag(found.sha256))
    assert (reply.status, body) == (206, b"23")


async def test_download_and_a_name_beyond_ascii(house, client):
    found = house.keep(b"12345", name="füchse.png")
    reply, _ = await get(client, url(found, query="?download=1"))
    assert reply.headers["Content-Disposition"] == (
        "attachment; filename=\"f_chse.png\"; filename*=UTF-8''f%C3%BCchse.png"
    )


@pytest.mark.parametrize("asked", [None, "bytes=0-", "bytes=2-3"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("store", SERVED)
@pytest.mark.parametrize("fault", ["vanished", "shorter", "longer", "a folder"])
async def test_a_file_that_is_not_as_recorded_is_never_served(house, client, store, fault, method, asked):
    found = house.keep(b"12345")
    file = house.file(found)
    file.unlink()
    if fault == "a folder":
        file.mkdir()
    elif fault != "vanished":
        file.write_bytes(b"1234" if fault == "shorter" else b"123456")
    reply, body = await get(client, url(found, store), method, **({"Range": asked} if asked else {}))
    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) > 0
    assert reply.headers["Cache-Control"] == "no-store"
    assert str(house.folder).encode() not in body
    assert "not as recorded" in (house.folder / "server.log").read_text()


async def test_a_file_behind_a_link_or_outside_of_the_store_is_not_served(house, client):
    secret = house.folder / "secret"
    secret.write_bytes(b"12345")
    link = house.put(samples.kept(b"12345"))
    house.file(link).parent.mkdir(parents=True, exist_ok=True)
    house.file(link).symlink_to(secret)
    outside = house.put(samples.kept(b"12345", path="../../secret"))
    for found in (link, outside):
        for asked in ({}, {"Range": "bytes=1-2"}):
            reply, body = await get(client, url(found), **asked)
            assert reply.status == 503
            assert b"secret" not in body


async def test_a_store_that_is_down_is_503(house, client):
    found = house.put(samples.kept(b"12345", path="down/x.png"), b"12345")
    reply, _ = await get(client, url(found, "stream"))
    assert reply.status == 503


@pytest.mark.parametrize("store", ["plain", "stream"])
async def test_what_breaks_in_the_middle_is_never_taken_for_whole(house, client, store):
    found = house.keep(DATA * 4, path=f"breaks/{store}.png")
    async with client.get(url(found, store), headers={"Range": "bytes=1-"}) as reply:
        assert reply.status == 206
        await reply.content.readexactly(1000)
        os.truncate(house.file(found), 2 * MIB)
        with pytest.raises(aiohttp.ClientPayloadError):
            await reply.read()
    await house.until(lambda: not house.open_files())


async def test_a_client_that_leaves_stops_the_reading_and_closes_the_file(house):
    found = house.put(samples.kept(b"", size=1 << 30), b"")
    os.truncate(house.file(found), 1 << 30)
    reader, writer = await asyncio.open_unix_connection(str(house.socket))
    writer.write(f"GET {url(found)} HTTP/1.1\r\nHost: x\r\nRange: bytes=1-\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 206")
    await reader.readexactly(MIB)
    await house.until(lambda: house.open_files() == 1)
    writer.close()
    await writer.wait_closed()
    await house.until(lambda: not house.open_files())
    told = await done(house, found)
    assert told["status"] == 206
    assert 0 < told["sent"] < 1 << 30


async def test_private_items_are_for_their_owner_and_for_signatures(house, client):
    found = house.keep(b"12345", visibility="private")
    reply, _ = await get(client, url(found))
    assert reply.status == 404
    house.put(dataclasses.replace(found, mine=True))
    reply, body = await get(client, url(found))
    assert (reply.status, body) == (200, b"12345")
    assert reply.headers["Cache-Control"] == "private, max-age=60"
    assert reply.headers["Vary"] == "Authorization, Cookie"


def signed(found, *, ends_in=3600, **params):
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ends_in)
    return "?" + signing.sign(found.id, params, expires_at=ends, keys=samples.KEYS)


async def test_a_signed_url_opens_a_private_item_until_its_end(house, client):
    found = house.keep(b"12345", visibility="private")
    reply, body = await get(client, url(found, query=signed(found)))
    assert (reply.status, body) == (200, b"12345")
    scope, _, age = reply.headers["Cache-Control"].partition(", max-age=")
    assert scope == "private"
    assert 3590 < int(age) <= 7200
    assert "Vary" not in reply.headers
    for query, says in (
        (signed(found) + "&download=1", b"changed"),
        (signed(found, ends_in=-7200), b"ran out"),
    ):
        reply, body = await get(client, url(found, query=query))
        assert reply.status == 403
        assert says in body
    assert (await get(client, url(found, query=signed(found) + "&kid=new")))[0].status == 422


async def test_a_signed_url_of_a_share_ends_with_the_share(house, client):
    found = house.keep(b"12345", visibility="private")
    assert (await get(client, url(found, query=signed(found, share="open"))))[0].status == 200
    reply, body = await get(client, url(found, query=signed(found, share="revoked")))
    assert reply.status == 403
    assert b"share" in body


async def test_a_share_never_gets_a_url_that_could_outlive_it_nor_the_items_name(house, client):
    found = house.keep(b"12345", visibility="private")
    reply, body = await get(client, url(found, "away", signed(found, share="open")))
    assert (reply.status, body) == (200, b"12345")
    assert reply.headers["Cache-Control"] == "private, no-cache"
    assert reply.headers["Content-Disposition"] == f'inline; filename="image-{str(found.id)[-12:]}.png"'


async def test_a_transform_is_served_from_its_rendition(house, client):
    found = house.keep(DATA)
    rendition = house.folder / "store" / "renditions" / f"{found.id}.webp"
    rendition.parent.mkdir(exist_ok=True)
    rendition.write_bytes(b"rendition")
    reply, body = await get(client, url(found, query="?w=400&format=auto"), Accept="image/webp")
    assert (reply.status, body) == (200, b"rendition")
    assert reply.headers["Content-Type"] == "image/webp"
    assert reply.headers["ETag"] == f'"{(b"r" * 32).hex()}"'
    assert reply.headers["Vary"] == "Accept"
    assert {"render": {"w": "400", "format": "auto"}, "accept": "image/webp", "signed": False} in house.noted()


async def test_an_item_asked_for_early_is_waited_for(house, client):
    waiting = house.put(samples.row(status="keeping", visibility="public"))
    asked = asyncio.ensure_future(get(client, url(waiting)))
    await house.until(lambda: {"hurry": str(waiting.id)} in house.noted())
    house.keep(b"12345", id=waiting.id)
    reply, body = await asked
    assert (reply.status, body) == (200, b"12345")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_after_the_wait_the_owner_goes_to_the_source_and_others_come_again(house, client, method):
    (house.folder / "no-waiting").touch()
    mine = house.put(samples.row(status="keeping", mine=True))
    reply, _ = await get(client, url(mine), method)
    assert reply.status == 307
    assert reply.headers["Location"] == mine.source_url
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    other = house.put(samples.row(status="keeping", visibility="unlisted"))
    reply, _ = await get(client, url(other), method)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


async def test_a_client_that_leaves_while_waiting_is_forgotten(house):
    waiting = house.put(samples.row(status="keeping", visibility="public"))
    _, writer = await asyncio.open_unix_connection(str(house.socket))
    writer.write(f"GET {url(waiting)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await house.until(lambda: {"hurry": str(waiting.id)} in house.noted())
    writer.close()
    await writer.wait_closed()
    assert (await done(house, waiting))["status"] == 499


async def test_an_item_that_is_lost_while_waited_for_is_gone(house, client):
    waiting = house.put(samples.row(status="keeping", visibility="public"))
    asked = asyncio.ensure_future(get(client, url(waiting)))
    await house.until(lambda: {"hurry": str(waiting.id)} in house.noted())
    house.put(dataclasses.replace(waiting, status="lost", lost_code="not_media"))
    reply, body = await asked
    assert reply.status == 410
    assert b"not_media" in body


async def test_a_store_that_signs_gets_the_reader_by_redirect(house, client):
    found = house.keep(b"12345", visibility="private")
    reply, body = await get(client, url(found, "away", signed(found, download="1")))
    assert (reply.status, body) == (307, b"")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Location"] == (
        f"https://store.example/media/{found.path}?3600&image/png&attachment;%20filename=%22fox.png%22"
    )
    told = {"status": 307, "sent": 5, "estimated": True, "counted": True}
    assert await done(house, found) == {"asked": str(found.id), **told}


async def test_a_presigned_get_is_not_for_head_and_conditions_come_first(house, client):
    found = house.keep(b"12345")
    reply, _ = await get(client, url(found, "away"), "HEAD")
    assert (reply.status, reply.headers["Content-Length"]) == (200, "5")
    reply, _ = await get(client, url(found, "away"), If_None_Match=conditional.etag(found.sha256))
    assert reply.status == 304


async def test_a_disk_serves_also_where_redirects_are_wanted(house, client):
    found = house.keep(b"12345")
    reply, body = await get(client, url(found, "disk-redirect"))
    assert (reply.status, body) == (200, b"12345")


@pytest.mark.parametrize("query", [{}, {"download": "1"}])
async def test_what_its_owner_sees_in_the_trash_is_for_no_cache_of_others(house, client, query):
    found = house.keep(b"12345", mine=True, deleted_at=samples.KEPT_AT)
    reply, body = await get(client, url(found, query=signed(found, **query) if query else ""))
    assert (reply.status, body) == (200, b"12345")
    assert reply.headers["Cache-Control"] == "private, max-age=60"
    assert reply.headers["Vary"] == "Authorization, Cookie"


@pytest.mark.parametrize("store", SERVED)
async def test_an_empty_file_is_empty(house, client, store):
    found = house.keep(b"")
    reply, body = await get(client, url(found, store))
    assert (reply.status, body, reply.headers["Content-Length"]) == (200, b"", "0")
    assert (await get(client, url(found, store), Range="bytes=0-"))[0].status == 416
    assert house.open_files() == 0


async def test_an_unknown_id_is_404_and_nothing_is_stored(house, client):
    reply, _ = await get(client, url(samples.row()))
    assert reply.status == 404
    assert reply.headers["Cache-Control"] == "no-store"
