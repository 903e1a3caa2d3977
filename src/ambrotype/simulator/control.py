"""The simulator's own HTTP interface, for other processes and for people."""

import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from ambrotype.core import errors
from ambrotype.simulator import faults
from ambrotype.simulator.state import Simulator

Handler = Callable[[Simulator, web.Request], Awaitable[web.Response]]

_INDEX = """Ambrotype's simulator: a CDN whose URLs really stop working, and break on demand.

Get a URL:   POST {url}/_sim/sign
             {{"path": "image/512x512/7.jpeg", "style": "s3", "ttl": 60,
              "fault": "cut", "options": {{"at": 1000}}}}
             answers {{"url": "…"}}; only "path" is needed.

Paths:       image/512x512/SEED.jpeg              also png, webp, gif, avif
             video/320x240-24fps-2s/SEED.mp4      also …-2s-audio, …-2s-slowstart
             audio/2s/SEED.mp3                    also wav
             blob/BYTES/SEED.png                  a picture of exactly so many bytes
             big/BYTES/SEED.mp4                   a video of any size

Styles:      {styles}
             Without a signature and for ever: {url}/public/image/512x512/7.jpeg
             with a fault: {url}/public/fault/cut:at=1000/image/512x512/7.jpeg

Faults:      {faults}
             Each takes "times": strike the first so many GETs, then work.

Providers:   {url}/fal  …/openai/v1  …/wavespeed/api/v3  …/ark/api/v3  …/replicate/v1
             key "sim-key"; docs/simulator.md has the plans, "model~failed" is one

Also:        GET  {url}/_sim/jobs       what was submitted, asked and told
             GET  {url}/_sim/faults     every fault with its options and what it does
             GET  {url}/_sim/requests   what was asked for here; DELETE forgets it
             POST {url}/_sim/rates      {{"reset": 0.05}}: a share of all requests; 0 ends it
             POST {url}/_sim/clock      {{"advance": 3600}}: URLs die without waiting
"""


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """Index page and `/_sim/…`."""
    return [
        web.get("/", bound(simulator, _index)),
        web.post("/_sim/sign", bound(simulator, _sign)),
        web.get("/_sim/faults", bound(simulator, _faults)),
        web.get("/_sim/requests", bound(simulator, _requests)),
        web.delete("/_sim/requests", bound(simulator, _forget)),
        web.get("/_sim/rates", bound(simulator, _rates)),
        web.post("/_sim/rates", bound(simulator, _set_rates)),
        web.post("/_sim/clock", bound(simulator, _clock)),
    ]


def index(simulator: Simulator) -> str:
    """What can be asked, in about 30 lines of text."""
    names = list(faults.FAULTS)
    half = len(names) // 2
    listed = ", ".join(names[:half]) + ",\n" + " " * 13 + ", ".join(names[half:])
    return _INDEX.format(url=simulator.url, styles=", ".join(simulator.styles), faults=listed)


def bound(simulator: Simulator, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler of the control interface as a route takes it; what is wrong is answered 400 with a sentence."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(simulator, request)
        except (errors.InvalidRequest, TypeError, ValueError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)

    return handle


async def object_of(request: web.Request) -> dict[str, Any]:
    """The body of a control request."""
    document = json.loads(await request.text())
    if not isinstance(document, dict):
        raise errors.InvalidRequest("The body must be a JSON object.")
    return document


async def _index(simulator: Simulator, request: web.Request) -> web.Response:
    return web.Response(text=index(simulator))


async def _sign(simulator: Simulator, request: web.Request) -> web.Response:
    body = await object_of(request)
    options = body.pop("options", {})
    path = body.pop("path", None)
    if not isinstance(path, str) or not isinstance(options, dict):
        raise errors.InvalidRequest("Send a path (text), and options as an object.")
    unknown = set(body) - {"style", "ttl", "fault", "host", "method"}
    if unknown:
        raise errors.InvalidRequest(f'Unknown fields {", ".join(sorted(unknown))}: options belong into "options".')
    return web.json_response({"url": simulator.sign(path, **body, **options)})


async def _faults(simulator: Simulator, request: web.Request) -> web.Response:
    listed = {name: {"does": faults.sentence(name), "options": faults.options(name)} for name in faults.FAULTS}
    return web.json_response(listed)


async def _requests(simulator: Simulator, request: web.Request) -> web.Response:
    return web.json_response({"requests": [dataclasses.asdict(seen) for seen in simulator.requests]})


async def _forget(simulator: Simulator, request: web.Request) -> web.Response:
    simulator.requests.clear()
    return web.json_response({"requests": []})


async def _rates(simulator: Simulator, request: web.Request) -> web.Response:
    return web.json_response(simulator.rates())


async def _set_rates(simulator: Simulator, request: web.Request) -> web.Response:
    """Keys are faults as in a URL, options included: `status:code=429`."""
    for text, share in (await object_of(request)).items():
        spec = faults.parse(text)
        simulator.rate(spec.name, float(share), **spec.options)
    return web.json_response(simulator.rates())


async def _clock(simulator: Simulator, request: web.Request) -> web.Response:
    simulator.travel(float((await object_of(request)).get("advance", 0)))
    return web.json_response({"now": simulator.now()})
