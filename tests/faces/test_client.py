"""What is particular to HTTP: errors that come back as they were raised, retries, secrets, broken servers."""

import asyncio
import collections
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import web

import ambrotype
from ambrotype.client import asking, problems
from ambrotype.core import errors
from ambrotype.simulator import server as simulators
from tests.support.server import Server

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

ITEM = {
    "id": str(uuid.uuid4()), "owner": "service", "kind": "image", "status": "kept", "source": "generation",
    "url": "http://x/m/1/a.png", "access_url": "http://x/m/1/a.png", "name": "a.png", "visibility": "private",
    "layout": "default", "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z",
}  # fmt: skip


def problem(status: int, code: str, **headers: str) -> web.Response:
    body = orjson.dumps({"code": code, "status": status, "detail": f"It is {code}.", "title": "", "type": ""})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, body=body, content_type="application/problem+json", headers=named)


class Scripted:
    """A server that gives these answers, the last of them for ever; None breaks the connection."""

    def __init__(self, *answers: web.Response | None) -> None:
        self._answers = collections.deque(answers)
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, dict(request.headers)))
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


@contextlib.asynccontextmanager
async def scripted(*answers: web.Response | None) -> AsyncIterator[Scripted]:
    made = Scripted(*answers)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
    finally:
        await runner.cleanup()


def item(**more: Any) -> web.Response:
    return web.Response(body=orjson.dumps({**ITEM, **more}), content_type="application/json")


async def test_an_error_of_the_server_is_the_same_class_here(server: Server, client: ambrotype.AsyncClient) -> None:
    with pytest.raises(errors.NotFound, match="There is no media item"):
        await client.get(uuid.uuid4())
    with pytest.raises(errors.BlockedAddress):
        await client.keep("http://10.0.0.1/a.png")
    with pytest.raises(errors.NotMedia):
        await client.keep(data=b"not a picture")
    with pytest.raises(errors.InvalidRequest, match="AMBROTYPE_FAL_API_KEY"):
        await client.keep(provider="fal", request_id="x")
    async with ambrotype.AsyncClient(server.url, key="amb_wrong") as stranger:
        with pytest.raises(errors.Unauthenticated):
            await stranger.get(uuid.uuid4())
    app_key = await client.create_key("an app", role="app")
    read_key = await client.create_key("a reader", role="read")
    async with ambrotype.AsyncClient(server.url, key=app_key.key) as app:
        with pytest.raises(errors.OwnerRequired):
            await anext(app.list())
        with pytest.raises(errors.Forbidden):
            await anext(app.keys())
    async with ambrotype.AsyncClient(server.url, key=read_key.key, owner="user:7") as reader:
        with pytest.raises(errors.Forbidden):
            await reader.keep("http://127.0.0.1:9/a.png")


async def test_a_trashed_or_clashing_source_is_a_conflict(
    client: ambrotype.AsyncClient, sim: simulators.Simulator
) -> None:
    lost = await client.keep(sim.sign(sim.image(30), ttl=-1))
    other = await client.keep(sim.sign(sim.image(31)))
    await client.settled(lost.id, timeout=60)

    with pytest.raises(errors.Conflict, match=str(other.id)):
        await client.keep_again(lost.id, url=other.source_url)


async def test_owners_are_apart_and_may_have_any_name(server: Server, sim: simulators.Simulator) -> None:
    names = [f"user:{name}-{uuid.uuid4()}" for name in ("zoë", "張", "a")]

    for owner in names:
        async with ambrotype.AsyncClient(server.url, key=server.key, owner=owner) as client:
            made = await client.keep(sim.sign(sim.image(32)))
            assert made.owner == owner
            assert [one.id async for one in client.list()] == [made.id]


def test_every_code_has_its_class() -> None:
    def every(kind: type[errors.AmbrotypeError]) -> list[type[errors.AmbrotypeError]]:
        return [kind, *(one for below in kind.__subclasses__() for one in every(below))]

    for kind in every(errors.AmbrotypeError):
        if "code" in vars(kind):
            error = problems.of_document({"code": kind.code, "detail": "So it is.", "status": 400})
            assert (type(error), error.code, str(error)) == (kind, kind.code, "So it is.")


def test_a_code_of_a_newer_server_is_an_error_that_has_it() -> None:
    error = problems.of_document({"code": "made_up_later", "detail": "Too much.", "status": 403})

    assert (type(error), error.code, error.detail) == (errors.AmbrotypeError, "made_up_later", "Too much.")
    assert errors.AmbrotypeError.code == "internal"


async def test_fields_of_a_newer_server_are_left_out() -> None:
    async with scripted(item(colour="red")) as server, ambrotype.AsyncClient(server.url) as client:
        assert (await client.get(ITEM["id"])).name == "a.png"


@pytest.mark.parametrize(
    "failure", [None, problem(503, "unavailable"), problem(429, "rate_limited"), web.Response(status=502)]
)
async def test_what_may_pass_is_tried_again(failure: web.Response | None) -> None:
    async with scripted(failure, failure, item()) as server, ambrotype.AsyncClient(server.url) as client:
        assert (await client.keep("https://example.com/a.png")).status == "kept"
        assert [method for method, _, _ in server.requests] == ["POST"] * 3


