"""What is kept is looked into, once, by somebody; what the owner told stays; nothing is un-kept and no byte changes."""

import asyncio
import dataclasses
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import ambrotype
from ambrotype.core import errors, ids, media, types
from ambrotype.decoding import decoder as decoders
from ambrotype.library import inspecting, inspection
from ambrotype.records import database, inspections
from ambrotype.storage import contract, local
from tests.decoding import credentials
from tests.recipes import containers, samples

PATIENCE = 600


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[ambrotype.Library]:
    async with ambrotype.open(tmp_path / "media", owner="user:fox") as opened:
        yield opened


async def inspected(library: ambrotype.Library, media_id: uuid.UUID) -> media.Media:
    for _ in range(PATIENCE):
        found = await library.get(media_id)
        if found.inspection.state != "pending":
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("it was never looked into")


async def test_a_kept_picture_gets_its_recipe_and_looks(library: ambrotype.Library) -> None:
    data = credentials.signed(containers.png(containers.text("parameters", samples.A1111)), "image/png")
    item = await inspected(library, (await library.keep(data=data)).id)
    assert (item.status, item.inspection.state, item.inspection.detail) == ("kept", "done", None)
    assert item.sha256 == hashlib.sha256(data).hexdigest()
    assert item.thumbhash is not None
    assert item.prompt is not None
    assert item.prompt.startswith(samples.PROMPT)
    assert (item.model, item.settings["steps"]) == ("foxModel", 20)
    assert item.provenance == media.Provenance(
        c2pa="valid", digital_source_type="trainedAlgorithmicMedia", generator="Fox Maker 1.0"
    )
    recipe = await library.recipe(item.id)
    assert recipe.negative_prompt == samples.AGAINST
    assert recipe.embedded is not None
    assert recipe.embedded.generator == "A1111"
    assert recipe.raw_text is not None
    assert samples.A1111 in recipe.raw_text
    assert recipe.suggested_tags[:2] == ["red fox", "golden hour"]


async def test_what_was_told_wins_over_what_the_file_says(library: ambrotype.Library) -> None:
    data = containers.png(containers.text("parameters", samples.A1111))
    told = await library.keep(data=data, prompt="a bear", model="bears", settings={"steps": 1})
    item = await inspected(library, told.id)
    assert (item.prompt, item.model, item.settings) == ("a bear", "bears", {"steps": 1})
    recipe = await library.recipe(item.id)
    assert recipe.embedded is not None
    assert recipe.embedded.model == "foxModel"
    assert recipe.suggested_tags == ["bear"]


async def test_embedded_text_is_found_by_search(library: ambrotype.Library) -> None:
    graph = {"1": {"class_type": "SomebodysVerySpecialNode", "inputs": {"anything": "unfindable-otherwise"}}}
    kept = await library.keep(data=containers.png(containers.text("prompt", json.dumps(graph))))
    await inspected(library, kept.id)
    assert [item.id async for item in library.list(q="SomebodysVerySpecialNode")] == [kept.id]


async def test_suggested_tags_are_accepted_or_refused_for_good(library: ambrotype.Library) -> None:
    data = containers.png(containers.text("parameters", samples.A1111))
    item = await inspected(library, (await library.keep(data=data, tags=["mine"])).id)
    for _ in range(2):
        tags = await library.judge_tags(item.id, accept=["red fox"], refuse=["snow"])
        assert tags.tags == ["mine", "red fox"]
        assert "red fox" not in tags.suggested_tags
        assert "snow" not in tags.suggested_tags
    assert (await library.get(item.id)).tags == ["mine", "red fox"]
    with pytest.raises(errors.InvalidRequest, match="'whale' was not suggested"):
        await library.judge_tags(item.id, accept=["whale"])
    with pytest.raises(errors.InvalidRequest, match="both accepted and refused"):
        await library.judge_tags(item.id, accept=["golden hour"], refuse=["golden hour"])


async def test_nobody_elses_recipe_is_told(library: ambrotype.Library, tmp_path: Path) -> None:
    kept = await library.keep(data=containers.png())
    async with ambrotype.open(tmp_path / "media", owner="user:wolf", work=False) as other:
        with pytest.raises(errors.NotFound):
            await other.recipe(kept.id)
        with pytest.raises(errors.NotFound):
            await other.judge_tags(kept.id, accept=[])


# The loop, on a database and a store of its own ----------------------------------------------------------------


async def nothing(media_id: uuid.UUID, file: Path, source_type: str | None) -> None:
    """Nothing is made of what is kept."""


@pytest.fixture
async def tools(data: database.Database, tmp_path: Path) -> AsyncIterator[inspection.Tools]:
    store = local.Local(tmp_path / "store", min_free=0)
    decoder = decoders.Decoder(children=1)
    yield inspection.Tools(data=data, store=store, decoder=decoder, spool=tmp_path / "spool", derive=nothing)
    await decoder.close()
    await store.close()


