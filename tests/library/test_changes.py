"""Editing, trash, versions, lineage, collections, bulk: what changes, and what must not."""

import asyncio
import itertools
import uuid

import psycopg
import pytest

from ambrotype.core import errors, media, projects
from ambrotype.library import collections, editing, events, filters, lineage, listing, versions
from ambrotype.records import database
from ambrotype.records import events as positions
from tests.library import shelf


async def shown(data: database.Database, media_id: uuid.UUID) -> media.Media:
    return await listing.get(data, shelf.ANNA, shelf.ADDRESSES, media_id)


async def edit(
    data: database.Database, media_id: uuid.UUID, if_match: str | None = None, **changes: object
) -> media.Media:
    return await editing.edit(data, shelf.ANNA, shelf.ADDRESSES, media_id, changes, if_match=if_match)


async def test_an_edit_merges_clears_replaces_and_is_found_by_its_words(data: database.Database) -> None:
    made = await shelf.kept(data, title="old", metadata={"a": 1, "b": 2}, tags=["x"], prompt="fox")
    item = await edit(data, made, title="Neuer Titel", metadata={"b": None, "c": 3}, tags=["y", "z", "y"])
    assert (item.title, item.metadata, item.tags, item.prompt) == ("Neuer Titel", {"a": 1, "c": 3}, ["y", "z"], "fox")
    found = await listing.page(data, shelf.ANNA, shelf.ADDRESSES, filters=filters.Filters(q="neuer y "))
    assert [m.id for m in found.items] == [made]
    assert not (await listing.page(data, shelf.ANNA, shelf.ADDRESSES, filters=filters.Filters(q="old "))).items
    assert (await edit(data, made, title=None, metadata=None)).metadata == {}


async def test_an_edit_of_what_has_changed_meanwhile_is_refused(data: database.Database) -> None:
    before = await shown(data, await shelf.kept(data))
    after = await edit(data, before.id, if_match=before.etag, favorite=True)
    assert after.favorite
    with pytest.raises(errors.PreconditionFailed):
        await edit(data, before.id, if_match=before.etag, favorite=False)


async def test_the_trash_holds_what_has_bytes_and_gives_it_back(data: database.Database) -> None:
    kept, promised = await shelf.kept(data), await shelf.accepted(data)
    assert await editing.delete(data, shelf.ANNA, kept)
    assert not await editing.delete(data, shelf.ANNA, promised)
    assert (await shown(data, kept)).deleted_at is not None
    with pytest.raises(errors.Gone):
        await shown(data, promised)
    await editing.restore(data, shelf.ANNA, kept)
    assert (await shown(data, kept)).deleted_at is None


async def test_what_is_restored_stays_beside_what_was_kept_anew_meanwhile(data: database.Database) -> None:
    url = "https://example.com/one.png"
    first = await shelf.kept(data, url=url)
    await editing.delete(data, shelf.ANNA, first)
    second = await shelf.kept(data, url=url)
    assert second != first
    await editing.restore(data, shelf.ANNA, first)
    found = await listing.page(data, shelf.ANNA, shelf.ADDRESSES)
    assert {m.id for m in found.items} == {first, second}
    assert await shelf.accepted(data, url=url) == second


async def test_purging_needs_the_trash_and_says_what_hangs_on_it(data: database.Database) -> None:
    parent = await shelf.kept(data)
    child = await shelf.kept(data, parents=[{"id": parent, "role": "base_image"}])
    with pytest.raises(errors.Conflict):
        await editing.purge(data, shelf.ANNA, parent, force=False)
    await editing.delete(data, shelf.ANNA, parent)
    with pytest.raises(errors.InUse, match="1 media items"):
        await editing.purge(data, shelf.ANNA, parent, force=False)
    await editing.purge(data, shelf.ANNA, parent, force=True)
    with pytest.raises(errors.Gone):
        await shown(data, parent)
    assert (await shown(data, child)).status == "kept"


async def test_nobody_changes_another_s(data: database.Database) -> None:
    made = await shelf.kept(data)
    for change in (
        editing.edit(data, shelf.BERT, shelf.ADDRESSES, made, {"title": "mine"}),
        editing.delete(data, shelf.BERT, made),
        editing.restore(data, shelf.BERT, made),
        editing.purge(data, shelf.BERT, made, force=True),
    ):
        with pytest.raises(errors.NotFound):
            await change
    assert (await shown(data, made)).title is None


