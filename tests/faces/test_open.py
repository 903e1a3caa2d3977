"""`ambrotype.open`: one folder, any number of programs and servers on it, and nothing begun is forgotten."""

import asyncio
import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ambrotype
from ambrotype import app
from ambrotype.core import errors
from ambrotype.simulator import server as simulators
from tests.support import server as servers

LOOPBACK = ("127.0.0.0/8",)


async def test_what_is_not_done_at_the_end_goes_on_at_the_next_start(tmp_path: Path, sim: simulators.Simulator) -> None:
    async with ambrotype.open(tmp_path / "media", fetch_allow=LOOPBACK) as library:
        busy = await library.keep(sim.sign(sim.image(1), fault="status", code=503, times=1))
    async with ambrotype.open(tmp_path / "media", work=False, fetch_allow=LOOPBACK) as library:
        promised = await library.keep(sim.sign(sim.image(2)), prompt="later")
        with pytest.raises(TimeoutError):
            await library.settled(promised.id, timeout=0)

    async with ambrotype.open(tmp_path / "media", fetch_allow=LOOPBACK) as library:
        kept = await library.settled([busy.id, promised.id], timeout=60)

    assert [(one.status, one.url) for one in kept] == [("kept", busy.url), ("kept", promised.url)]


async def test_a_folder_may_be_open_twice_at_once(tmp_path: Path, sim: simulators.Simulator) -> None:
    async with ambrotype.open(tmp_path / "media", fetch_allow=LOOPBACK) as one:
        async with ambrotype.open(tmp_path / "media", work=False, fetch_allow=LOOPBACK) as two:
            item = await two.keep(sim.sign(sim.image(3)))
            assert (await two.settled(item.id, timeout=60)).status == "kept"
        assert (await one.get(item.id)).status == "kept"


async def test_other_programs_have_it_open_too(tmp_path: Path, sim: simulators.Simulator) -> None:
    program = (
        "import ambrotype, asyncio, sys\n"
        "async def main():\n"
        "    async with ambrotype.open(sys.argv[1], fetch_allow=('127.0.0.0/8',)) as library:\n"
        "        item = await library.keep(sys.argv[2])\n"
        "        print((await library.settled(item.id, timeout=60)).id)\n"
        "asyncio.run(main())\n"
    )
    async with ambrotype.open(tmp_path / "media", fetch_allow=LOOPBACK) as library:
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(tmp_path / "media"), sim.sign(sim.image(4)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        printed, said = await done.communicate()

        assert (done.returncode, said) == (0, b"")
        assert (await library.get(printed.decode().strip())).status == "kept"


async def test_a_server_on_the_same_folder_shows_what_was_kept_here(tmp_path: Path, sim: simulators.Simulator) -> None:
    with servers.running(tmp_path / "media") as server:
        async with ambrotype.open(tmp_path / "media", work=False, fetch_allow=LOOPBACK) as library:
            mine = await library.keep(sim.sign(sim.image(5)), wait=30)
            async with ambrotype.AsyncClient(server.url, key=server.key) as client:
                assert (await client.get(mine.id)).sha256 == mine.sha256 is not None
                theirs = await client.keep(sim.sign(sim.image(6)), wait=30)
            assert (await library.get(theirs.id)).status == "kept"


async def test_an_owner_sees_what_is_theirs_and_the_administrator_everything(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/a.png"
    async with (
        ambrotype.open(tmp_path / "media", work=False, fetch_allow=LOOPBACK) as everything,
        ambrotype.open(tmp_path / "media", work=False, fetch_allow=LOOPBACK, owner="user:1") as one,
        ambrotype.open(tmp_path / "media", work=False, fetch_allow=LOOPBACK, owner="user:1", app="shop") as elsewhere,
    ):
        made = [await library.keep(url) for library in (everything, one, elsewhere)]

        assert [item.owner for item in made] == ["service", "user:1", "user:1"]
        assert len({item.id for item in made}) == 3
        assert {item.id async for item in everything.list()} == {item.id for item in made}
        assert [item.id async for item in one.list()] == [made[1].id]
        with pytest.raises(errors.NotFound):
            await one.get(made[2].id)


async def test_private_addresses_are_for_the_setting_to_allow(tmp_path: Path, sim: simulators.Simulator) -> None:
    async with ambrotype.open(tmp_path / "media") as library:
        with pytest.raises(errors.BlockedAddress):
            await library.keep(sim.sign(sim.image(7)))


async def test_a_worker_that_crashes_begins_anew(
    tmp_path: Path, sim: simulators.Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    works, crashes = app.work, [RuntimeError("a bug")]

    async def work(opened: app.App, stop: asyncio.Event) -> None:
        if crashes:
            raise crashes.pop()
        await works(opened, stop)

    monkeypatch.setattr(app, "work", work)
    async with ambrotype.open(tmp_path / "media", fetch_allow=LOOPBACK) as library:
        assert (await library.keep(sim.sign(sim.image(8)), wait=30)).status == "kept"


async def test_nothing_is_printed(tmp_path: Path, sim: simulators.Simulator, capfd: pytest.CaptureFixture[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        async with ambrotype.open(tmp_path / "media", fetch_allow=LOOPBACK) as library:
            await library.keep(sim.sign(sim.image(9)), wait=30)

    assert printed.getvalue() == ""
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"layout": "no-such"}, "AMBROTYPE_LAYOUT"),
        ({"fetch_concurrency": 0}, "AMBROTYPE_FETCH_CONCURRENCY"),
        ({"owner": "somebody"}, "names no owner"),
        ({"app": "No App"}, "no app's name"),
    ],
)
async def test_a_wrong_argument_is_one_sentence(tmp_path: Path, arguments: dict[str, str], says: str) -> None:
    with pytest.raises(ambrotype.AmbrotypeError, match=says):
        async with ambrotype.open(tmp_path / "media", **arguments):  # type: ignore[arg-type]
            pass


async def test_the_body_s_own_error_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with ambrotype.open(tmp_path / "media"):
            _ = 1 / 0


async def test_no_process_outlives_it(tmp_path: Path) -> None:
    async with ambrotype.open(tmp_path / "media"):
        assert _processes_in(tmp_path)

    assert _processes_in(tmp_path) == []


def _processes_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and process.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().decode(errors="replace")
                found += [words] if str(folder) in words else []
    return found
