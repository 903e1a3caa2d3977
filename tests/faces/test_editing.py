"""Editing, versions, collections and webhooks do the same on a server and on a folder."""

import asyncio
import uuid
from typing import get_type_hints

import pytest

import ambrotype
from ambrotype import fields
from ambrotype.core import errors
from ambrotype.library import changes, filters
from ambrotype.simulator import server as simulators
from tests.faces.test_verbs import Face, face
from tests.support.server import Server

__all__ = ["face"]


def test_the_faces_take_every_field_that_the_server_takes() -> None:
    for given, taken in (
        (fields.EditFields, changes.Changes),
        (fields.CollectionFields, changes.CollectionChanges),
        (fields.WebhookFields, changes.WebhookChanges),
        (fields.ListFields, filters.Filters),
    ):
        assert {*get_type_hints(given)} == {*taken.model_fields}


async def test_an_item_is_edited_by_what_is_named(face: Face) -> None:
    item = await face.keep(
        "http://127.0.0.1:9/a.png", mode="temporary", title="old", description="stays", tags=["a"], metadata={"n": 1}
    )

    edited = await face.edit(item.id, title=None, tags=["b", "b"], metadata={"n": None, "m": 2}, favorite=True)

    assert (edited.title, edited.description, edited.tags) == (None, "stays", ["b"])
    assert (edited.metadata, edited.favorite) == ({"m": 2}, True)
    with pytest.raises(errors.PreconditionFailed):
        await face.edit(item.id, if_match='"another"', title="late")
    known = await face.get(item.id)
    await face.edit(item.id, if_match=known.etag, title="new")
    assert [one.id async for one in face.list(status="temporary", q="new", tag="b", favorite=True)] == [item.id]
    with pytest.raises(errors.InvalidRequest):
        await face.edit(item.id, colour="red")  # type: ignore[call-arg]


async def test_an_item_goes_to_the_trash_and_comes_back_and_ends(face: Face, sim: simulators.Simulator) -> None:
    item = await face.keep(sim.sign(sim.image(2)), wait=30)
    child = await face.keep(sim.sign(sim.image(3)), parents=[{"id": item.id, "role": "base_image"}], wait=30)

    with pytest.raises(errors.Conflict):
        await face.delete(item.id, purge=True)
    trashed = await face.delete(item.id)
    assert trashed is not None
    assert trashed.deleted_at is not None
    assert [one.id async for one in face.list(trashed=True)] == [item.id]
    assert (await face.restore(item.id)).deleted_at is None
    await face.delete(item.id)
    with pytest.raises(errors.InUse):
        await face.delete(item.id, purge=True)
    graph = await face.lineage(child.id)
    assert {node.id for node in graph.nodes} == {item.id, child.id}
    assert [(edge.from_, edge.to, edge.role) for edge in graph.edges] == [(item.id, child.id, "base_image")]
    assert await face.delete(item.id, purge=True, force=True) is None
    with pytest.raises(errors.Gone):
        await face.get(item.id)


async def test_what_has_no_bytes_ends_at_once(face: Face) -> None:
    item = await face.keep("http://127.0.0.1:9/a.png", mode="temporary")

    assert await face.delete(item.id) is None


async def test_many_are_changed_at_once_and_each_fails_alone(face: Face) -> None:
    urls = [f"http://127.0.0.1:9/{n}.png" for n in range(3)]
    made = [one for one in await face.keep_many(urls, mode="temporary") if isinstance(one, ambrotype.Media)]
    missing = uuid.uuid4()

    done = await face.bulk("tag", ids=[*(one.id for one in made), missing], tags=["fox"])

    assert (done.done, [(one.id, one.code) for one in done.failed]) == (3, [(missing, "not_found")])
    every = await face.bulk("favorite", filters={"status": "temporary", "tag": "fox"})
    assert (every.done, every.failed, every.operation_id) == (3, [], None)
    assert all([(one.tags, one.favorite) == (["fox"], True) async for one in face.list(status="temporary")])
    with pytest.raises(errors.InvalidRequest):
        await face.bulk("tag", ids=[made[0].id])
    with pytest.raises(errors.NotFound):
        await face.operation(uuid.uuid4())


async def test_more_than_a_thousand_become_an_operation(server: Server) -> None:
    async with ambrotype.AsyncClient(server.url, key=server.key, owner=f"user:{uuid.uuid4()}") as client:
        await client.keep_many([f"http://127.0.0.1:9/{n}.png" for n in range(1001)], mode="temporary")

        begun = await client.bulk("favorite", filters={"status": "temporary"})

        assert begun.operation_id is not None
        async with asyncio.timeout(120):
            while (found := await client.operation(begun.operation_id)).state != "done":
                await asyncio.sleep(0.2)
        assert (found.done, found.total, found.failures) == (1001, 1001, [])