async def test_making_a_key_is_tried_again_as_the_same_request() -> None:
    body = {
        "id": ITEM["id"], "name": "a", "role": "app", "app": "default", "prefix": "amb_", "key": "amb_secret",
        "created_at": ITEM["created_at"], "last_used_at": None, "revoked_at": None,
    }  # fmt: skip
    made = web.Response(status=201, body=orjson.dumps(body))
    async with scripted(None, made) as server, ambrotype.AsyncClient(server.url) as client:
        assert (await client.create_key("a")).key == "amb_secret"
        assert len({headers["Idempotency-Key"] for _, _, headers in server.requests}) == 1


async def test_what_is_wrong_is_not_tried_again() -> None:
    async with scripted(problem(404, "not_found")) as server, ambrotype.AsyncClient(server.url) as client:
        with pytest.raises(errors.NotFound):
            await client.get(ITEM["id"])
        assert len(server.requests) == 1


async def test_what_would_make_a_second_item_is_not_tried_again() -> None:
    async with scripted(None) as server, ambrotype.AsyncClient(server.url) as client:
        with pytest.raises(errors.Unavailable):
            await client.keep("https://example.com/a.png", again=True)
        with pytest.raises(errors.Unavailable):
            await client.keep_many([{"url": "https://example.com/a.png", "again": True}])
        assert len(server.requests) == 2


async def test_trying_again_ends() -> None:
    async with scripted(problem(503, "store_unavailable")) as server, ambrotype.AsyncClient(server.url) as client:
        with pytest.raises(errors.StoreUnavailable):
            await client.get(ITEM["id"])
        assert 1 < len(server.requests) < 10


async def test_a_server_that_asks_for_too_much_patience_is_told_on_at_once() -> None:
    answer = problem(429, "rate_limited", Retry_After="3600")
    async with scripted(answer) as server, ambrotype.AsyncClient(server.url) as client:
        with pytest.raises(ambrotype.AmbrotypeError) as caught:
            await client.get(ITEM["id"])
        assert (caught.value.code, caught.value.retry_after, caught.value.retryable) == ("rate_limited", 3600, True)
        assert len(server.requests) == 1


async def test_no_server_is_one_clear_error() -> None:
    async with ambrotype.AsyncClient("http://127.0.0.1:1", key="amb_secret") as client:
        with pytest.raises(errors.Unavailable, match=r"127\.0\.0\.1:1/v1/keep: no answer") as caught:
            await client.keep("https://example.com/a.png?signature=hidden", again=True)

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(body=b"<html>a login page</html>"),
        web.Response(body=b'{"id": 1}'),
        web.Response(status=404, body=b"<html>no such page</html>"),
        web.Response(status=500, body=b"[]"),
        web.Response(status=302, headers={"Location": "https://elsewhere.example/"}),
    ],
)
async def test_something_else_than_ambrotype_is_told_in_a_sentence(answer: web.Response) -> None:
    async with scripted(answer) as server, ambrotype.AsyncClient(server.url, key="amb_secret") as client:
        with pytest.raises(ambrotype.AmbrotypeError) as caught:
            await client.get(ITEM["id"])
        assert "secret" not in str(caught.value)


async def test_keys_are_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with scripted(item()) as server:
        async with ambrotype.AsyncClient(server.url + "/", key="amb_secret", owner="user:1", app="shop") as client:
            await client.get(ITEM["id"])
            shown = repr(client)
        _, path, headers = server.requests[0]

    assert path == f"/v1/media/{ITEM['id']}"
    assert headers["Authorization"] == "Bearer amb_secret"
    assert (headers["Ambrotype-Owner"], headers["Ambrotype-App"]) == ("user:1", "shop")
    assert headers["User-Agent"] == f"ambrotype-python/{ambrotype.__version__}"
    assert "secret" not in shown + caplog.text


async def test_a_server_may_lie_below_a_path() -> None:
    async with scripted(item()) as server, ambrotype.AsyncClient(f"{server.url}/media/") as client:
        await client.get(ITEM["id"])
        assert server.requests[0][1] == f"/media/v1/media/{ITEM['id']}"


@pytest.mark.parametrize(
    "url", ["", "media.example.com", "ftp://media.example.com", "http://", "https://a:b@c", "http://a:b"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        ambrotype.AsyncClient(url)


def test_a_key_with_a_line_break_is_refused_without_showing_it() -> None:
    with pytest.raises(errors.InvalidRequest) as caught:
        ambrotype.AsyncClient("http://127.0.0.1", key="amb_secret\nX-Evil: 1")
    assert "secret" not in str(caught.value)


async def test_a_closed_client_says_so() -> None:
    client = ambrotype.AsyncClient("http://127.0.0.1:1")
    await client.close()
    await client.close()

    with pytest.raises(RuntimeError, match="closed"):
        await client.get(uuid.uuid4())


async def test_a_client_is_used_by_many_at_once(client: ambrotype.AsyncClient, sim: simulators.Simulator) -> None:
    kept = await asyncio.gather(*(client.keep(sim.sign(sim.image(n))) for n in range(40, 72)))

    assert len({one.id for one in await client.settled([one.id for one in kept], timeout=60)}) == 32


def test_batches_are_in_order_within_the_limits_and_lose_nothing() -> None:
    bodies = [bytes(size) for size in (5, asking.MOST_BYTES + 1, 7, asking.MOST_BYTES - 7, 1, *[1] * 1200)]

    found = list(asking.batches(bodies))

    assert [body for batch in found for body in batch] == bodies
    assert all(len(batch) <= asking.MOST_ITEMS for batch in found)
    assert all(len(batch) == 1 or sum(map(len, batch)) <= asking.MOST_BYTES for batch in found)
