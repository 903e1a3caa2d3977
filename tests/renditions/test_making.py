"""Each rendition is made once, whoever dies meanwhile; goes when nobody uses it, and comes back when somebody does."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from ambrotype.core import errors, ids, renditions
from ambrotype.decoding import decoder as decoders
from ambrotype.records import database
from ambrotype.records import renditions as rows
from ambrotype.renditions import making, rendering, sweeping, working
from ambrotype.storage import contract, local
from tests.renditions import conftest as house
from tests.renditions import films, hostile

SMALL = renditions.parse({"w": "64"}, accept="", exact=False)


@pytest.fixture
async def tools(data: database.Database, tmp_path: Path) -> AsyncIterator[making.Tools]:
    store = local.Local(tmp_path / "store", min_free=0)
    decoder = decoders.Decoder(children=1, output_bytes=renditions.MOST_BYTES)
    movies = decoders.Decoder(children=1, memory_bytes=1 << 30, output_bytes=1 << 28)
    yield making.Tools(data=data, store=store, decoder=decoder, spool=tmp_path / "spool", films=movies)
    await decoder.close()
    await movies.close()
    await store.close()


@pytest.fixture
async def answering(tools: making.Tools) -> AsyncIterator[rendering.Rendering]:
    made = rendering.Rendering(tools)
    yield made
    await made.close()


async def kept(tools: making.Tools, admin: str, content: bytes, content_type: str = "image/png") -> uuid.UUID:
    """An item that is kept, by raw SQL, with its object."""
    media_id, owner = ids.new(), ids.new()
    key = contract.Key("media", f"{media_id}.bin")
    writer = await tools.store.create(key, content_type=content_type, size=len(content))
    await writer.write(content)
    await writer.seal()
    await writer.publish()
    with psycopg.connect(admin) as connection:
        connection.execute(
            "insert into ambrotype.owner (id, app, kind, subject) values (%s, 'default', 'user', %s)",
            [owner, str(owner)],
        )
        connection.execute(
            "insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout, bucket,"
            " path, size, content_type, sha256, kept_at) values (%s, 'default', %s, 'kept', %s, 'upload',"
            " 'private', 'fox', 'default', %s, %s, %s, %s, %s, now())",
            [
                media_id,
                owner,
                content_type.partition("/")[0],
                key.bucket,
                key.path,
                len(content),
                content_type,
                bytes(32),
            ],
        )
        connection.execute("insert into ambrotype.media_text (media_id, owner_id) values (%s, %s)", [media_id, owner])
    return media_id


def told(admin: str, media_id: uuid.UUID) -> dict[str, tuple[str, int]]:
    """State and attempts of the item's renditions."""
    with psycopg.connect(admin) as connection:
        found = connection.execute(
            "select name, state, attempts from ambrotype.rendition where media_id = %s", [media_id]
        ).fetchall()
    return {name: (state, attempts) for name, state, attempts in found}


def change(admin: str, statement: str, *values: object) -> None:
    with psycopg.connect(admin) as connection:
        connection.execute(statement.encode(), values)


def stored(tools: making.Tools, media_id: uuid.UUID) -> list[str]:
    assert isinstance(tools.store, local.Local)
    folder = tools.store.path(contract.Key("media", f"renditions/{media_id}/x")).parent
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def png() -> bytes:
    return bytes(house.painted(300, 200).pngsave_buffer())


async def test_many_in_several_processes_get_one_file(
    tools: making.Tools, admin: str, answering: rendering.Rendering, png: bytes
) -> None:
    media_id = await kept(tools, admin, png)
    elsewhere = rendering.Rendering(tools)
    found = await asyncio.gather(*(one.get(media_id, SMALL) for one in (answering, elsewhere) for _ in range(50)))
    await elsewhere.close()
    assert len({known.sha256 for known in found}) == 1
    assert told(admin, media_id) == {SMALL.name: ("made", 1)}
    assert stored(tools, media_id) == [f"{SMALL.name}-1.webp"]


