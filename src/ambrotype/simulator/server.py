"""Runs the simulator: inside a test or the demo (`running`), or by itself (`serve`)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable

from aiohttp import web

from ambrotype.simulator import cdn, control
from ambrotype.simulator.state import Simulator

__all__ = ["ROUTES", "Simulator", "build_app", "running", "serve"]

ROUTES: tuple[Callable[[Simulator], Iterable[web.AbstractRouteDef]], ...] = (
    control.routes,
    cdn.routes,
)
"""Everything that is served, a group a module."""


def build_app(simulator: Simulator) -> web.Application:
    """The aiohttp application of `ROUTES`."""
    app = web.Application()
    for group in ROUTES:
        app.add_routes(group(simulator))
    return app


@contextlib.asynccontextmanager
async def running(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Callable[[], float] = time.time,
    seed: int = 0,
) -> AsyncIterator[Simulator]:
    """A simulator that serves while the block runs; port 0 takes a free one. `clock` gives epoch seconds,
    `seed` decides what `rate` strikes.
    """
    simulator = Simulator(clock=clock, seed=seed)
    runner = web.AppRunner(build_app(simulator), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0]
        simulator.url = f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
        yield simulator
    finally:
        simulator.closing.set()
        await runner.cleanup()


async def serve(host: str = "127.0.0.1", port: int = 8585) -> None:
    """Serves until cancelled; prints what can be asked, and URLs to try."""
    async with running(host=host, port=port) as simulator:
        print(control.index(simulator))
        print("To try, for five minutes:")
        for style in simulator.styles:
            print(f"  {simulator.sign(simulator.image(7), style=style, ttl=300)}")
        print(f"  {simulator.sign(simulator.video(7), ttl=300)}")
        print(f"  {simulator.sign(simulator.image(8), ttl=300, fault='status', code=503, times=2)}", flush=True)
        await asyncio.Event().wait()