async def slot(data: database.Database) -> projects.Slot:
    return await versions.slot(data, shelf.ANNA, shelf.ADDRESSES, "film", "hero")


async def test_a_slot_shows_the_newest_kept_version_and_what_is_pending(data: database.Database) -> None:
    first = await shelf.accepted(data, project="film", slot="hero")
    found = await slot(data)
    assert (found.current, found.pending and found.pending.id) == (None, first)
    assert found.url == (await shown(data, first)).url
    await shelf.keep(data, first)
    second, third = [await shelf.accepted(data, project="film", slot="hero") for _ in range(2)]
    await shelf.keep(data, third)
    await shelf.keep(data, second)
    found = await slot(data)
    assert found.current is not None
    assert (found.current.id, found.current.version, found.pending) == (third, 3, None)
    assert [item.version for item in found.versions] == [3, 2, 1]
    assert [item.is_current for item in found.versions] == [True, False, False]


async def test_an_old_version_is_brought_back_until_a_newer_one_is_kept(data: database.Database) -> None:
    made = [await shelf.kept(data, project="film", slot="hero") for _ in range(3)]
    await versions.show(data, shelf.ANNA, "film", "hero", 1)
    current = (await slot(data)).current
    assert current is not None
    assert current.id == made[0]
    newest = await shelf.kept(data, project="film", slot="hero")
    current = (await slot(data)).current
    assert current is not None
    assert current.id == newest
    with pytest.raises(errors.NotFound):
        await versions.show(data, shelf.ANNA, "film", "hero", 9)


async def test_pruning_spares_the_newest_and_the_current(data: database.Database) -> None:
    made = [await shelf.kept(data, project="film", slot="hero") for _ in range(5)]
    await versions.show(data, shelf.ANNA, "film", "hero", 1)
    assert await versions.prune(data, shelf.ANNA, "film", "hero", keep=2) == 2
    assert {item.id for item in (await slot(data)).versions} == {made[0], made[3], made[4]}


async def test_concurrent_writers_of_a_slot_leave_its_newest_version_current(data: database.Database) -> None:
    promised = await asyncio.gather(*(shelf.accepted(data, project="film", slot="hero") for _ in range(12)))
    await asyncio.gather(*(shelf.keep(data, media_id) for media_id in promised))
    found = await slot(data)
    assert found.current is not None
    assert found.current.version == 12
    assert sorted(item.version or 0 for item in found.versions) == list(range(1, 13))


async def test_lineage_reaches_any_depth_and_into_the_trash(data: database.Database) -> None:
    chain = [await shelf.kept(data)]
    for n in range(12):
        chain.append(await shelf.kept(data, parents=[{"id": chain[-1], "role": f"step{n}"}]))
    await editing.delete(data, shelf.ANNA, chain[0])
    graph = await lineage.graph(data, shelf.ANNA, shelf.ADDRESSES, chain[6])
    assert {node.id for node in graph.nodes} == set(chain)
    assert {(edge.from_, edge.to) for edge in graph.edges} == set(itertools.pairwise(chain))
    with pytest.raises(errors.NotFound):
        await lineage.graph(data, shelf.BERT, shelf.ADDRESSES, chain[6])


async def test_a_collection_s_order_survives_concurrent_moves(data: database.Database) -> None:
    mood = await collections.create(data, shelf.ANNA, shelf.ADDRESSES, {"name": "Mood"})
    made = [await shelf.kept(data) for _ in range(8)]
    for media_id in made:
        await collections.put(data, shelf.ANNA, shelf.ADDRESSES, mood.id, media_id)

    async def order() -> list[uuid.UUID]:
        found, cursor = [], None
        while True:
            page = await collections.items(data, shelf.ANNA, shelf.ADDRESSES, mood.id, cursor=cursor, limit=3)
            found += [item.media.id for item in page.items]
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor

    assert await order() == made
    await asyncio.gather(
        *(
            collections.change(data, shelf.ANNA, shelf.ADDRESSES, mood.id, made[n], {"before": made[(n + 3) % 8]})
            for n in range(8)
            for _ in range(4)
        )
    )
    assert sorted(await order()) == sorted(made)
    for _ in range(130):  # halving a gap again and again runs into the renumbering
        await collections.change(data, shelf.ANNA, shelf.ADDRESSES, mood.id, made[0], {"after": made[1]})
        await collections.change(data, shelf.ANNA, shelf.ADDRESSES, mood.id, made[2], {"after": made[1]})
    found = await order()
    at = found.index(made[1])
    assert found[at : at + 3] == [made[1], made[2], made[0]]


