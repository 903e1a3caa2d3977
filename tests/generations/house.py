"""The library with a worker in this process, and a scripted provider to ask."""

import asyncio
import contextlib
import dataclasses
import urllib.parse
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from psycopg import conninfo

from ambrotype import app as app_
from ambrotype import generating, settings, tasks, verbs
from ambrotype.capture import request
from ambrotype.core import generation, media, owners
from ambrotype.generations import asked, configured, hearing
from ambrotype.library import listing
from ambrotype.providers import contract

PATIENCE = 60.0


@dataclasses.dataclass
class House:
    """Ways to ask and to look, for one owner."""

    here: verbs.Context
    who: owners.Principal

    async def generate(self, **fields: Any) -> generation.Generation:
        wanted = {"provider": "scripted", "model": "paint", "prompt": "a fox", **fields}
        return await generating.generate(self.here, self.who, request.parsed(asked.GenerationRequest, wanted))

    async def get(self, generation_id: uuid.UUID) -> generation.Generation:
        return await generating.get(self.here, self.who, generation_id)

    async def ended(self, generation_id: uuid.UUID) -> generation.Generation:
        """Once it has ended and all outputs have settled."""
        found = await generating.ended(self.here, self.who, generation_id, seconds=PATIENCE)
        assert found.ended, found
        return found

    async def item(self, media_id: uuid.UUID) -> media.Media:
        return await listing.get(self.here.app.data, self.who, self.here.app.addresses, media_id)

    async def sql(self, statement: str, **values: object) -> list[dict[str, Any]]:
        async with self.here.app.data.transaction("worker") as tx:
            return await tx.all(statement, **values)  # type: ignore[arg-type]

    async def events(self, generation_id: uuid.UUID) -> list[str]:
        found = await self.sql(
            "select type from ambrotype.event where generation_id = %(id)s order by id", id=generation_id
        )
        return [row["type"].removeprefix("generation.") for row in found]

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker for the length of the block; killed at its end as `kill -9` would, but for what it can still send."""
        task = asyncio.create_task(app_.work(self.here.app, asyncio.Event()))
        try:
            yield
        finally:
            await tasks.ended(task)


async def until(holds: Callable[[], Any]) -> Any:
    """What `holds` (or what it awaits) comes to, once it is true."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def opened(
    dsn: str, folder: Path, *adapters: contract.Provider, public_url: str | None = None
) -> AsyncIterator[House]:
    """The library on a database, for an owner of its own; nothing works yet."""
    chosen = settings.load(
        environment={},
        data=folder,
        database_url=_url(dsn, user="ambrotype"),
        database_direct_url=_url(dsn),
        fetch_allow=("127.0.0.0/8",),
        min_free=0,
        public_url=public_url,
    )
    async with app_.opened(chosen) as app:
        providers = configured.Providers(
            adapters={one.name: one for one in adapters}, settings={"absent": "AMBROTYPE_ABSENT_API_KEY"}
        )
        hears = hearing.Hearing(app.data, providers=providers, caller=app.caller)
        app = dataclasses.replace(app, providers=providers, hearing=hears)
        async with verbs.opened(app) as here:
            owner = owners.Owner(kind="user", subject=str(uuid.uuid4()))
            yield House(here, owners.Principal(role="app", owner=owner))


def _url(dsn: str, **changes: str) -> str:
    parts = {**conninfo.conninfo_to_dict(dsn), **changes}
    query = urllib.parse.urlencode({name: parts[name] for name in ("host", "port", "user") if name in parts})
    return f"postgresql:///{parts['dbname']}?{query}"
