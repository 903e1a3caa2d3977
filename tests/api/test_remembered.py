"""What permanent URLs remember is forgotten as soon as it changes."""

import base64

import aiohttp
import pytest

from ambrotype.simulator import media
from tests.support import server as servers


@pytest.fixture
async def http(server: servers.Server) -> aiohttp.ClientSession:
    async with aiohttp.ClientSession(base_url=server.url) as session:
        yield session


async def made(http: aiohttp.ClientSession, server: servers.Server, seed: int, visibility: str) -> tuple[str, str]:
    body = {"data": base64.b64encode(media.picture(seed)).decode(), "visibility": visibility, "again": True}
    async with http.post("/v1/keep", json=body, headers={"Authorization": f"Bearer {server.key}"}) as answer:
        assert answer.status in (200, 201), await answer.text()
        found = await answer.json()
        return found["id"], "/m/" + found["url"].split("/m/")[1]


async def status(http: aiohttp.ClientSession, path: str, key: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with http.get(path, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_an_item_made_private_is_refused_to_those_who_saw_it_a_moment_ago(
    http: aiohttp.ClientSession, server: servers.Server
) -> None:
    media_id, path = await made(http, server, 901, "public")
    for _ in range(3):
        assert await status(http, path) == 200
    headers = {"Authorization": f"Bearer {server.key}"}
    async with http.patch(f"/v1/media/{media_id}", json={"visibility": "private"}, headers=headers) as answer:
        assert answer.status == 200
    seen = [await status(http, path) for _ in range(50)]
    assert seen[-1] == 404
    assert seen.count(200) <= 5  # as long as a notification travels


async def test_a_revoked_key_opens_nothing_that_it_opened_a_moment_ago(
    http: aiohttp.ClientSession, server: servers.Server
) -> None:
    _, path = await made(http, server, 902, "private")
    headers = {"Authorization": f"Bearer {server.key}"}
    async with http.post("/v1/keys", json={"name": "x", "role": "service"}, headers=headers) as answer:
        key = await answer.json()
    for _ in range(3):
        assert await status(http, path, key["key"]) == 200
    async with http.delete(f"/v1/keys/{key['id']}", headers=headers) as answer:
        assert answer.status == 200
    assert await status(http, path, key["key"]) == 401


async def test_what_one_caller_may_see_is_not_remembered_for_another(
    http: aiohttp.ClientSession, server: servers.Server
) -> None:
    _, path = await made(http, server, 903, "private")
    assert await status(http, path, server.key) == 200
    assert await status(http, path) == 404
    assert await status(http, path, server.key) == 200


async def test_what_is_in_the_trash_is_not_served_to_others(
    http: aiohttp.ClientSession, server: servers.Server
) -> None:
    media_id, path = await made(http, server, 904, "public")
    assert await status(http, path) == 200
    async with http.delete(f"/v1/media/{media_id}", headers={"Authorization": f"Bearer {server.key}"}) as answer:
        assert answer.status == 200
    seen = [await status(http, path) for _ in range(50)]
    assert seen[-1] == 404
    assert seen.count(200) <= 5