async def test_versions_of_a_slot_are_shown_and_pruned(face: Face, sim: simulators.Simulator) -> None:
    project, slot = "film/1", ".."
    for n in (4, 5, 6):
        await face.keep(sim.sign(sim.image(n)), project=project, slot=slot, wait=30)

    (found,) = [one async for one in face.projects()]
    assert (found.name, found.items, found.slots) == (project, 3, 1)
    assert [one.slot async for one in face.slots(project)] == [slot]
    shown = await face.slot(project, slot)
    assert [one.version for one in shown.versions] == [3, 2, 1]
    back = await face.show_version(project, slot, 1)
    assert back.current is not None
    assert (back.current.version, back.url) == (1, back.current.url)
    assert await face.prune(project, slot, keep=1) == 1
    assert [one.version for one in (await face.slot(project, slot)).versions] == [3, 1]
    with pytest.raises(errors.NotFound):
        await face.slot(project, "none")
    with pytest.raises(errors.InvalidRequest):
        await face.prune(project, slot, keep=0)


async def test_a_collection_keeps_its_order(face: Face) -> None:
    urls = [f"http://127.0.0.1:9/{n}.png" for n in range(3)]
    first, second, third = [(await face.keep(url, mode="temporary")).id for url in urls]
    made = await face.create_collection("moods", description="blue")

    await face.collect(made.id, first)
    await face.collect(made.id, second, note="darker")
    placed = await face.collect(made.id, third, before=first)

    assert placed.media.id == third
    assert [(one.media.id, one.note) async for one in face.collection_items(made.id)] == [
        (third, None), (first, None), (second, "darker"),
    ]  # fmt: skip
    edited = await face.edit_collection(made.id, name="blues", featured_id=second)
    assert (edited.name, edited.description, edited.featured_id) == ("blues", "blue", second)
    await face.uncollect(made.id, first)
    assert (await face.collection(made.id)).count == 2
    assert [one.id async for one in face.collections()] == [made.id]
    with pytest.raises(errors.InvalidRequest):
        await face.collect(made.id, first, before=second, after=third)
    await face.delete_collection(made.id)
    with pytest.raises(errors.NotFound):
        await face.collection(made.id)


async def test_webhooks_are_made_tried_and_removed(face: Face) -> None:
    made = await face.create_webhook("http://127.0.0.1:9/hook", events=["media.kept"])

    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)
    assert [(one.id, one.events) async for one in face.webhooks()] == [(made.id, ["media.kept"])]
    tried = await face.test_webhook(made.id)
    assert [(one.id, one.type) async for one in face.webhook_deliveries(made.id)] == [(tried.id, "webhook.test")]
    assert (await face.edit_webhook(made.id, active=False)).active is False
    for wrong in ("ftp://example.com/", "http://10.0.0.1/"):
        with pytest.raises(errors.AmbrotypeError):
            await face.create_webhook(wrong)
    await face.delete_webhook(made.id)
    with pytest.raises(errors.NotFound):
        await face.test_webhook(made.id)


async def test_they_work_without_await(server: Server, sim: simulators.Simulator) -> None:
    """In a thread: the simulator answers on this one."""

    def program() -> None:
        with ambrotype.Client(server.url, key=server.key, owner=f"user:{uuid.uuid4()}") as client:
            item = client.keep(sim.sign(sim.image(7)), project="film", slot="a", wait=30)
            assert client.edit(item.id, title="mine").title == "mine"
            assert client.bulk("tag", ids=iter([item.id]), tags=iter(["fox"])).done == 1
            assert [one.id for one in client.lineage(item.id).nodes] == [item.id]
            assert [one.name for one in client.projects()] == ["film"]
            assert [one.slot for one in client.slots("film")] == ["a"]
            assert client.show_version("film", "a", 1) == client.slot("film", "a")
            assert client.prune("film", "a", keep=1) == 0
            made = client.create_collection("moods")
            client.collect(made.id, item.id)
            assert [one.media.id for one in client.collection_items(made.id)] == [item.id]
            client.uncollect(made.id, item.id)
            assert [one.id for one in client.collections()] == [client.collection(made.id).id]
            assert client.edit_collection(made.id, name="blues").name == "blues"
            client.delete_collection(made.id)
            hook = client.create_webhook("http://127.0.0.1:9/hook")
            tried = client.test_webhook(hook.id)
            assert [one.id for one in client.webhook_deliveries(hook.id)] == [tried.id]
            assert client.edit_webhook(hook.id, events=["media.lost"]).events == ["media.lost"]
            client.delete_webhook(hook.id)
            assert list(client.webhooks()) == []
            assert client.delete(item.id) is not None
            assert client.restore(item.id).deleted_at is None

    await asyncio.to_thread(program)
