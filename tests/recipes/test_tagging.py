"""A vision model is asked about a small picture and nothing else; what it says is suggested, and its failures harm nobody."""

import asyncio
import base64
import dataclasses
import json
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pyvips
from aiohttp import web

import ambrotype
from ambrotype.core import keywords
from ambrotype.library import tagging
from ambrotype.records import database
from tests.library import shelf

SECRET = "a-words-of-the-prompt-that-nobody-else-may-read"
PATIENCE = 600


@dataclasses.dataclass(kw_only=True)
class Endpoint:
    """An OpenAI-compatible server: gives the answers that are left, then tags."""

    url: str
    answers: list[tuple[int, Any]] = dataclasses.field(default_factory=list)
    asked: list[tuple[str | None, dict[str, Any]]] = dataclasses.field(default_factory=list)

    @property
    def model(self) -> tagging.Model:
        return tagging.Model(url=self.url, name="seer", key="sk-test")


def completion(said: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": said}}]}


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async def complete(request: web.Request) -> web.Response:
        made.asked.append((request.headers.get("Authorization"), await request.json()))
        status, body = made.answers.pop(0) if made.answers else (200, completion('{"tags": ["Red Fox", "snow"]}'))
        return web.Response(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())

    app = web.Application(client_max_size=2**22)
    app.router.add_post("/openai/v1/chat/completions", complete)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made = Endpoint(url=f"http://127.0.0.1:{runner.addresses[0][1]}/openai/v1")
    try:
        yield made
    finally:
        await runner.cleanup()


def picture(*, width: int = 1600, height: int = 900) -> bytes:
    """A PNG with embedded text."""
    image = pyvips.Image.xyz(width, height).extract_band(0).linear(0.15, 0).cast("uchar")
    plain = bytes(image.bandjoin([image, image]).copy(interpretation="srgb").pngsave_buffer())
    text = b"tEXtparameters\0" + SECRET.encode()
    chunk = struct.pack("!I", len(text) - 4) + text + struct.pack("!I", zlib.crc32(text))
    return plain[:33] + chunk + plain[33:]  # behind the header


async def until_suggested(library: ambrotype.Library, media_id: object, tag: str) -> list[str]:
    for _ in range(PATIENCE):
        found = (await library.recipe(media_id)).suggested_tags  # type: ignore[arg-type]
        if tag in found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("it was never suggested")


async def test_a_kept_picture_is_shown_small_and_what_is_seen_is_suggested(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("URL", endpoint.url), ("MODEL", "seer"), ("KEY", "sk-test")):
        monkeypatch.setenv(f"AMBROTYPE_TAGGER_{name}", value)
    async with ambrotype.open(tmp_path / "media", owner="user:fox") as library:
        item = await library.keep(data=picture(), prompt="a winter forest", tags=["snow"])
        suggested = await until_suggested(library, item.id, "red fox")
    assert suggested == ["winter forest", "red fox"]
    ((key, body),) = endpoint.asked
    assert (key, body["model"]) == ("Bearer sk-test", "seer")
    parts = body["messages"][0]["content"]
    url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    sent = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    shown = pyvips.Image.new_from_buffer(sent, "")
    assert (shown.get("vips-loader"), shown.width, shown.height) == ("pngload_buffer", 320, 180)
    assert sent.count(b"tEXt") == 0
    assert SECRET not in json.dumps(body) + sent.decode("latin-1")


async def waiting(data: database.Database) -> Any:
    """A kept item that a model is to be asked about."""
    media_id = await shelf.kept(data)
    async with data.transaction(database.WORKER) as tx:
        await tagging.rows.add(tx, media_id, b"\x89PNG")
    return media_id


async def suggestions(data: database.Database, media_id: Any) -> list[str]:
    async with data.transaction(database.WORKER) as tx:
        found = await tagging.rows.tags(tx, media_id)
    assert found is not None
    tags: list[str] = found["suggested_tags"]
    return tags


FAILURES: list[tuple[int, Any]] = [
    (500, b"oops"), (429, b""), (401, {"error": {"message": "no"}}), (302, b""), (200, b"no json"), (200, {"choices": []}),
    (200, completion(None)), (200, b"x" * (tagging.MOST_ANSWER + 1)),
]  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=range(len(FAILURES)))
async def test_a_failure_is_tried_again_later(
    data: database.Database, admin: str, endpoint: Endpoint, failure: tuple[int, Any]
) -> None:
    media_id = await waiting(data)
    endpoint.answers = [failure]
    assert await tagging.turn(data, endpoint.model)
    assert await suggestions(data, media_id) == []
    assert not await tagging.turn(data, endpoint.model)
    _due_now(admin)
    assert await tagging.turn(data, endpoint.model)
    assert await suggestions(data, media_id) == ["red fox", "snow"]
    _due_now(admin)
    assert not await tagging.turn(data, endpoint.model)


async def test_it_is_given_up_in_the_end(data: database.Database, admin: str) -> None:
    media_id = await waiting(data)
    nobody = tagging.Model(url="http://127.0.0.1:1/v1", name="seer")
    turns = 0
    while await tagging.turn(data, nobody):
        turns += 1
        _due_now(admin)
    assert turns == len(tagging.PAUSES) + 1
    assert await suggestions(data, media_id) == []


def _due_now(admin: str) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("update ambrotype.tagging set not_before = now()")


@pytest.mark.parametrize(
    ("said", "tags"),
    [
        ('{"tags": ["Red Fox", "red  fox", "snow"]}', ["red fox", "snow"]),
        ('```json\n{"tags": ["fox"]}\n```', ["fox"]),
        ('["fox", 7, null, {"x": 1}, ["y"]]', ["fox"]),
        ("- fox\n- snow, night sky", ["fox", "snow", "night sky"]),
        ("<script>alert(1)</script>", []),
        ("I am sorry, but I can not say what is in this picture at all", ["i am sorry"]),
        ('{"tags": "fox"}', []),
        (json.dumps([f"tag {chr(97 + n)}" for n in range(26)]), [f"tag {chr(97 + n)}" for n in range(12)]),
        (json.dumps(["a" * 41, "b\u0000c", "\u202efox", "123", ""]), []),
    ],
)
async def test_whatever_it_says_becomes_few_short_plain_tags(endpoint: Endpoint, said: str, tags: list[str]) -> None:
    endpoint.answers = [(200, completion(said))]
    found = await tagging.ask(endpoint.model, b"\x89PNG")
    assert found == tags
    assert len(found) <= keywords.MOST