async def test_what_a_dead_process_had_in_hand_is_taken_over(
    tools: making.Tools, admin: str, answering: rendering.Rendering, png: bytes
) -> None:
    media_id = await kept(tools, admin, png)
    async with tools.data.transaction(database.WORKER) as tx:
        dead = await rows.claim(tx, media_id, SMALL.name, seconds=60)
    assert dead is not None
    waiting = asyncio.create_task(answering.get(media_id, SMALL))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    change(admin, "update ambrotype.rendition set until = now()")
    answering.heard("")
    assert (await waiting).path == f"renditions/{media_id}/{SMALL.name}-2.webp"
    async with tools.data.transaction(database.WORKER) as tx:  # and whoever was only slow comes too late
        late = await rows.made(
            tx, dead, bucket="media", path="other", size=1, sha256=bytes(32), content_type="image/webp"
        )
    assert not late
    assert told(admin, media_id) == {SMALL.name: ("made", 2)}


async def test_what_can_not_be_made_is_tried_once(
    tools: making.Tools, admin: str, answering: rendering.Rendering, png: bytes
) -> None:
    media_id = await kept(tools, admin, png[:100] + bytes(len(png) - 100))
    told_why = set()
    for _ in range(3):
        with pytest.raises(errors.NotMedia) as refused:
            await answering.get(media_id, SMALL)
        told_why.add(refused.value.detail)
    assert len(told_why) == 1
    assert told(admin, media_id) == {SMALL.name: ("failed", 1)}


async def test_a_killed_child_is_no_reason(
    tools: making.Tools, admin: str, answering: rendering.Rendering, monkeypatch: pytest.MonkeyPatch, png: bytes
) -> None:
    media_id = await kept(tools, admin, png)

    async def killed(*_: object, **__: object) -> None:
        raise errors.NotMedia("The decoder was killed.", retry=True)

    with monkeypatch.context() as patched:
        patched.setattr(tools.decoder, "picture", killed)
        with pytest.raises(errors.Unavailable) as put_off:
            await answering.get(media_id, SMALL)
    assert put_off.value.retry_after
    change(admin, "update ambrotype.rendition set until = now()")
    assert (await answering.get(media_id, SMALL)).state == "made"


async def test_a_full_store_puts_renditions_off(
    tools: making.Tools, admin: str, tmp_path: Path, answering: rendering.Rendering, png: bytes
) -> None:
    media_id = await kept(tools, admin, png)
    full = local.Local(tmp_path / "store", min_free=1 << 60)
    paused = rendering.Rendering(making.Tools(data=tools.data, store=full, decoder=tools.decoder, spool=tools.spool))
    for _ in range(2):
        with pytest.raises(errors.Unavailable):
            await paused.get(media_id, SMALL)
    await paused.close()
    await full.close()
    assert told(admin, media_id) == {SMALL.name: ("wanted", 1)}
    change(admin, "update ambrotype.rendition set until = now()")
    assert (await answering.get(media_id, SMALL)).state == "made"


async def test_what_nobody_uses_goes_and_comes_back(tools: making.Tools, admin: str, png: bytes) -> None:
    media_id = await kept(tools, admin, png)

    async def get() -> rows.Known:
        one = rendering.Rendering(tools)  # which remembers nothing
        try:
            return await one.get(media_id, SMALL)
        finally:
            await one.close()

    first = await get()
    await sweeping.sweep(tools.data, tools.store, days=30)
    assert told(admin, media_id) == {SMALL.name: ("made", 1)}
    change(admin, "update ambrotype.rendition set used_at = now() - interval '31 days'")
    await sweeping.sweep(tools.data, tools.store, days=30)
    assert told(admin, media_id) == {SMALL.name: ("dropped", 1)}
    assert (await get()).path == first.path, "its file is still there, and it is taken back"
    change(admin, "update ambrotype.rendition set state = 'dropped', until = now()")
    await sweeping.sweep(tools.data, tools.store, days=30)
    assert (told(admin, media_id), stored(tools, media_id)) == ({}, [])
    assert (await get()).sha256 == first.sha256
    assert len(stored(tools, media_id)) == 1


