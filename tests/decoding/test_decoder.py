"""The children: what they may not do, and what becomes of a file, and of the next one, when a child dies."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ambrotype.core import errors, types
from ambrotype.decoding import decoder, facts, process, protocol, sandbox, streams
from ambrotype.decoding.reading import Reader

PNG = types.TYPES["image/png"]


@pytest.fixture
def picture(pictures: dict[str, bytes], tmp_path: Path) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(pictures["plain.png"])
    return path


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """No process, no zombie and no open descriptor outlives any test here."""
    before = descriptors()
    OTHERS.clear()  # what other tests of this process started, or have not collected yet
    OTHERS.update(child.pid for child in psutil.Process().children())
    yield
    assert children() == []
    assert descriptors() - before == set()


def descriptors() -> set[str]:
    """What is open, but for the event loop's own."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = entry.readlink()
        except FileNotFoundError:
            continue
        if "anon_inode" not in str(target) and "/proc/" not in str(target):
            found.add(f"{entry.name} {target}")
    return found


OTHERS: set[int] = set()


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.pid not in OTHERS and is_decoder(child)]


def is_decoder(child: psutil.Process) -> bool:
    try:
        return child.status() == psutil.STATUS_ZOMBIE or "ambrotype.decoding.child" in child.cmdline()
    except psutil.NoSuchProcess:
        return False


async def only_child(reader: decoder.Decoder, picture: Path) -> psutil.Process:
    await reader.probe(picture, PNG)
    (child,) = children()
    return child


async def test_one_child_reads_many_files(picture: Path) -> None:
    reader = decoder.Decoder(children=1)
    first = await only_child(reader, picture)
    for _ in range(20):
        await reader.probe(picture, PNG)
    assert await only_child(reader, picture) == first
    assert first.num_fds() <= 4
    await reader.close()


