"""Starting and ending what a part needs, and how much memory a process and its children hold."""

import contextlib
import dataclasses
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

PATIENCE = 20.0


@contextlib.contextmanager
def started(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program, ended by SIGTERM (after `PATIENCE` seconds by SIGKILL) when the block is left."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment and dict(environment)
        )
    family = psutil.Process(process.pid)
    try:
        yield process
    finally:
        children = family.children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _, left = psutil.wait_procs(children, timeout=PATIENCE)
        for child in left:
            child.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes: resident ones of each interpreter, the largest first; PostgreSQL's processes' proportional share."""

    interpreters: tuple[int, ...]
    decoders: tuple[int, ...]
    database: int


def memory(process: subprocess.Popen[bytes], *, data: Path) -> Memory:
    """What the process, its children and the database of its data folder hold now."""
    ours = psutil.Process(process.pid)
    interpreters: list[int] = []
    decoders: list[int] = []
    for one in (ours, *ours.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            command = one.cmdline()
            if "postgres" in Path(command[0] if command else "").name:
                continue
            (decoders if "ambrotype.decoding.child" in command else interpreters).append(one.memory_info().rss)
    return Memory(
        interpreters=tuple(sorted(interpreters, reverse=True)),
        decoders=tuple(sorted(decoders, reverse=True)),
        database=_database(data),
    )


def _database(data: Path) -> int:
    total = 0
    for one in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error, OSError):
            if one.info["name"] == "postgres" and data in Path(one.cwd()).parents:
                total += one.memory_full_info().pss
    return total


@contextlib.contextmanager
def peak(process: subprocess.Popen[bytes], *, data: Path, every: float = 0.1) -> Iterator[list[Memory]]:
    """Looks at the memory again and again; the list holds what was seen."""
    seen = [memory(process, data=data)]
    over = threading.Event()

    def look() -> None:
        while not over.wait(every):
            seen.append(memory(process, data=data))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()
