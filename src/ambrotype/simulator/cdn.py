"""The CDN: check the URL as its vendor would, find or make the file, let the fault strike, send."""

import asyncio
import urllib.parse
from collections.abc import Iterable

from aiohttp import web

from ambrotype.core import errors
from ambrotype.simulator import answers, assets, exchange, faults
from ambrotype.simulator.signing import contract
from ambrotype.simulator.state import Simulator

LOGGED = (
    "Range",
    "If-Range",
    "If-None-Match",
    "Accept-Encoding",
    "User-Agent",
    "Host",
    "Cookie",
    "Authorization",
)
"""Request headers kept in the log. What must never arrive here (cookies, credentials) is among them, to be
asserted.
"""


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """One route a style, so that other paths stay free."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(simulator, request)

    return [web.get(f"/{name}/{{rest:.*}}", handle) for name in simulator.styles]


async def answer(simulator: Simulator, request: web.Request) -> web.StreamResponse:
    """Logs the request and answers it."""
    headers = {name: request.headers[name] for name in LOGGED if name in request.headers}
    seen = answers.Seen(method=request.method, path=request.path, headers=headers)
    simulator.requests.append(seen)
    try:
        decided = await _decide(simulator, request, seen)
    except contract.Refused as refused:
        decided = refused.answer
    except errors.InvalidRequest as wrong:
        decided = answers.text(400, f"{wrong}\n", "text/plain; charset=utf-8")
    return answers.Wire(decided, seen=seen, closing=simulator.closing)


async def _decide(simulator: Simulator, request: web.Request, seen: answers.Seen) -> answers.Answer:
    style = simulator.styles[request.path.split("/")[1]]
    now = simulator.now()
    grant = style.check(_signed_part(request), now=now)
    key, spec = _split(grant.key)
    spec = spec or simulator.draw()
    seen.fault = str(spec) if spec else None
    attempt = simulator.attempt(grant.key, counts=request.method == "GET") if spec else 0

    def sign(other: str, host: str, seconds: int) -> str:
        return simulator.sign_key(other, style=style.name, host=host, ttl=seconds, method=request.method)

    def work() -> answers.Answer:
        try:
            asset = assets.find(key)
        except errors.NotFound:
            return style.missing(key)
        of = exchange.Exchange(
            method=request.method,
            host=request.host,
            headers=request.headers,
            asset=asset,
            style=style,
            modified=simulator.modified,
            now=now,
            expires=grant.expires,
            attempt=attempt,
            sign=sign,
        )
        return faults.strike(spec, of) if spec else of.serve()

    return await asyncio.to_thread(work)


def _signed_part(request: web.Request) -> contract.Request:
    path, _, query = request.raw_path.partition("?")
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return contract.Request(method=request.method, host=request.host, path=path, query=tuple(pairs))


def _split(key: str) -> tuple[str, faults.Spec | None]:
    """`fault/{spec}/{asset}` into the asset's key and the fault."""
    if not key.startswith("fault/"):
        return key, None
    _, spec, rest = (*key.split("/", 2), "", "")[:3]
    return rest, faults.parse(spec)