async def test_a_collection_takes_only_what_is_its_owner_s(data: database.Database) -> None:
    mood = await collections.create(data, shelf.ANNA, shelf.ADDRESSES, {"name": "Mood"})
    theirs = await shelf.kept(data, shelf.BERT)
    with pytest.raises(errors.NotFound):
        await collections.put(data, shelf.ANNA, shelf.ADDRESSES, mood.id, theirs)
    with pytest.raises(errors.NotFound):
        await collections.put(data, shelf.BERT, shelf.ADDRESSES, mood.id, theirs)
    with pytest.raises(errors.NotFound):
        await collections.get(data, shelf.BERT, shelf.ADDRESSES, mood.id)


async def test_a_late_commit_with_an_earlier_id_is_not_missed(data: database.Database, admin: str) -> None:
    """Two interleaved transactions: the first to write is the last to commit."""
    await shelf.kept(data)
    async with data.transaction(shelf.ANNA) as tx:
        since = await positions.now(tx)
        seen = [row["type"] for row in await positions.after(tx, since, most=100)]
    assert seen == []

    async def read() -> list[dict[str, object]]:
        async with data.transaction(shelf.ANNA) as tx:
            return await positions.after(tx, since, most=100)

    with psycopg.connect(admin) as early, psycopg.connect(admin) as late:
        insert = "insert into ambrotype.event (app, owner_id, type) select app, id, %s from ambrotype.owner where subject = 'anna'"
        early.execute(insert, ["early"])
        late.execute(insert, ["late"])
        late.commit()
        assert await read() == []  # what would be shown now could hide what is not committed yet
        early.commit()
    found = await read()
    assert [row["type"] for row in found] == ["early", "late"]


async def test_the_stream_tells_everything_behind_its_last_id_once(data: database.Database) -> None:
    made = await shelf.kept(data)
    await shelf.kept(data, shelf.BERT)
    woken = asyncio.Event()

    async def still() -> None:
        return None

    async def first(n: int, since: positions.Position | None) -> list[tuple[positions.Position, media.Event]]:
        found = []
        async for one in events.stream(data, shelf.ANNA, since=since, woken=woken, still=still, beat=60):
            assert one is not None
            found.append(one)
            if len(found) == n:
                break
        return found

    told = await asyncio.wait_for(first(2, (0, 0)), 20)
    assert [(event.type, event.media_id) for _, event in told] == [("media.keeping", made), ("media.kept", made)]
    again = await asyncio.wait_for(first(1, told[0][0]), 20)
    assert again == told[1:]


async def test_what_is_written_beside_the_item_changes_the_item(data: database.Database, admin: str) -> None:
    """A list shows by revision, and a client compares by ETag: both follow from the row's time alone."""
    item = await shelf.kept(data)
    seen = set()
    for change in (
        "cost = '{\"amount\": 1}'",
        "source_url = 'https://example.com/new'",
        "prompt = 'x'",
        "tags = '{a}'",
    ):
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"update ambrotype.media_text set {change} where media_id = %s".encode(), [item])
        seen.add((await listing.heads(data, shelf.ANNA)).revisions[0])
    assert len(seen) == 4
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("update ambrotype.media_text set suggested_tags = '{b}' where media_id = %s", [item])
    assert (await listing.heads(data, shelf.ANNA)).revisions[0] in seen
    shown = await listing.by_revision(data, shelf.ANNA, shelf.ADDRESSES, list(seen))
    assert {now for now, _ in shown.values()} == set((await listing.heads(data, shelf.ANNA)).revisions)
