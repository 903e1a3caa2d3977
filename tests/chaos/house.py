"""The whole service, in processes that may be killed: PostgreSQL, an API, workers, and the CDN that they fetch from."""

import asyncio
import contextlib
import json
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from psycopg import rows

from ambrotype.core import errors
from ambrotype.records import embedded
from ambrotype.simulator import server as simulators
from tests.chaos import processes, sources

KEY = "amb_chaos-service-key-0123456789"
PATIENCE = 150.0
"""Seconds for a busy machine; what comes to pass does so much sooner."""


class House:
    """What a test of this folder works with; made by `opened`."""

    def __init__(self, data: Path, simulator: simulators.Simulator, http: aiohttp.ClientSession, settings: Any) -> None:
        self.data, self.simulator = data, simulator
        self.cluster = embedded.Cluster(data)
        self.log = data.with_name(f"{data.name}.log")
        self.programs: list[processes.Program] = []
        self.promises: dict[uuid.UUID, sources.Source] = {}
        """What was acknowledged, ever."""
        self._port = _free_port()
        self._http = http
        given = {
            "data": str(data),
            "bootstrap_key": KEY,
            "fetch_allow": simulator.url.removeprefix("http://"),
            "public_url": self.url,
            "log": "json",
            "min_free": "0",
            **settings,
        }
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("AMBROTYPE_")}
        self._environment |= {
            name if name.startswith("AWS_") else f"AMBROTYPE_{name.upper()}": value for name, value in given.items()
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def know(self, **settings: str) -> None:
        """More settings, for programs that are started from now on."""
        self._environment |= {f"AMBROTYPE_{name.upper()}": value for name, value in settings.items()}

    def api(self) -> processes.Program:
        return self._start("tests.support.serving", "api", str(self._port))

    def worker(self, *, lease: float = 3.0, beat: float = 0.7) -> processes.Program:
        return self._start("tests.chaos.hasty", str(lease), str(beat))

    def _start(self, *command: str) -> processes.Program:
        self.programs.append(processes.Program(*command, environment=self._environment, log=self.log))
        return self.programs[-1]

    async def end(self, *programs: processes.Program) -> None:
        """Ends them, all at the same time."""
        for program in programs:
            program.wanted = False
            self.programs.remove(program)
        await asyncio.gather(*(asyncio.to_thread(program.end) for program in programs))

    async def supervise(self) -> None:
        """Starts again what has ended, until cancelled."""
        while True:
            for program in self.programs:
                program.revive()
            await asyncio.sleep(0.1)

    async def ready(self) -> None:
        """The API answers."""
        await self.until(self._answers, "the API to answer", patience=60)

    async def _answers(self) -> bool:
        status, _ = await self.ask("GET", "/healthz")
        return status == 200

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and document of the reply; 0 and None where there is no reply."""
        try:
            async with self._http.request(method, self.url + path, json=body) as reply:
                return reply.status, await reply.json()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return 0, None

    async def keep(self, url: str) -> uuid.UUID | None:
        """The item's id if the URL was acknowledged."""
        status, media = await self.ask("POST", "/v1/keep", {"url": url})
        return uuid.UUID(media["id"]) if status in (200, 201, 202) else None

    async def offer(self, source: sources.Source) -> uuid.UUID | None:
        """Asks once for the source to be kept; the item's id if that was acknowledged."""
        found = await self.keep(source.url)
        if found is not None:
            self.promises[found] = source
        return found

    async def promise(self, *wanted: sources.Source) -> list[uuid.UUID]:
        """Asks for each until it is acknowledged, as a caller with something to lose does."""
        found: list[uuid.UUID] = []
        while len(found) < len(wanted):
            item = await self.offer(wanted[len(found)])
            if item is None:
                await asyncio.sleep(0.1)
            else:
                found.append(item)
        return found

    async def promise_all(self, wanted: Sequence[sources.Source]) -> None:
        """The same for many at once."""
        items = [{"url": source.url} for source in wanted]
        status, reply = await self.ask("POST", "/v1/keep/batch", {"items": items})
        assert status == 200, reply
        for source, result in zip(wanted, reply["results"], strict=True):
            self.promises[uuid.UUID(result["media"]["id"])] = source

    async def all(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """What the database's superuser sees; starts PostgreSQL again where it was killed."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self.cluster.dsn("postgres"), autocommit=True, row_factory=rows.dict_row, connect_timeout=10
                ) as connection:
                    cursor = await connection.execute(query.encode(), values)
                    return await cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                await asyncio.sleep(0.2)
                with contextlib.suppress(errors.Unavailable):
                    await embedded.ensure(self.cluster)

    async def count(self, query: str, **values: Any) -> int:
        """The first column of the first row."""
        (row,) = await self.all(query, **values)
        return int(next(iter(row.values())))

    async def until(self, claim: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> None:
        """Waits for what is to come to pass."""
        end = asyncio.get_running_loop().time() + patience
        while not await claim():
            if asyncio.get_running_loop().time() > end:
                pytest.fail(f"Waited in vain for {what}; the log ends with:\n{self.log.read_text()[-4000:]}")
            await asyncio.sleep(0.1)

    async def ended(self) -> None:
        """Nothing is `keeping` any more. As long as some end there is patience for the rest."""
        left = await self._keeping()
        while left:
            before = left

            async def fewer(than: int = before) -> bool:
                nonlocal left
                left = await self._keeping()
                return left < than

            await self.until(fewer, f"the last {before} items to be kept or lost")

    async def _keeping(self) -> int:
        return await self.count("select count(*) from ambrotype.media where status = 'keeping'")

    async def leased(self, item: uuid.UUID) -> uuid.UUID | None:
        """Who captures the item now."""
        found = await self.all("select lease from ambrotype.capture where media_id = %(id)s", id=item)
        return found[0]["lease"] if found else None

    async def state(self) -> list[str]:
        """States of the workers that live."""
        found = await self.all("select state from ambrotype.worker where seen_at > now() - interval '5 seconds'")
        return [row["state"] for row in found]

    def complaints(self) -> list[dict[str, Any]]:
        """What the processes have logged as errors."""
        lines = self.log.read_text(errors="replace").splitlines()
        said = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in said if line.get("level") in ("error", "critical")]


@contextlib.asynccontextmanager
async def opened(data: Path, **settings: str) -> AsyncIterator[House]:
    """A house on the data folder `data`, without processes but PostgreSQL; nothing of it is left at the end."""
    async with (
        simulators.running() as simulator,
        aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {KEY}"}, timeout=aiohttp.ClientTimeout(total=20)
        ) as http,
    ):
        house = House(data, simulator, http, settings)
        try:
            await asyncio.to_thread(house.cluster.join)
            yield house
        finally:
            simulator.closing.set()
            await house.end(*house.programs)
            await asyncio.to_thread(house.cluster.leave)
            for process in processes.postgres(data):
                process.kill()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
