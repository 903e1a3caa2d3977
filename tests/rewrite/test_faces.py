"""Rewriting through Python: the same on a server and on a folder."""

import asyncio
import inspect
import json
import urllib.request
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import ambrotype
from ambrotype.core import errors
from ambrotype.simulator import server as simulators
from tests.support.server import Server

Face = ambrotype.AsyncClient | ambrotype.Library
BASE = "http://media.test:8484"


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[ambrotype.Library]:
    async with ambrotype.open(tmp_path / "media", fetch_allow=("127.0.0.0/8",), public_url=BASE) as opened:
        yield opened


@pytest.fixture(params=["client", "library"])
def face(request: pytest.FixtureRequest) -> Face:
    found: Face = request.getfixturevalue(request.param)
    return found


def test_rewrite_takes_the_same_arguments_on_every_face() -> None:
    kinds = (ambrotype.Library, ambrotype.AsyncClient, ambrotype.Client)
    assert len({str(inspect.signature(kind.rewrite).replace(return_annotation=None)) for kind in kinds}) == 1


async def test_the_master_document_ends_up_with_permanent_urls(face: Face, sim: simulators.Simulator) -> None:
    frames = [sim.sign(sim.image(n)) for n in range(2)]
    master = {
        "title": "The fox",
        "fps": 24.0,
        "scenes": {
            "scene_1": {"scene_start_frame": frames[0], "page": "https://example.com/brief.html"},
            "scene_2": {"scene_start_frame": frames[1], "again": frames[1]},
        },
    }

    done = await face.rewrite(master, project="film", slots={"/scenes/*/scene_start_frame": "{1}"})

    assert [(one.pointer, one.from_) for one in done.replaced] == [
        ("/scenes/scene_1/scene_start_frame", frames[0]),
        ("/scenes/scene_2/scene_start_frame", frames[1]),
        ("/scenes/scene_2/again", frames[1]),
    ]
    assert done.left == []
    scenes = done.document["scenes"]
    assert scenes["scene_1"]["scene_start_frame"].endswith("/scene_1.jpeg")
    assert scenes["scene_1"]["page"] == "https://example.com/brief.html"
    assert (done.document["title"], done.document["fps"]) == ("The fox", 24.0)
    first = await face.settled(done.replaced[0].media_id or uuid.UUID(int=0), timeout=60)
    assert (first.status, first.project, first.slot, first.version, first.url) == (
        "kept", "film", "scene_1", 1, done.replaced[0].to,
    )  # fmt: skip
    outside = await face.get(done.replaced[2].media_id or uuid.UUID(int=0))
    assert (outside.project, outside.slot) == ("film", None)

    again = await face.rewrite(done.document, project="film", slots={"/scenes/*/scene_start_frame": "{1}"})
    assert again.document == done.document
    assert again.replaced == []
    assert {one.why.partition(":")[0] for one in again.left} == {"already_permanent"}
    assert len([one async for one in face.list()]) == 3


async def test_a_url_is_kept_once_however_often_it_occurs(face: Face, sim: simulators.Simulator) -> None:
    url = sim.sign(sim.image(10))
    text = f"# A fox\r\n\r\n![fox]({url})\r\n<img src='{url.replace('&', '&amp;')}'> {url}.\r\n"

    done = await face.rewrite(text)

    assert {one.media_id for one in done.replaced} == {one.id async for one in face.list()}
    to = done.replaced[0].to
    assert done.document == f"# A fox\r\n\r\n![fox]({to})\r\n<img src='{to}'> {to}.\r\n"
    assert (await face.rewrite(text)).document == done.document


async def test_regenerated_scenes_become_versions(face: Face, sim: simulators.Simulator) -> None:
    frames = [sim.sign(sim.image(n)) for n in (20, 21)]
    done = await face.rewrite([frames[0], frames[1]], project="film", slots={"/*": "scene_1"})

    versions = [(await face.get(one.media_id or uuid.UUID(int=0))).version for one in done.replaced]
    assert versions == [1, 2]


async def test_a_dry_run_keeps_and_changes_nothing(face: Face, sim: simulators.Simulator) -> None:
    document = {"a": sim.sign(sim.image(30))}

    done = await face.rewrite(document, dry_run=True)

    assert done.document == document
    assert [(one.pointer, one.from_, one.to, one.media_id) for one in done.replaced] == [
        ("/a", document["a"], None, None)
    ]
    assert [one async for one in face.list()] == []


async def test_relative_urls_begin_with_a_slash(face: Face, sim: simulators.Simulator) -> None:
    done = await face.rewrite(sim.sign(sim.image(40)), relative=True)

    assert done.document == done.replaced[0].to
    assert done.document.startswith(f"/m/{done.replaced[0].media_id}/")
    assert (await face.rewrite(done.document, relative=True)).document == done.document


