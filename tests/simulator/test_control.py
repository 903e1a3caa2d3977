"""Other processes can sign, look, and set rates and the clock over HTTP; the index page explains it."""

import asyncio

import aiohttp
import pytest
import yarl
from aiohttp import web

from ambrotype.simulator import control, dns, faults, media, server


async def post(client: aiohttp.ClientSession, url: str, document: object) -> tuple[int, dict[str, object]]:
    async with client.post(url, json=document) as response:
        return response.status, await response.json()


async def test_a_url_can_be_signed_over_http(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    asked = {"path": sim.image(7), "style": "azure", "ttl": 60, "fault": "cut", "options": {"at": 100}}
    status, answer = await post(client, f"{sim.url}/_sim/sign", asked)
    assert status == 200
    async with client.get(str(answer["url"])) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    status, answer = await post(client, f"{sim.url}/_sim/sign", {"path": sim.image(7)})
    async with client.get(str(answer["url"])) as response:
        assert await response.read() == media.picture(7)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        {"path": 7},
        {"path": "image/9x9/7.jpeg", "style": "ftp"},
        {"path": "image/9x9/7.jpeg", "at": 100},
        {"path": "image/9x9/7.jpeg", "fault": "melt"},
        {"path": "image/9x9/7.jpeg", "ttl": "long"},
    ],
)
async def test_a_wrong_order_is_refused_with_a_sentence(
    sim: server.Simulator, client: aiohttp.ClientSession, wrong: object
) -> None:
    status, answer = await post(client, f"{sim.url}/_sim/sign", wrong)
    assert status == 400
    assert answer["error"]


async def test_requests_can_be_seen_and_forgotten(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    async with client.get(sim.sign(sim.image(7)), headers={"Range": "bytes=0-9"}) as response:
        await response.read()
    async with client.get(f"{sim.url}/_sim/requests") as response:
        (seen,) = (await response.json())["requests"]
    assert (seen["method"], seen["status"], seen["sent"]) == ("GET", 206, 10)
    assert seen["path"] == "/s3/renders/image/512x512/7.jpeg"
    async with client.delete(f"{sim.url}/_sim/requests") as response:
        assert (await response.json()) == {"requests": []}
    assert not sim.requests


async def test_rates_can_be_set_with_options(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    status, rates = await post(client, f"{sim.url}/_sim/rates", {"status:code=429": 1.0})
    assert (status, list(rates.values())) == (200, [1.0])
    async with client.get(sim.sign(sim.image(7))) as response:
        assert response.status == 429
    assert (await post(client, f"{sim.url}/_sim/rates", {"status:code=429": 0}))[1] == {}
    assert (await post(client, f"{sim.url}/_sim/rates", {"reset": 2}))[0] == 400


async def test_the_clock_can_be_moved(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    url = sim.sign(sim.image(7), ttl=60)
    assert (await post(client, f"{sim.url}/_sim/clock", {"advance": 61}))[0] == 200
    async with client.get(url) as response:
        assert response.status == 403


async def test_every_fault_is_described(sim: server.Simulator, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{sim.url}/_sim/faults") as response:
        listed = await response.json()
    assert list(listed) == list(faults.FAULTS)
    assert listed["cut"]["options"] == {"at": 1000, "ranges": True}
    assert all(fault["does"].endswith(".") for fault in listed.values())


async def test_the_index_names_everything_in_about_thirty_lines(
    sim: server.Simulator, client: aiohttp.ClientSession
) -> None:
    async with client.get(sim.url) as response:
        text = await response.text()
    assert text == control.index(sim)
    assert len(text.splitlines()) <= 35
    assert all(name in text for name in (*faults.FAULTS, *sim.styles))
    urls = [word for word in text.split() if word.startswith(f"{sim.url}/public/")]
    async with client.get(urls[0]) as response:
        assert response.status == 200


async def test_served_by_itself_it_prints_urls_that_work(
    client: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str]
) -> None:
    serving = asyncio.create_task(server.serve(port=0))
    printed = ""
    while "To try" not in printed:
        await asyncio.sleep(0)
        printed += capsys.readouterr().out
    urls = [line.strip() for line in printed.partition("To try")[2].splitlines()[1:]]
    assert len(urls) == 12
    statuses = []
    for url in urls:
        async with client.get(yarl.URL(url, encoded=True)) as response:
            statuses.append(response.status)
    assert statuses == [*[200] * 11, 503]
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_every_route_belongs_to_a_group(sim: server.Simulator) -> None:
    app = server.build_app(sim)
    known = [route for group in server.ROUTES for route in group(sim)]
    served = [route for route in app.router.routes() if route.method != "HEAD"]
    assert len(served) == len(known)
    assert all(isinstance(route, web.RouteDef) for route in known)


@pytest.mark.parametrize("kind", ["image", "video", "sound", "blob", "big_video"])
async def test_each_kind_of_asset_can_be_signed_and_fetched(
    sim: server.Simulator, client: aiohttp.ClientSession, kind: str
) -> None:
    paths = {
        "image": (
            sim.image(3, format="webp", width=64, height=64),
            media.picture(3, format="webp", width=64, height=64),
        ),
        "video": (sim.video(3, seconds=0.5, audio=True), media.video(3, seconds=0.5, audio=True)),
        "sound": (sim.sound(3, format="wav", seconds=0.5), media.sound(3, format="wav", seconds=0.5)),
        "blob": (sim.blob(100_001, seed=3), media.padded_png(100_001, seed=3)),
        "big_video": (sim.big_video(100_001, seed=3), b"".join(media.big_video(100_001, seed=3).pieces())),
    }
    path, expected = paths[kind]
    async with client.get(sim.sign(path)) as response:
        assert await response.read() == expected
        assert (
            response.headers["Content-Type"].split("/")[0]
            == {"image": "image", "video": "video", "sound": "audio", "blob": "image", "big_video": "video"}[kind]
        )


async def test_a_rebinding_name_is_public_at_first_and_private_then() -> None:
    resolver = dns.Rebinding()
    found = [(await resolver.resolve("cdn.example.com", 80))[0]["host"] for _ in range(3)]
    assert found == ["93.184.215.14", "127.0.0.1", "127.0.0.1"]
    assert (await resolver.resolve("other.example.com", 80))[0]["host"] == "93.184.215.14"
    assert resolver.lookups == {"cdn.example.com": 3, "other.example.com": 1}


async def test_a_careless_client_is_rebound_to_loopback(sim: server.Simulator) -> None:
    resolver = dns.Rebinding(first="127.0.0.2")  # loopback too: no test leaves the machine
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
    host = f"cdn.example.com:{sim.url.rsplit(':', 1)[1]}"
    async with aiohttp.ClientSession(connector=connector) as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(sim.sign(sim.image(7), host=host))
        async with client.get(sim.sign(sim.image(7), host=host)) as response:
            assert await response.read() == media.picture(7)
