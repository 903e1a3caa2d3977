"""Runs the simulator: inside a test or the demo (`running`), or by itself (`serve`)."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import MappingProxyType

from aiohttp import web

from ambrotype.simulator import cdn, control
from ambrotype.simulator.providers import (
    ark,
    ark_images,
    fal,
    openai,
    openai_chat,
    openai_images,
    openai_videos,
    openai_webhooks,
    replicate,
    uploads,
    wavespeed,
)
from ambrotype.simulator.providers import control as providers_control
from ambrotype.simulator.state import Simulator

__all__ = ["ROUTES", "Simulator", "build_app", "running", "serve"]

ROUTES: tuple[Callable[[Simulator], Iterable[web.AbstractRouteDef]], ...] = (
    control.routes,
    providers_control.routes,
    cdn.routes,
    uploads.routes,
    fal.routes,
    openai_images.routes,
    openai_videos.routes,
    openai_webhooks.routes,
    openai_chat.routes,
    wavespeed.routes,
    ark_images.routes,
    ark.routes,
    replicate.routes,
)
"""Everything that is served, a group a module. Of two that match a path, the first answers."""

HOSTS = {
    "queue.fal.run": fal.VENDOR.prefix,
    "rest.fal.ai": fal.VENDOR.prefix,
    "v3.fal.media": fal.VENDOR.prefix,
    "api.openai.com": openai.VENDOR.prefix,
    "api.wavespeed.ai": wavespeed.VENDOR.prefix,
    "ark.ap-southeast.bytepluses.com": ark.VENDOR.prefix,
    "ark.cn-beijing.volces.com": ark.VENDOR.prefix,
    "api.replicate.com": replicate.VENDOR.prefix,
}
"""The vendors' own names, and the path prefixes under which they are found here."""

LARGEST = 64 * 2**20
"""Bytes of a request: pictures come in it."""


def build_app(simulator: Simulator, *, hosts: Mapping[str, str] = MappingProxyType({})) -> web.Application:
    """The aiohttp application of `ROUTES`. A request for one of `hosts` is answered as if it had that prefix: so a client
    with fixed names can be led here.
    """
    app = web.Application(client_max_size=LARGEST)
    for group in ROUTES:
        app.add_routes(group(simulator))
    for host, prefix in hosts.items():
        app.add_domain(host, _unprefixed(simulator, prefix))
    return app


def _unprefixed(simulator: Simulator, prefix: str) -> web.Application:
    app = web.Application(client_max_size=LARGEST)
    routes = [route for group in ROUTES for route in group(simulator) if isinstance(route, web.RouteDef)]
    own = [route for route in routes if route.path.startswith(f"{prefix}/")]
    app.add_routes(
        web.RouteDef(route.method, route.path.removeprefix(prefix), route.handler, route.kwargs) for route in own
    )
    return app


@contextlib.asynccontextmanager
async def running(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Callable[[], float] = time.time,
    seed: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Simulator]:
    """A simulator that serves while the block runs; port 0 takes a free one. `clock` gives epoch seconds,
    `seed` decides what `rate` strikes. With `tls` it speaks https, and answers to the vendors' names too.
    """
    simulator = Simulator(clock=clock, seed=seed)
    app = build_app(simulator, hosts=HOSTS if tls else {})
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        bound = runner.addresses[0]
        scheme = "https" if tls else "http"
        simulator.url = f"{scheme}://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
        async with simulator.courier.open():
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
