"""What holds for every reply: problems, request ids, log lines, and no word about the inside."""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import fastapi
import pytest

from ambrotype.api import errors as problems
from ambrotype.api import requests
from ambrotype.delivery import asgi
from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller, Reply, Stack, until

INSIDE = re.compile(
    rb"Traceback|\.py\b|/tmp/|site-packages|psycopg|asyncpg|postgres|ambrotype\.media|SELECT ", re.IGNORECASE
)
SOME = "01890a5d-ac96-774b-bcce-b302099a8057"


def wrong_requests() -> Iterator[Any]:
    for method, path, status, code in (
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/media/", 404, "not_found"),
        ("GET", "/v1/nowhere?x=1", 404, "not_found"),
        ("PATCH", "/v1/keep", 405, "not_supported"),
        ("DELETE", "/v1/media", 405, "not_supported"),
        ("POST", f"/m/{SOME}/x", 405, "not_supported"),
        ("GET", "/v1/media/17", 422, "invalid_request"),
        ("GET", f"/v1/media/{SOME}", 404, "not_found"),
        ("GET", "/v1/media?limit=x", 422, "invalid_request"),
        ("GET", "/v1/media?sort=colour", 422, "invalid_request"),
        ("GET", "/v1/media?status=tombstone", 422, "invalid_request"),
        ("POST", "/v1/keep", 422, "invalid_request"),
        ("GET", f"/m/{SOME}/x", 404, "not_found"),
        ("GET", "/m/17/x", 404, "not_found"),
        ("GET", f"/m/{SOME}/x?sig=x&exp=1&kid=k", 403, "invalid_signature"),
        ("GET", f"/m/{SOME}/x?download=1&download=1", 422, "invalid_request"),
        ("GET", "/v1/keys", 403, "forbidden"),
    ):
        yield pytest.param(method, path, status, code, id=f"{method} {path}")


@pytest.mark.parametrize(("method", "path", "status", "code"), list(wrong_requests()))
def test_every_refusal_is_a_problem(me: Caller, method: str, path: str, status: int, code: str) -> None:
    reply = me.send(method, path)
    problem = reply.problem()
    assert (reply.status, problem["code"]) == (status, code)
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail", "code"}
    assert problem["type"] == f"/docs/errors#{code}"
    assert problem["detail"]
    assert reply.headers["cache-control"] == "no-store"
    assert not INSIDE.search(reply.body)


@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/keep", "POST"), (f"/m/{SOME}/x", "GET, HEAD"), ("/healthz", "GET")]
)
def test_a_wrong_method_is_told_which_ones_are_right(me: Caller, path: str, allowed: str) -> None:
    assert me.send("PUT", path).headers["allow"] == allowed


def test_the_head_of_a_refusal_has_no_body(me: Caller) -> None:
    reply = me.send("HEAD", f"/m/{SOME}/x")
    assert (reply.status, reply.body) == (404, b"")
    assert reply.headers["content-type"] == "application/problem+json"


# X-Request-Id


def every_sort_of_reply(me: Caller, stack: Stack, sim: simulators.Simulator) -> Iterator[Reply]:
    kept = me.kept(samples.url(sim, 1))["id"]
    temporary = me.keep(samples.url(sim, 2), mode="temporary").json()["id"]
    yield me.get("/v1/media")
    yield me.keep(samples.url(sim, 1))
    yield me.get("/nowhere")
    yield me.send("PATCH", "/v1/keep")
    yield me.send("POST", "/v1/keep", body=b"{")
    yield stack.nobody.get("/v1/media")
    yield me.get(f"/m/{kept}/x")
    yield me.get(f"/m/{kept}/x", Range="bytes=0-9")
    yield me.get(f"/m/{kept}/x", Range="bytes=999999-")
    yield me.send("HEAD", f"/m/{kept}/x")
    yield me.get(f"/m/{temporary}/x")
    yield me.get(f"/m/{SOME}/x")
    yield me.send("POST", f"/m/{SOME}/x")
    yield stack.nobody.get("/healthz")
    yield stack.nobody.get("/readyz")
    yield stack.nobody.get("/openapi.json")
    yield stack.nobody.get("/docs")
    yield stack.nobody.get("/docs/errors")


def test_every_reply_has_an_id_of_its_own(me: Caller, stack: Stack, sim: simulators.Simulator) -> None:
    replies = list(every_sort_of_reply(me, stack, sim))
    found = [reply.headers.get_all("x-request-id") or [] for reply in replies]
    assert [len(ids) for ids in found] == [1] * len(replies)
    assert len({ids[0] for ids in found}) == len(replies)