async def test_what_stays_is_told_with_its_reason(face: Face, sim: simulators.Simulator) -> None:
    url = sim.sign(sim.image(50))
    document = {
        "other": "https://cdn.example/a.png",
        "mine": url,
        "metadata": "http://169.254.169.254/a.png",
        "data": "data:image/png;base64," + "A" * 1000,
        "blob": "blob:https://app.example/0f3a",
        "page": "https://example.com/",
    }

    done = await face.rewrite(document, only_hosts=["127.0.0.1", "169.254.169.254"])

    assert [one.pointer for one in done.replaced] == ["/mine"]
    assert {one.pointer: one.why.partition(":")[0] for one in done.left} == {
        "/other": "not_asked",
        "/metadata": "blocked_address",
        "/data": "unsupported_scheme",
        "/blob": "unsupported_scheme",
    }
    assert all(len(one.url) < 200 for one in done.left)
    assert {**done.document, "mine": url} == document


async def test_a_text_that_is_json_has_pointers_and_keeps_its_form(face: Face, sim: simulators.Simulator) -> None:
    url = sim.sign(sim.image(60))
    text = '{\r\n\t"a" : 1.0,\n "u":' + json.dumps(url).replace("/", "\\/") + ', "big":1e400}\n'

    done = await face.rewrite(text, project="film", slots={"/u": "hero"})

    assert done.replaced[0].pointer == "/u"
    to = (done.replaced[0].to or "").replace("/", "\\/")
    assert done.document == text.replace(json.dumps(url).replace("/", "\\/"), f'"{to}"')


async def test_halves_of_characters_and_large_numbers_pass(face: Face) -> None:
    document = {"\ud800": "\udfff https://example.com", "n": 10**40, "deep": [[[]]]}
    assert (await face.rewrite(document)).document == document


WRONG: list[tuple[object, dict[str, Any], str]] = [
    ({"a": object()}, {}, "JSON"),
    ([float("nan")], {}, "JSON"),
    ("x", {"slots": {"/a": "b"}}, "project"),
    ("x", {"project": "film", "slots": {"a": "b"}}, "pointer"),
    ("x", {"only_hosts": ["https://example.com/"]}, "only_hosts"),
    ("x", {"only_hosts": "example.com"}, "only_hosts"),
    ([f"https://cdn.example/{n}.png" for n in range(2001)], {}, "more than 2000 different"),
]


async def test_what_can_not_be_done_is_refused(face: Face) -> None:
    for document, options, sentence in WRONG:
        with pytest.raises(errors.InvalidRequest, match=sentence):
            await face.rewrite(document, **options)
    assert [one async for one in face.list()] == []


async def test_too_large_a_document_is_refused(face: Face) -> None:
    with pytest.raises(errors.TooLarge, match="16777216"):
        await face.rewrite("x" * (16 * 2**20 + 1))
    assert (await face.rewrite("\n" * (16 * 2**20))).replaced == []


async def test_more_urls_than_one_transaction_takes(face: Face) -> None:
    urls = [f"https://cdn.example/{n}.png" for n in range(501)]
    done = await face.rewrite(urls)
    assert len(set(done.document)) == 501
    assert all(to.endswith(f"/{n}.png") for n, to in enumerate(done.document))


async def test_without_a_public_url_only_relative_ones_are_written(tmp_path: Path, sim: simulators.Simulator) -> None:
    async with ambrotype.open(tmp_path / "none", fetch_allow=("127.0.0.0/8",), work=False) as library:
        with pytest.raises(errors.PublicUrlRequired, match="AMBROTYPE_PUBLIC_URL"):
            await library.rewrite("x")
        assert (await library.rewrite(sim.sign(sim.image(70)), relative=True)).replaced


def test_the_blocking_client_rewrites_too(server: Server, owner: str) -> None:
    with ambrotype.Client(server.url, key=server.key, owner=owner) as client:
        done = client.rewrite({"a": ["https://cdn.example/blocking.png"]})
        assert done.document["a"][0].startswith(f"{server.url}/m/")


async def test_rewritten_urls_work(
    client: ambrotype.AsyncClient, server: Server, owner: str, sim: simulators.Simulator
) -> None:
    done = await client.rewrite({"a": sim.sign(sim.image(80))})
    item = await client.settled(done.replaced[0].media_id or uuid.UUID(int=0), timeout=60)

    asked = urllib.request.Request(
        done.document["a"], headers={"Authorization": f"Bearer {server.key}", "Ambrotype-Owner": owner}
    )

    def read() -> bytes:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return bytes(answer.read())

    content = await asyncio.to_thread(read)
    assert len(content) == item.size
