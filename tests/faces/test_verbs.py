"""The verbs do the same on a server and on a folder."""

import hashlib
import inspect
import subprocess
import sys
import types
import uuid
from typing import Any, get_type_hints

import aiohttp
import pytest

import ambrotype
from ambrotype.capture import request
from ambrotype.simulator import assets
from ambrotype.simulator import server as simulators
from tests.support.server import Server

VERBS = (
    "keep", "keep_many", "keep_again", "get", "list", "at_risk", "events", "settled",
    "create_key", "keys", "revoke_key", "rewrite", "recipe", "judge_tags", "facets", "usage", "stats", "link",
    "share", "shares", "revoke_share", "edit", "delete", "restore", "lineage", "bulk", "operation", "projects", "slots",
    "slot", "show_version", "prune", "create_collection", "collections", "collection", "edit_collection",
    "delete_collection", "collection_items", "collect", "uncollect", "create_webhook", "webhooks", "edit_webhook",
    "delete_webhook", "webhook_deliveries", "test_webhook", "replay_delivery", "edit_share", "create_guest", "link_guest",
)  # fmt: skip

Face = ambrotype.AsyncClient | ambrotype.Library


@pytest.fixture(params=["client", "library"])
def face(request: pytest.FixtureRequest) -> Face:
    found: Face = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_the_same_arguments_on_every_face(verb: str) -> None:
    signatures = {
        str(inspect.signature(getattr(kind, verb)).replace(return_annotation=None))
        for kind in (ambrotype.Library, ambrotype.AsyncClient, ambrotype.Client)
    }

    assert len(signatures) == 1


def test_keep_takes_every_field_that_the_server_takes() -> None:
    assert {*get_type_hints(ambrotype.KeepFields), "url", "data", "wait"} == {*request.KeepRequest.model_fields}


async def test_what_is_kept_has_its_url_at_once_and_its_bytes_when_settled(
    face: Face, sim: simulators.Simulator
) -> None:
    item = await face.keep(sim.sign(sim.image(1)), prompt="a fox", tags=["animal"], project="film", slot="scene_1")

    assert item.url.endswith(f"/m/{item.id}/scene_1.jpeg")
    kept = await face.settled(item.id, timeout=60)
    assert (kept.status, kept.url, kept.prompt, kept.tags, kept.is_current) == (
        "kept",
        item.url,
        "a fox",
        ["animal"],
        True,
    )
    asset = assets.find(sim.image(1))
    assert kept.sha256 == hashlib.sha256(b"".join(asset.pieces(0, asset.size))).hexdigest()
    assert await face.get(str(item.id)) == kept


async def test_bytes_are_kept_when_keep_returns(face: Face) -> None:
    asset = assets.find(assets.image(2, format="png"))
    content = b"".join(asset.pieces(0, asset.size))

    item = await face.keep(data=content, title="mine", source="upload")

    assert (item.status, item.size, item.content_type, item.title) == ("kept", len(content), "image/png", "mine")
    assert (await face.keep(data=memoryview(content))).id == item.id  # type: ignore[arg-type]


async def test_the_same_url_is_the_same_item(face: Face, sim: simulators.Simulator) -> None:
    url = sim.sign(sim.image(3))

    first, second, anew = await face.keep(url), await face.keep(url), await face.keep(url, again=True)

    assert first.id == second.id != anew.id


async def test_of_many_the_bad_ones_fail_alone_and_in_their_places(face: Face, sim: simulators.Simulator) -> None:
    asset = assets.find(assets.image(5))
    content = b"".join(asset.pieces(0, asset.size))
    items: list[Any] = [
        sim.sign(sim.image(4)),
        "ftp://example.com/a.png",
        {"url": sim.sign(sim.image(6)), "title": "own"},
        {"url": "http://10.0.0.1/a.png"},
        {"data": content},
        {"data": b"no picture at all"},
        {"url": sim.sign(sim.image(7)), "colour": "red"},
        {"url": sim.sign(sim.image(7)), "parents": [{"id": uuid.uuid4()}]},
        {"url": sim.sign(sim.image(7)), "metadata": {"what": object()}},
        17,
    ]

    found = await face.keep_many(items, title="common")

    assert [type(one).__name__ for one in found] == [
        "Media", "UnsupportedScheme", "Media", "BlockedAddress", "Media", "NotMedia", "InvalidRequest", "NotFound",
        "InvalidRequest", "InvalidRequest",
    ]  # fmt: skip
    kept = [one for one in found if isinstance(one, ambrotype.Media)]
    assert [one.title for one in kept] == ["common", "own", "common"]
    settled = await face.settled([one.id for one in kept], timeout=60)
    assert [(one.id, one.status) for one in settled] == [(one.id, "kept") for one in kept]


async def test_more_than_a_batch_is_kept_and_listed_whole(face: Face) -> None:
    urls = [f"http://127.0.0.1:9/{n}.png" for n in range(1003)]

    found = await face.keep_many(urls, mode="temporary")

    assert [one.source_url for one in found if isinstance(one, ambrotype.Media)] == urls
    listed = [one.source_url async for one in face.list(status="temporary", sort="created_at")]
    assert listed == urls
    newest = [one.source_url async for one in face.list(status=["temporary", "kept"], kind="image", limit=205)]
    assert newest == urls[:-206:-1]
    assert {one.source_url async for one in face.at_risk()} == set(urls)
    assert [one async for one in face.list()] == []