async def test_many_at_once_share_the_children(picture: Path, films: dict[str, bytes], tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.write_bytes(films["plain.mp4"])
    reader = decoder.Decoder(children=2)
    asked = [(picture, PNG), (film, types.TYPES["video/mp4"])] * 30
    found = await asyncio.gather(*(reader.probe(path, media) for path, media in asked))
    assert [one.media for one in found] == [media for _, media in asked]
    assert len(children()) == 2
    await reader.close()


async def test_a_child_is_replaced_after_its_share_of_files(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "FILES_PER_CHILD", 3)
    reader = decoder.Decoder(children=1)
    seen = set()
    for _ in range(7):
        await reader.probe(picture, PNG)
        seen.update(child.pid for child in children() if child.status() != psutil.STATUS_ZOMBIE)
    await reader.close()
    assert len(seen) >= 2


async def test_a_child_killed_between_two_files_is_not_noticed(picture: Path) -> None:
    reader = decoder.Decoder(children=1)
    (await only_child(reader, picture)).kill()
    assert (await reader.probe(picture, PNG)).complete
    await reader.close()


async def test_a_child_that_crashes_on_its_own_is_replaced_and_the_file_read(picture: Path) -> None:
    reader = decoder.Decoder(children=1)
    child = await only_child(reader, picture)
    child.suspend()
    probing = asyncio.create_task(reader.probe(picture, PNG))
    await asyncio.sleep(0.05)
    child.send_signal(signal.SIGSEGV)
    child.resume()
    assert (await probing).complete
    await reader.close()


async def test_a_file_that_crashes_every_child_is_refused_and_the_next_is_read(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = process.start

    async def start_and_crash(*, memory_bytes: int, output_bytes: int, niceness: int) -> process.Child:
        child = await start(memory_bytes=memory_bytes, output_bytes=output_bytes, niceness=niceness)
        child.process.send_signal(signal.SIGSEGV)
        return child

    reader = decoder.Decoder(children=1)
    with monkeypatch.context() as patched:
        patched.setattr(process, "start", start_and_crash)
        with pytest.raises(errors.NotMedia, match=r"image/png crashed \(SIGSEGV\)") as refused:
            await reader.probe(picture, PNG)
    assert not refused.value.retry
    assert (await reader.probe(picture, PNG)).complete
    await reader.close()


async def test_a_file_that_hangs_a_child_is_refused_for_now_and_the_next_is_read(picture: Path) -> None:
    reader = decoder.Decoder(children=1, seconds=0.3)
    (await only_child(reader, picture)).suspend()
    with pytest.raises(errors.NotMedia, match=r"took longer than 0\.3 seconds") as refused:
        await reader.probe(picture, PNG)
    assert refused.value.retry
    later = decoder.Decoder(children=1)
    assert (await later.probe(picture, PNG)).complete
    await later.close()
    await reader.close()


async def test_a_file_that_wants_too_much_memory_is_refused_and_the_next_is_read(picture: Path, tmp_path: Path) -> None:
    greedy = tmp_path / "greedy"
    greedy.write_bytes(b'<svg a="' + b"a" * (48 << 20) + b'"/>')
    reader = decoder.Decoder(children=1, memory_bytes=24 << 20)
    with pytest.raises(errors.NotMedia, match="needed more memory than it may have") as refused:
        await reader.probe(greedy, types.TYPES["image/svg+xml"])
    assert not refused.value.retry
    assert (await reader.probe(picture, PNG)).complete
    await reader.close()


async def test_a_cancelled_probe_leaves_nothing_behind(picture: Path) -> None:
    reader = decoder.Decoder(children=1)
    (await only_child(reader, picture)).suspend()
    probing = asyncio.create_task(reader.probe(picture, PNG))
    await asyncio.sleep(0.05)
    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing
    assert (await reader.probe(picture, PNG)).complete
    await reader.close()


async def test_a_closed_decoder_says_so(picture: Path) -> None:
    reader = decoder.Decoder(children=1)
    probing = asyncio.create_task(reader.probe(picture, PNG))
    await asyncio.sleep(0)
    await reader.close()
    assert (await probing).complete
    await reader.close()
    with pytest.raises(errors.Unavailable, match="closed"):
        await reader.probe(picture, PNG)


async def test_where_no_child_can_start_the_file_is_not_blamed(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    reader = decoder.Decoder(children=1)
    with pytest.raises(errors.Unavailable, match="does not start"):
        await reader.probe(picture, PNG)
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(errors.Unavailable, match="No process can be started"):
        await reader.probe(picture, PNG)
    await reader.close()


async def test_a_child_knows_no_secrets(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AMBROTYPE_FAL_API_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "a-secret")
    reader = decoder.Decoder(children=1)
    child = await only_child(reader, picture)
    seen = child.environ()
    assert "LANG" in seen
    assert "a-secret" not in seen.values()
    assert not [name for name in seen if name.startswith(("AMBROTYPE_", "AWS_", "PG"))]
    await reader.close()


async def test_a_child_inherits_no_open_files(picture: Path, tmp_path: Path) -> None:
    with (tmp_path / "private").open("w") as private:
        os.set_inheritable(private.fileno(), True)
        reader = decoder.Decoder(children=1)
        child = await only_child(reader, picture)
        names = [file.path for file in child.open_files()]
        await reader.close()
    assert str(tmp_path / "private") not in names
    assert names == []


async def test_all_limits_are_in_force_here(picture: Path) -> None:
    reader = decoder.Decoder(children=1)
    assert reader.limits_in_force == ()
    child = await only_child(reader, picture)
    expected = set(sandbox.NAMES) - (set() if os.geteuid() == 0 else {"own-network"})
    assert expected <= set(reader.limits_in_force)
    assert child.uids().real != 0
    await reader.close()


ATTEMPTS = """
import ctypes, errno, json, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
from ambrotype.decoding import sandbox
readable, written = sys.argv[1:]
outlet = os.open(written, os.O_WRONLY)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
sandbox.enter(memory_bytes=256 << 20, output_bytes=0, parent_pid=os.getppid())
outcome = {}
def attempt(name, call):
    try:
        call()
        outcome[name] = "done"
    except (OSError, MemoryError, RuntimeError) as error:
        outcome[name] = errno.errorcode.get(getattr(error, "errno", None), type(error).__name__)
attempt("socket", lambda: socket.socket())
attempt("unix socket", lambda: socket.socket(socket.AF_UNIX))
attempt("connect", lambda: listener.connect(("127.0.0.1", 9)))
attempt("read", lambda: os.open(readable, os.O_RDONLY))
attempt("create", lambda: os.open(written + ".new", os.O_WRONLY | os.O_CREAT))
attempt("write", lambda: os.write(outlet, b"x"))
attempt("chmod", lambda: os.fchmod(outlet, 0o777))
attempt("rename", lambda: os.rename(written, written + ".2"))
attempt("delete", lambda: os.unlink(written))
attempt("fork", os.fork)
attempt("exec", lambda: os.execv("/bin/true", ["true"]))
attempt("kill parent", lambda: os.kill(os.getppid(), 0))
attempt("watch parent", lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE))
attempt("become root", lambda: os.setuid(0))
attempt("eat memory", lambda: bytearray(300 << 20))
attempt("thread", lambda: threading.Thread(target=int).start())
attempt("memory", lambda: bytearray(30 << 20))
print(json.dumps(outcome))
"""


def test_a_process_in_the_sandbox_can_do_nothing_but_compute(tmp_path: Path) -> None:
    readable, written = tmp_path / "readable", tmp_path / "written"
    readable.write_text("secret")
    written.write_text("")
    run = subprocess.run(
        [sys.executable, "-I", "-c", ATTEMPTS, str(readable), str(written)], capture_output=True, check=True
    )
    outcome: dict[str, Any] = json.loads(run.stdout)
    assert {name for name, result in outcome.items() if result == "done"} == {"thread", "memory"}
    assert outcome.pop("write") == "EFBIG"
    assert outcome.pop("eat memory") == "MemoryError"
    assert {result for result in outcome.values() if result != "done"} == {"EPERM"}
    assert written.read_bytes() == b""


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    parent = (
        "import asyncio, os\nfrom ambrotype.decoding import process\n"
        "async def main():\n"
        "    child = await process.start(memory_bytes=1 << 28)\n"
        "    print(child.process.pid, flush=True)\n"
        "    os.kill(child.process.pid, 19)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    run = subprocess.run([sys.executable, "-c", parent], capture_output=True, check=False)
    assert run.returncode == -signal.SIGKILL
    pid = int(run.stdout)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=20)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_playlist_can_open_nothing(tmp_path: Path, films: dict[str, bytes]) -> None:
    segment = tmp_path / "segment.ts"
    segment.write_bytes(films["plain.ts"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/segment.ts"
        for named in (url, str(segment), f"file://{segment}", f"concat:{segment}"):
            path = tmp_path / "list.mp4"
            for text in (
                f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{named}\n#EXT-X-ENDLIST\n",
                f"ffconcat version 1.0\nfile '{named}'\n",
            ):
                path.write_text(text)
                with pytest.raises(errors.NotMedia, match="playlist"):
                    types.recognise(path.read_bytes())
                # Even a caller who is wrong about the type gets a demuxer that knows no lists.
                with path.open("rb") as file:
                    for content_type in streams.DEMUXERS:
                        with contextlib.suppress(errors.NotMedia):
                            streams.probe(Reader(file.fileno()), types.TYPES[content_type])
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"media": "text/html"},
        {"media": ["image/png"]},
        {"media": "image/png", "width": -1},
        {"media": "image/png", "width": True},
        {"media": "image/png", "width": 1 << 40},
        {"media": "video/mp4", "duration": "long"},
        {"media": "video/mp4", "duration": float("nan")},
        {"media": "video/mp4", "codecs": ["x"] * 100},
        {"media": "video/mp4", "codecs": 5},
    ],
)
def test_facts_of_a_taken_over_child_are_not_believed(answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        facts.from_json(answer)


def test_messages_are_bounded_objects() -> None:
    with pytest.raises(ValueError, match="longer"):
        protocol.pack({"detail": "x" * protocol.MAX_BYTES})
    for body in (b"[]", b"\xff", b"{", b"1"):
        with pytest.raises(ValueError, match=r"."):
            protocol.unpack(body)


async def test_an_answer_that_is_too_long_or_nonsense_ends_the_child() -> None:
    for answer in (b"\xff\xff\xff\xff", protocol.LENGTH.pack(2) + b"[]", protocol.LENGTH.pack(3) + b"\xff{]"):
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        idle = subprocess.Popen(["/bin/sleep", "60"], stderr=subprocess.PIPE)
        child = process.Child(idle, ours)
        assert idle.stderr is not None
        os.set_blocking(idle.stderr.fileno(), False)
        theirs.sendall(answer)
        with pytest.raises(process.Died, match="makes no sense"):
            await child.ask({"operation": "probe"}, [theirs.fileno()], seconds=10)
        theirs.close()
        await child.end()
