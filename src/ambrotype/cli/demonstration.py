"""The demo: keep what will be gone in seconds, see it go, and look at what stayed."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiohttp
import typer

from ambrotype import client
from ambrotype.cli import exhibits, exits, stage, theatre
from ambrotype.core import errors, media
from ambrotype.simulator import server

_LATEST = 25.0
"""Seconds until everything has to have happened."""
_AFTER = 0.6
"""Seconds after a URL's death before it is tried."""


async def run(data: Path | None, *, leave: bool, as_json: bool) -> None:
    """Everything, from an empty folder; raises `typer.Exit` with 1 where something was not as promised."""
    show = theatre.opened(as_json=as_json)
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(_folder(data))
        show.say("Starting simulated providers with their CDN, and an Ambrotype server …")
        simulator = await stack.enter_async_context(server.running())
        sources, providers = simulator.url.removeprefix("http://"), exhibits.engaged(simulator)
        on = await stack.enter_async_context(stage.built(folder, sources=sources, providers=providers))
        session = await stack.enter_async_context(_session())
        library = await stack.enter_async_context(client.AsyncClient(on.url, key=on.key))
        show.begin(simulator.url, on.url)
        await exhibits.drawn(simulator, session)
        generated = await _generate(library, simulator)
        collection = exhibits.hung(simulator)
        await _keep(library, collection, session)
        collection += generated
        with show.curtain(collection):
            await _watch(library, collection, session, show)
        show.end(collection)
        kept_promise = all(exhibit.as_promised for exhibit in collection)
        if not leave:
            show.stay(on, folder, temporary=data is None)
            await asyncio.Event().wait()
    if not kept_promise:
        raise typer.Exit(exits.FAILED)


async def _generate(library: client.AsyncClient, simulator: server.Simulator) -> list[exhibits.Exhibit]:
    """A job at each provider, through Ambrotype, to the end; what came out is being kept or kept already."""

    async def one(name: str) -> list[exhibits.Exhibit]:
        model, settings = exhibits.JOBS[name]
        asked = await library.generate(
            name, model, "a fox on glass", settings=settings, visibility="unlisted", tags=["demo"]
        )
        done = await library.generated(asked.id, timeout=_LATEST)
        if done.error is not None:
            raise errors.AmbrotypeError(f"{name}: {done.error.detail}")
        return [exhibits.made(name, item, simulator) for item in done.outputs]

    return [exhibit for found in await asyncio.gather(*map(one, exhibits.JOBS)) for exhibit in found]


async def _keep(
    library: client.AsyncClient, collection: Sequence[exhibits.Exhibit], session: aiohttp.ClientSession
) -> None:
    """All at once, while the same files are fetched from their providers to compare with later."""
    looks = asyncio.gather(*(exhibits.look(exhibit, session) for exhibit in collection))
    results = await library.keep_many(
        [{"url": exhibit.source, "prompt": f"a {exhibit.path.split('/')[0]} for the demo"} for exhibit in collection],
        visibility="unlisted",
        tags=["demo"],
    )
    for exhibit, result in zip(collection, results, strict=True):
        if isinstance(result, errors.AmbrotypeError):
            raise result
        exhibit.item = result
    await looks


async def _watch(
    library: client.AsyncClient,
    collection: Sequence[exhibits.Exhibit],
    session: aiohttp.ClientSession,
    show: theatre.Show,
) -> None:
    until = time.monotonic() + _LATEST
    while time.monotonic() < until and not all(exhibit.done for exhibit in collection):
        for exhibit in collection:
            if exhibit.item is not None and exhibit.item.status == "keeping":
                exhibit.item = await library.get(exhibit.item.id)
            elif exhibit.left < -_AFTER and not exhibit.done and _settled(exhibit.item):
                await exhibits.compare(exhibit, session)
        show.update(collection)
        await asyncio.sleep(0.25)


def _settled(item: media.Media | None) -> bool:
    return item is not None and item.settled


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    """What a browser is: it sends no key."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """The folder given, or a new one that goes with the demo."""
    if data is not None:
        yield data.expanduser().absolute()
        return
    made = Path(tempfile.mkdtemp(prefix="ambrotype-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
