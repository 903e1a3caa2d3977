"""A real `ambrotype serve` on a folder of its own, and what is asked of it."""

import contextlib
import dataclasses
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import processes, source

KEY = "amb_bench_0123456789abcdef0123"
PATIENCE = 60
COMMAND = (str(Path(sys.executable).with_name("ambrotype")), "serve")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    port: int
    data: Path
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON that a call answers. Raises RuntimeError for any problem."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            given = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, None if body is None else json.dumps(body), given)
            response = connection.getresponse()
            text = response.read()
            if response.status >= 300:
                raise RuntimeError(f"{method} {path} answered {response.status}: {text[:500]!r}")
            return json.loads(text)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a plain GET."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
            response = connection.getresponse()
            return response.status, response.read()

    def keep(self, url: str, **fields: object) -> Any:
        """Keeps one URL and waits until its bytes are in."""
        found = self.ask("POST", "/v1/keep", {"url": url, "wait": 60, **fields})
        if found["status"] != "kept":
            raise RuntimeError(f"{url} was not kept: {found['status']} {found['lost']}")
        return found

    def keep_all(self, urls: Sequence[str]) -> float:
        """Seconds from the batch request until none of its items is on its way any more."""
        began = time.perf_counter()
        results = self.ask("POST", "/v1/keep/batch", {"items": [{"url": url} for url in urls]})["results"]
        while self.ask("GET", "/v1/media?status=keeping&limit=1")["items"]:
            if time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"Not all of {len(urls)} were kept or lost within {PATIENCE} s.")
            time.sleep(0.04)
        took = time.perf_counter() - began
        for result in results[:: max(1, len(results) // 10)]:
            found = self.ask("GET", f"/v1/media/{result['media']['id']}")
            if found["status"] != "kept":
                raise RuntimeError(f"{found['id']} was not kept: {found['status']} {found['lost']}")
        return took

    def drop_files(self) -> None:
        """Removes what is stored, behind the server's back: the next turn gets its memory, as new memory is slow."""
        for file in self.data.joinpath("store", "media").rglob("*.*"):
            file.unlink()


@contextlib.contextmanager
def serving(data: Path, origin: source.Source, *, command: Sequence[str] = COMMAND) -> Iterator[Server]:
    """A server on a free port that may fetch from `origin`; ready for requests."""
    with launched(data, origin, command=command) as server:
        await_ready(server)
        yield server


@contextlib.contextmanager
def launched(data: Path, origin: source.Source, *, command: Sequence[str] = COMMAND) -> Iterator[Server]:
    """The same as soon as its process has been started."""
    port = processes.free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMBROTYPE_")} | {
        "AMBROTYPE_BOOTSTRAP_KEY": KEY,
        "AMBROTYPE_FETCH_ALLOW": f"127.0.0.1:{origin.port}",
        "AMBROTYPE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "AMBROTYPE_LOG": "json",
    }
    program = [*command, "--data", str(data), "--host", "127.0.0.1", "--port", str(port)]
    with processes.started(program, log=data.with_suffix(".log"), environment=environment) as process:
        yield Server(port=port, data=data, process=process)


def await_ready(server: Server, *, seconds: float = 60) -> None:
    """Returns once it answers, or raises what keeps it from doing so."""
    end = time.monotonic() + seconds
    while True:
        try:
            server.ask("GET", "/healthz")
        except OSError:
            if server.process.poll() is not None or time.monotonic() > end:
                log = server.data.with_suffix(".log").read_text()[-2000:]
                raise RuntimeError(f"The server does not start: {log}") from None
            time.sleep(0.01)
        else:
            return
