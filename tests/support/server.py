"""The real stack for tests: Granian with the API, a worker, and the embedded database in a folder of its own."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ambrotype.records import embedded

KEY = "amb_tests-service-key-0123456789"
_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 60.0
"""Seconds for a busy machine."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Server:
    """A server that runs. `key` is a service key, `admin` the connection string of the database's owner."""

    url: str
    key: str
    data: Path
    admin: str


class _Failed(Exception):
    """A process ended, or does not get ready."""


@contextlib.contextmanager
def running(data: Path, **settings: str) -> Iterator[Server]:
    """A server and its worker on the data folder `data`; all processes are gone at the end of the block.

    Sources on loopback may be captured. `settings` are names of `docs/settings.md` in lower case.
    """
    cluster = embedded.Cluster(data)
    cluster.join()  # here too: whatever happens to the processes, PostgreSQL is stopped at the end
    try:
        with contextlib.ExitStack() as stack:
            url = _started(stack, data, settings)
            yield Server(url=url, key=KEY, data=data, admin=cluster.dsn("postgres"))
    finally:
        cluster.leave()


def _started(stack: contextlib.ExitStack, data: Path, settings: dict[str, str]) -> str:
    for last in (False, True):  # another program may take the free port in between
        with contextlib.ExitStack() as attempt:
            try:
                url = _start(attempt, data, _free_port(), settings)
            except _Failed:
                if last:
                    raise
                continue
            stack.push(attempt.pop_all())
            return url
    raise AssertionError("unreachable")


def _start(stack: contextlib.ExitStack, data: Path, port: int, settings: dict[str, str]) -> str:
    url = f"http://127.0.0.1:{port}"
    given = {
        "data": str(data),
        "bootstrap_key": KEY,
        "fetch_allow": "127.0.0.0/8",
        "public_url": url,
        "log": "json",
        "min_free": "0",
        **settings,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMBROTYPE_")}
    environment |= {f"AMBROTYPE_{name.upper()}": value for name, value in given.items()}
    log = data.with_name(f"{data.name}.log")
    # The worker's end comes first: while captures end, the API still answers.
    processes = [stack.enter_context(_process(what, port, environment, log)) for what in ("api", "worker")]
    deadline = time.monotonic() + _PATIENCE
    while not _ready(url):
        if any(process.poll() is not None for process in processes) or time.monotonic() > deadline:
            raise _Failed(f"The server did not get ready: {log.read_text()[-4000:]}")
        time.sleep(0.05)
    return url


@contextlib.contextmanager
def _process(what: str, port: int, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.support.serving", what, str(port)]
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command,
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # with the children that it did not end
                raise


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(json.load(answer)["captures"] == "running")
    except (OSError, urllib.error.HTTPError):
        return False


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a process. Tests keep apart by owners of their own."""
    with running(tmp_path_factory.mktemp("server") / "data") as started:
        yield started