async def test_a_list_goes_on_where_a_page_was_taken(face: Face) -> None:
    await face.keep_many([f"http://127.0.0.1:9/{n}.png" for n in range(3)], mode="temporary")
    listed = face.list(status="temporary", sort="created_at")

    first = await anext(listed)
    rest = await listed.page()

    assert [one.name for one in (first, *rest)] == ["0.png", "1.png", "2.png"]
    assert await listed.page() == []


async def test_a_lost_item_is_kept_after_all_from_another_url(face: Face, sim: simulators.Simulator) -> None:
    item = await face.keep(sim.sign(sim.image(8), ttl=-1))
    lost = await face.settled(item.id, timeout=60)
    assert lost.lost is not None
    assert lost.lost.code == "source_expired"

    again = await face.keep_again(item.id, url=sim.sign(sim.image(9)))

    assert (again.id, again.status) == (item.id, "keeping")
    assert (await face.settled(item.id, timeout=60)).status == "kept"
    types_ = [event.type async for event in face.events(item.id)]
    assert types_[0] == "media.keeping"
    assert [one for one in types_ if one != "media.rendition"][-1] == "media.kept"
    assert "media.lost" in types_


async def test_waiting_longer_than_asked_is_a_timeout_error(face: Face, sim: simulators.Simulator) -> None:
    item = await face.keep(sim.sign(sim.image(10), fault="status", code=503, times=1000))

    with pytest.raises(TimeoutError, match="settled"):
        await face.settled(item.id, timeout=0.2)


async def test_wait_answers_with_what_is_kept_by_then(face: Face, sim: simulators.Simulator) -> None:
    assert (await face.keep(sim.sign(sim.image(11)), wait=30)).status == "kept"
    many = await face.keep_many([sim.sign(sim.image(n)) for n in (12, 13)], wait=30)
    assert [one.status for one in many if isinstance(one, ambrotype.Media)] == ["kept", "kept"]


async def test_parents_may_be_given_as_they_are_shown(face: Face, sim: simulators.Simulator) -> None:
    parent = await face.keep(sim.sign(sim.image(14)))
    child = await face.keep(sim.sign(sim.image(15)), parents=[{"id": parent.id, "role": "base_image"}])

    other = await face.keep(sim.sign(sim.image(16)), parents=child.parents)

    assert other.parents == child.parents == [ambrotype.Parent(id=parent.id, role="base_image")]


async def test_keys_are_made_listed_and_revoked(face: Face) -> None:
    made = await face.create_key("an app's", role="app", app="shop")

    assert made.key.startswith("amb_")
    assert made.key not in repr(made)
    assert made.id in [key.id async for key in face.keys()]
    revoked = await face.revoke_key(made.id)
    assert revoked.revoked_at is not None


async def test_wrong_arguments_are_told_by_field(face: Face) -> None:
    with pytest.raises(ambrotype.errors.InvalidRequest) as caught:
        await face.keep("https://example.com/a.png", kind="picture", tags=[""])  # type: ignore[arg-type]

    assert [pointer for pointer, _ in caught.value.problems] == ["/kind", "/tags/0"]
    assert caught.value.pointer == "/kind"
    with pytest.raises(ambrotype.errors.InvalidRequest):
        await anext(face.list(status="gone"))  # type: ignore[arg-type]
    with pytest.raises(ambrotype.errors.InvalidRequest):
        await anext(face.list(sort="colour"))
    with pytest.raises(ambrotype.errors.InvalidRequest):
        face.list(limit=-1)
    with pytest.raises(ambrotype.errors.NotFound):
        await face.get("no-id")
    with pytest.raises(ambrotype.errors.NotFound):
        await face.get(uuid.uuid4())


async def test_the_permanent_url_gives_the_bytes_to_the_key_and_to_nobody_else(
    server: Server, client: ambrotype.AsyncClient, owner: str, sim: simulators.Simulator
) -> None:
    asset = assets.find(sim.image(20))
    item = await client.keep(sim.sign(sim.image(20)), wait=60)
    headers = {"Authorization": f"Bearer {server.key}", "Ambrotype-Owner": owner}

    async with aiohttp.ClientSession() as session:
        async with session.get(item.url, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, b"".join(asset.pieces(0, asset.size)))
        async with session.get(item.url) as answer:
            assert answer.status == 404
        async with session.get(item.access_url) as answer:
            assert answer.status == 200


def test_importing_does_nothing_and_loads_nothing() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys; had = {*sys.modules}; import ambrotype; print(*{*sys.modules} - had)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip

    assert [name for name in loaded if name.partition(".")[0] in ("aiohttp", "pydantic", "psycopg", "asyncio")] == []
    assert [name for name in loaded if name.startswith("ambrotype.")] == []


def test_every_public_name_is_there() -> None:
    found = {name: getattr(ambrotype, name) for name in ambrotype.__all__}

    assert isinstance(found["errors"], types.ModuleType)
    assert {*ambrotype.__all__, "__version__"} <= {*dir(ambrotype)}
    assert ambrotype.__version__ == "0.1.0"
    with pytest.raises(AttributeError):
        ambrotype.nothing_of_the_kind