async def kept(tools: inspection.Tools, admin: str, content: bytes, *, content_type: str = "image/png") -> uuid.UUID:
    """An item that is kept, by raw SQL, with its object."""
    import psycopg

    media_id, owner = ids.new(), ids.new()
    key = contract.Key("media", f"{media_id}.bin")
    writer = await tools.store.create(key, content_type=content_type, size=len(content))
    await writer.write(content)
    await writer.seal()
    await writer.publish()
    with psycopg.connect(admin) as connection:
        connection.execute("insert into ambrotype.owner (id, app, kind, subject) values (%s, 'default', 'user', %s)",
                           [owner, str(owner)])  # fmt: skip
        connection.execute(
            "insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout, bucket,"
            " path, size, content_type, sha256, kept_at) values (%s, 'default', %s, 'kept', 'image', 'upload',"
            " 'private', 'fox', 'default', %s, %s, %s, %s, %s, now())",
            [media_id, owner, key.bucket, key.path, len(content), content_type, hashlib.sha256(content).digest()],
        )
        connection.execute("insert into ambrotype.media_text (media_id, owner_id) values (%s, %s)", [media_id, owner])
    return media_id


async def state(tools: inspection.Tools, media_id: uuid.UUID) -> tuple[str, str | None]:
    async with tools.data.transaction(database.WORKER) as tx:
        row = await tx.one("select inspection, inspection_detail from ambrotype.media where id = %(id)s", id=media_id)
    assert row is not None
    return row["inspection"], row["inspection_detail"]


async def test_two_workers_never_take_the_same_item(tools: inspection.Tools, admin: str) -> None:
    wanted = {await kept(tools, admin, b"") for _ in range(6)}

    async def claim() -> list[uuid.UUID]:
        async with tools.data.transaction(database.WORKER) as tx:
            return [one.media_id for one in await inspections.claim(tx, most=4, seconds=60)]

    first, second, third = await asyncio.gather(claim(), claim(), claim())
    assert sorted([*first, *second, *third]) == sorted(wanted)


async def test_a_dead_workers_item_is_taken_over(tools: inspection.Tools, admin: str) -> None:
    media_id = await kept(tools, admin, containers.png())
    async with tools.data.transaction(database.WORKER) as tx:
        await inspections.claim(tx, most=1, seconds=0)
    assert await inspecting.Inspecting(tools).round()
    assert await state(tools, media_id) == ("done", None)


async def test_a_lost_timetable_changes_nothing(tools: inspection.Tools, admin: str) -> None:
    media_id = await kept(tools, admin, containers.png())
    async with tools.data.transaction(database.WORKER) as tx:
        await inspections.claim(tx, most=1, seconds=600)
        await tx.run("delete from ambrotype.inspecting")
    assert await inspecting.Inspecting(tools).round()
    assert await state(tools, media_id) == ("done", None)


async def test_pixels_that_can_not_be_read_cost_no_recipe(tools: inspection.Tools, admin: str) -> None:
    comment = containers.exif({}, comment=containers.unicode_comment(samples.A1111))
    whole = containers.webp((b"EXIF", comment))
    at = whole.index(b"VP8 ") + 8
    media_id = await kept(tools, admin, whole[:at] + bytes(40) + whole[at + 40 :], content_type="image/webp")
    assert await inspecting.Inspecting(tools).round()
    found, detail = await state(tools, media_id)
    assert found == "failed"
    assert detail is not None
    assert detail.startswith("appearance: ")
    async with tools.data.transaction(database.WORKER) as tx:
        row = await inspections.recipe(tx, media_id)
    assert row is not None
    assert row["recipe"]["model"] == "foxModel"


async def test_an_object_that_is_gone_is_tried_again_and_then_told(tools: inspection.Tools, admin: str) -> None:
    media_id = await kept(tools, admin, b"x")
    await tools.store.delete(contract.Key("media", f"{media_id}.bin"))
    worker = inspecting.Inspecting(tools)
    for attempt in range(inspecting.TRIES):
        assert (await state(tools, media_id))[0] == "pending", attempt
        assert await worker.round()
        async with tools.data.transaction(database.WORKER) as tx:
            await tx.run("update ambrotype.inspecting set until = now() - interval '1 second'")
    found, detail = await state(tools, media_id)
    assert found == "failed"
    assert detail is not None
    assert "not in the store" in detail
    assert not await worker.round()


class Remote:
    """The local store without its power to show files, as a remote one is."""

    def __init__(self, store: local.Local) -> None:
        self.open = store.open


async def test_a_remote_object_is_copied_looked_into_and_the_copy_removed(tools: inspection.Tools, admin: str) -> None:
    media_id = await kept(tools, admin, containers.png(containers.text("parameters", samples.A1111)))
    assert isinstance(tools.store, local.Local)
    remote = dataclasses.replace(tools, store=Remote(tools.store))  # type: ignore[arg-type]
    assert await inspecting.Inspecting(remote).round()
    assert await state(tools, media_id) == ("done", None)
    assert list(tools.spool.iterdir()) == []


async def test_a_type_that_is_not_known_any_more_is_done_with(tools: inspection.Tools, admin: str) -> None:
    assert "image/x-old" not in types.TYPES
    media_id = await kept(tools, admin, b"x", content_type="image/x-old")
    assert await inspecting.Inspecting(tools).round()
    assert await state(tools, media_id) == ("done", None)