async def test_thumbnails_and_posters_stay(tools: making.Tools, admin: str, png: bytes) -> None:
    media_id = await kept(tools, admin, png)
    one = rendering.Rendering(tools)
    await one.get(media_id, renditions.THUMB)
    await one.close()
    change(admin, "update ambrotype.rendition set used_at = now() - interval '999 days'")
    await sweeping.sweep(tools.data, tools.store, days=30)
    assert told(admin, media_id) == {"thumb": ("made", 1)}


async def test_an_item_keeps_a_limited_number_of_them(
    tools: making.Tools, admin: str, answering: rendering.Rendering, monkeypatch: pytest.MonkeyPatch, png: bytes
) -> None:
    media_id = await kept(tools, admin, png)
    monkeypatch.setattr(making, "MOST", 3)
    await answering.get(media_id, renditions.THUMB)
    for w in ("64", "128", "256", "320", "400"):
        await answering.get(media_id, renditions.parse({"w": w}, accept="", exact=False))
    states = [state for state, _ in told(admin, media_id).values()]
    assert (states.count("made"), states.count("dropped")) == (4, 2)
    assert told(admin, media_id)["thumb"] == ("made", 1)


async def test_a_purge_leaves_nothing_even_of_what_no_row_knows(
    tools: making.Tools, admin: str, answering: rendering.Rendering, png: bytes
) -> None:
    media_id = await kept(tools, admin, png)
    other = await kept(tools, admin, png)
    for one in (media_id, other):
        await answering.get(one, SMALL)
    writer = await tools.store.create(
        contract.Key("media", f"renditions/{media_id}/left-behind-7.webp"), content_type="image/webp"
    )
    await writer.write(b"x")
    await writer.seal()
    await writer.publish()
    async with tools.data.transaction(database.WORKER) as tx:
        await sweeping.remove_all(tx, tools.store, "media", media_id)
    assert (stored(tools, media_id), told(admin, media_id)) == ([], {})
    assert len(stored(tools, other)) == 1


async def test_a_worker_makes_what_was_wished_for(tools: making.Tools, admin: str) -> None:
    media_id = await kept(tools, admin, films.film(160, 90, seconds=1), "video/mp4")
    worker = working.Working(tools, eager=["preview"], busy=lambda: False)
    async with tools.data.transaction(database.WORKER) as tx:
        source = await rows.source(tx, media_id)
    assert source is not None
    assert isinstance(tools.store, local.Local)
    await worker.at_once(
        media_id, tools.store.path(contract.Key(source.bucket, source.path)), "trainedAlgorithmicMedia"
    )
    assert told(admin, media_id) == {"thumb": ("made", 1), "poster": ("made", 1), "preview": ("wanted", 0)}
    assert await worker.round()
    assert told(admin, media_id)["preview"] == ("made", 1)
    assert not await worker.round()


async def test_a_film_that_is_too_long_to_make_ends_its_child_alone(
    tools: making.Tools, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    media_id = await kept(tools, admin, hostile.lasting(films.film(1280, 720, seconds=8), 1), "video/mp4")
    monkeypatch.setattr(decoders, "LEAST_FILM", 0.05)
    monkeypatch.setattr(decoders, "PER_SECOND", 0.0)
    monkeypatch.setattr(making, "TRIES", 1)
    worker = working.Working(tools, eager=[], busy=lambda: False)
    async with tools.data.transaction(database.WORKER) as tx:
        await rows.wish(tx, media_id, "480p")
    with pytest.raises(errors.NotMedia, match="took longer"):
        await worker.round()
    assert told(admin, media_id) == {"480p": ("failed", 1)}


async def test_only_its_owner_reads_of_it(
    tools: making.Tools, admin: str, answering: rendering.Rendering, png: bytes
) -> None:
    media_id = await kept(tools, admin, png)
    await answering.get(media_id, SMALL)
    async with tools.data.transaction(database.NOBODY) as tx:
        assert await tx.all("select * from ambrotype.rendition") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with tools.data.transaction(database.NOBODY) as tx:
            await tx.run("delete from ambrotype.rendition")
