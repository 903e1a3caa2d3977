"""Uploading and downloading from Python and the command line: the same on a folder and over HTTP."""

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import ambrotype
from ambrotype.core import errors
from ambrotype.simulator import media as made
from tests.api import samples
from tests.api import stack as stacks
from tests.cli import commands
from tests.support import cable as cables
from tests.support import server as servers

MIB = 2**20


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[ambrotype.Library]:
    async with ambrotype.open(tmp_path / "media", min_free=0, work=False) as opened:
        yield opened


@pytest.fixture
async def cable(stack: stacks.Stack) -> AsyncIterator[cables.Cable]:
    made_ = cables.Cable(stack.port)
    await made_.mend()
    yield made_
    await made_.cut()


@pytest.fixture
def owner() -> str:
    return stacks.somebody()


@pytest.fixture
async def client(cable: cables.Cable, owner: str) -> AsyncIterator[ambrotype.AsyncClient]:
    async with ambrotype.AsyncClient(cable.endpoint, key=servers.KEY, owner=owner) as opened:
        yield opened


async def test_a_folder_takes_files_and_gives_them_back(library: ambrotype.Library, tmp_path: Path) -> None:
    content = samples.picture(300)
    path = tmp_path / "fox.png"
    path.write_bytes(content)
    seen: list[tuple[int, int]] = []
    item = await library.upload(path, progress=lambda *at: seen.append(at), project="film", slot="hero")
    assert (item.status, item.sha256, item.name, item.slot) == ("kept", samples.sha256(content), "fox.png", "hero")
    assert seen[-1] == (len(content), len(content))
    assert (await library.upload(io.BytesIO(content), filename="x.png", project="film", slot="hero")).id == item.id
    back = await library.download(item.id, tmp_path / "back.png")
    assert back.read_bytes() == content
    with pytest.raises(errors.NotMedia):
        await library.upload(b"hello", filename="a.txt")
    with pytest.raises(errors.InvalidRequest):
        await library.upload(tmp_path / "nothing.png")


async def test_a_server_takes_small_files_and_gives_them_back(client: ambrotype.AsyncClient, tmp_path: Path) -> None:
    content = samples.picture(301)
    item = await client.upload(content, filename="fox.png", title="A fox", tags=["a"])
    assert (item.sha256, item.title, item.tags, item.name) == (samples.sha256(content), "A fox", ["a"], "fox.png")
    assert (await client.download(item.id, tmp_path)).read_bytes() == content
    assert (tmp_path / "fox.png").read_bytes() == content
    with pytest.raises(errors.NotMedia):
        await client.upload(b"hello", filename="a.txt")


async def test_a_large_file_goes_on_when_the_cable_is_cut(
    client: ambrotype.AsyncClient, cable: cables.Cable, tmp_path: Path
) -> None:
    content = made.padded_png(40 * MIB, seed=6)
    path = tmp_path / "large.png"
    path.write_bytes(content)
    cuts: list[asyncio.Task[None]] = []

    async def cut() -> None:
        await cable.cut()
        await asyncio.sleep(0.2)
        await cable.mend()

    def told(done: int, total: int) -> None:
        if done > (len(cuts) + 1) * 10 * MIB and len(cuts) < 3 and all(task.done() for task in cuts):
            cuts.append(asyncio.get_running_loop().create_task(cut()))

    item = await client.upload(path, progress=told, state=tmp_path / "state.json")
    await asyncio.gather(*cuts)
    assert len(cuts) == 3
    assert (item.sha256, item.size) == (samples.sha256(content), len(content))
    assert json.loads((tmp_path / "state.json").read_text()) == {}
    target = tmp_path / "back.png"
    (tmp_path / f"back.png.{str(item.id)[-12:]}.part").write_bytes(content[: 5 * MIB])
    assert (await client.download(item.id, target)).read_bytes() == content


async def test_another_run_goes_on_with_a_large_file(
    client: ambrotype.AsyncClient, cable: cables.Cable, stack: stacks.Stack, owner: str, tmp_path: Path
) -> None:
    content = made.padded_png(30 * MIB, seed=7)
    path, state = tmp_path / "large.png", tmp_path / "state.json"
    path.write_bytes(content)

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > 15 * MIB:
            raise Stopped

    with pytest.raises(Stopped):
        await client.upload(path, progress=stop, state=state)
    (where,) = json.loads(state.read_text()).values()
    upload = where.rpartition("/")[2]
    await asyncio.to_thread(
        stacks.until,
        lambda: stack.sql(
            "select 1 from ambrotype.upload where id = %(id)s and lease is null and received > 1", id=upload
        ),
    )
    seen: list[int] = []
    item = await client.upload(path, progress=lambda done, total: seen.append(done), state=state)
    assert str(item.id) == upload
    assert seen[0] > MIB
    assert item.sha256 == samples.sha256(content)


async def test_a_damaged_download_gets_no_name(client: ambrotype.AsyncClient, tmp_path: Path) -> None:
    content = samples.picture(302)
    item = await client.upload(content, filename="fox.png")
    (tmp_path / f"x.png.{str(item.id)[-12:]}.part").write_bytes(b"wrong")
    with pytest.raises(errors.DigestMismatch):
        await client.download(item.id, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()
    assert (await client.download(item.id, tmp_path / "x.png")).read_bytes() == content


def test_the_blocking_client_does_the_same(stack: stacks.Stack, owner: str, tmp_path: Path) -> None:
    content = samples.picture(303)
    with ambrotype.Client(f"http://127.0.0.1:{stack.port}", key=servers.KEY, owner=owner) as client:
        item = client.upload(content, filename="fox.png")
        assert client.download(item.id, tmp_path / "x.png").read_bytes() == content


@pytest.fixture
def remote(stack: stacks.Stack, owner: str) -> tuple[str, ...]:
    return ("--url", f"http://127.0.0.1:{stack.port}", "--key", servers.KEY, "--owner", owner)


def test_the_command_uploads_folders_and_downloads(remote: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "renders"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden.png").write_bytes(b"no")
    (folder / "a.png").write_bytes(samples.picture(304))
    (folder / "deep" / "b.png").write_bytes(samples.picture(305))
    done = commands.run("upload", folder, "--tag", "film", "--json", *remote, cwd=tmp_path)
    assert done.code == 0, done.err
    found = done.json
    assert [item["name"] for item in found] == ["a.png", "b.png"]
    assert [item["tags"] for item in found] == [["film"], ["film"]]
    back = commands.run("download", found[0]["id"], found[1]["id"], "-o", tmp_path, *remote, cwd=tmp_path)
    assert back.code == 0, back.err
    assert back.out.splitlines() == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    assert (tmp_path / "b.png").read_bytes() == samples.picture(305)


def test_the_command_says_what_it_could_not_do(remote: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(samples.picture(306))
    (tmp_path / "b.txt").write_text("hello")
    done = commands.run("upload", "b.txt", "a.png", *remote, cwd=tmp_path)
    assert done.code == 1
    assert "b.txt: " in done.err
    assert "1 of 2 done, 1 failed." in done.err
    first, second = done.out.splitlines()
    assert first == ""
    assert second.endswith("/a.png")
    missing = commands.run("download", str(uuid.uuid4()), *remote, cwd=tmp_path)
    assert missing.code == 1