@pytest.mark.parametrize("path", ["/v1/media", "/nowhere", f"/m/{SOME}/x"])
def test_a_callers_id_is_taken_over_and_stands_in_the_log(me: Caller, stack: Stack, path: str) -> None:
    mine = f"trace-{uuid.uuid4()}"
    reply = me.get(path, X_Request_Id=mine)
    assert reply.headers["x-request-id"] == mine
    (line,) = until(lambda: [line for line in stack.log_lines() if line.get("request_id") == mine])
    assert (line["method"], line["path"], line["status"]) == ("GET", path, reply.status)


@pytest.mark.parametrize("given", ["", "a b", "a" * 65, "<script>", "é"])
def test_an_odd_id_is_not_taken_over(me: Caller, given: str) -> None:
    assert me.get("/healthz", X_Request_Id=given).headers["x-request-id"] != given


def test_the_log_holds_no_key_and_no_signature(me: Caller, stack: Stack, sim: simulators.Simulator) -> None:
    lost = me.kept(samples.url(sim, 3, fault="status", code=404))
    me.get(lost["access_url"].partition(f":{me.port}")[2])
    me.get("/v1/media?limit=1", X_Request_Id="the-last-of-these")
    until(lambda: [line for line in stack.log_lines() if line.get("request_id") == "the-last-of-these"])
    until(lambda: [line for line in stack.log_lines() if line.get("media_id") == lost["id"]])
    text = json.dumps(stack.log_lines())
    assert "X-Amz-Signature" not in text
    assert "sig=" not in text
    assert "Bearer" not in text
    assert me.headers["Authorization"].removeprefix("Bearer ") not in text


# What no route can bring about by itself


def application(most: int = 1000) -> fastapi.FastAPI:
    app = fastapi.FastAPI()
    problems.install(app)
    app.add_middleware(requests.Requests, most=most)

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("the secret of /srv/inside.py")

    @app.post("/body")
    async def body(document: dict[str, str]) -> dict[str, str]:
        return document

    return app


def ask(app: fastapi.FastAPI, method: str, path: str, *pieces: bytes, length: int | None = None) -> tuple[Any, Any]:
    """Status and headers, and the document, of one request that comes in these pieces."""
    sent: list[asgi.Message] = []
    coming = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    coming.append({"type": "http.request", "body": b"", "more_body": False})
    headers = [(b"content-type", b"application/json")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": headers, "scheme": "http", "server": ("test", 80), "client": ("test", 1), "http_version": "1.1",
    }  # fmt: skip

    async def receive() -> asgi.Message:
        return coming.pop(0)

    async def send(message: asgi.Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert [message["type"] for message in sent][:1] == ["http.response.start"]
    return sent[0], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def test_a_crash_is_a_problem_with_an_id_and_says_nothing_of_the_inside() -> None:
    start, document = ask(application(), "GET", "/crash")
    assert (start["status"], document["code"]) == (500, "internal")
    assert b"x-request-id" in dict(start["headers"])
    assert "secret" not in json.dumps(document)


@pytest.mark.parametrize("length", [None, 2000])
def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(length: int | None) -> None:
    start, document = ask(application(), "POST", "/body", b'{"a": "', b"x" * 2000, b'"}', length=length)
    assert (start["status"], document["code"]) == (413, "too_large")
    assert b"x-request-id" in dict(start["headers"])


def test_a_body_within_the_limit_is_taken_in_pieces() -> None:
    start, document = ask(application(), "POST", "/body", b'{"a": "', b"x" * 900, b'"}')
    assert (start["status"], document) == (200, {"a": "x" * 900})


def test_a_body_that_announces_too_much_is_refused_by_the_server(me: Caller) -> None:
    reply = me.send("POST", "/v1/keep", headers={"Content-Length": str(2**40)}, body=b"")
    assert (reply.status, reply.problem()["code"]) == (413, "too_large")


# Health


def test_anyone_may_ask_whether_it_lives_and_is_ready(stack: Stack) -> None:
    assert stack.nobody.get("/healthz").json() == {"status": "ok"}
    ready = stack.nobody.get("/readyz")
    assert (ready.status, ready.json()) == (
        200,
        {"status": "ready", "database": "ok", "store": "ok", "captures": "running"},
    )
