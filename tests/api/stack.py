"""The real server, asked over HTTP and looked at by SQL and in its folders; and a simulator for it to fetch from."""

import asyncio
import contextlib
import dataclasses
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from ambrotype.records import embedded
from ambrotype.simulator import server as simulators
from tests.support import server as servers

PATIENCE = 60.0
"""Seconds that anything may take on a busy machine before it counts as broken."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json", (self.status, self.body[:500])
        return json.loads(self.body)

    def problem(self) -> Any:
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body[:500])
        found = json.loads(self.body)
        assert found["status"] == self.status
        return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody who asks: an address and the headers that say who."""

    port: int
    headers: Mapping[str, str]

    def send(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Reply:
        """One request. `document` goes as JSON, `body` as it is."""
        if document is not None:
            body = json.dumps(document).encode()
        named = dict(self.headers)
        if body is not None:
            named["Content-Type"] = "application/json"
        named |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=named, encode_chunked=not isinstance(body, bytes))
            answer = connection.getresponse()
            return Reply(status=answer.status, headers=answer.headers, body=answer.read())

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, document: Any = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, document, headers=named)

    def keep(self, url: str | None = None, **fields: Any) -> Reply:
        return self.post("/v1/keep", {**({"url": url} if url else {}), **fields})

    def kept(self, url: str | None = None, **fields: Any) -> Any:
        """The media object of something that is kept now."""
        found = self.keep(url, **fields).json()
        return self.settled(found["id"])

    def media(self, media_id: str) -> Any:
        reply = self.get(f"/v1/media/{media_id}")
        assert reply.status == 200, reply.body
        return reply.json()

    def settled(self, media_id: str) -> Any:
        return until(lambda: (found := self.media(media_id))["status"] != "keeping" and found)

    def with_(self, **headers: str) -> "Caller":
        """The same caller with other headers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return dataclasses.replace(self, headers={**self.headers, **named})


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` answers once it is true; fails if it never is."""
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
    return found


class Simulated:
    """A simulator in a thread of its own, for tests that are not coroutines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self.sim: simulators.Simulator

    def __enter__(self) -> simulators.Simulator:
        self._thread.start()
        assert self._up.wait(PATIENCE)
        return self.sim

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        async with simulators.running() as self.sim:
            self._up.set()
            await self._stop.wait()


class Stack:
    """API and worker on one data folder, and ways to ask and to look."""

    def __init__(self, server: servers.Server) -> None:
        self.data = server.data
        self.port = int(server.url.rpartition(":")[2])
        self._key = server.key
        self._cluster = embedded.Cluster(server.data)

    def __enter__(self) -> "Stack":
        self._cluster.join()
        return self

    def __exit__(self, *error: object) -> None:
        self._cluster.leave()

    def sql(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Runs a statement as the database's administrator; its rows, if any."""
        with psycopg.connect(self._cluster.dsn("postgres"), autocommit=True) as connection:
            done = connection.execute(statement, values)  # type: ignore[call-overload]
            return done.fetchall() if done.description else []

    @property
    def admin(self) -> str:
        """Connection string of the database's administrator."""
        return self._cluster.dsn("postgres")

    def objects(self) -> set[Path]:
        """The files of the store, unfinished ones too; not those by which a worker sees in passing whether it can write."""
        return {file for file in (self.data / "store").rglob("*") if file.is_file() and file.suffix != ".probe"}

    @property
    def nobody(self) -> Caller:
        return Caller(port=self.port, headers={})

    @property
    def service(self) -> Caller:
        """The administrator."""
        return Caller(port=self.port, headers={"Authorization": f"Bearer {self._key}"})

    def key(self, role: str, *, app: str = "default") -> Caller:
        """A caller with a new key, naming nobody."""
        made = self.service.post("/v1/keys", {"name": f"a test's {role}", "role": role, "app": app}).json()
        return Caller(port=self.port, headers={"Authorization": f"Bearer {made['key']}"})

    def log_lines(self) -> list[Any]:
        """What was logged in JSON."""
        lines = self.data.with_name(f"{self.data.name}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def somebody() -> str:
    """An owner that no other test knows."""
    return f"user:{uuid.uuid4()}"
