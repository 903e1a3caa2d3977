"""The CDN: check the URL as its vendor would, find or make the file, let the fault strike, send."""

import asyncio
import urllib.parse
from collections.abc import Iterable

from aiohttp import web

from ambrotype.core import errors
from ambrotype.simulator import answers, assets, exchange, faults
from ambrotype.simulator.signing import contract, unsigned
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

    styles = simulator.styles.items()
    folders = [style.folder if isinstance(style, unsigned.Token) else name for name, style in styles]
    return [web.get(f"/{folder}/{{rest:.*}}", handle) for folder in folders]


async def answer(simulator: Simulator, request: web.Request) -> web.StreamResponse:
    """Checks the URL, logs the request and answers it."""
    style = simulator.styles[request.path.split("/")[1]]
    now = simulator.now()
    try:
        grant = style.check(_signed_part(request), now=now)
    except contract.Refused as refused:
        return answers.Wire(refused.answer, seen=_seen(simulator, request), closing=simulator.closing)
    return await deliver(simulator, request, grant.key, style=style, expires=grant.expires)


async def deliver(
    simulator: Simulator, request: web.Request, path: str, *, style: contract.Style | None = None, expires: float | None
) -> web.StreamResponse:
    """Logs the request and sends what is at `path`, with its fault if it names one; for those who have checked
    themselves who may have it. `style` gives the vendor's headers.
    """
    seen = _seen(simulator, request)
    try:
        decided = await _decide(simulator, request, seen, path, style or simulator.styles["public"], expires)
    except errors.InvalidRequest as wrong:
        decided = answers.text(400, f"{wrong}\n", "text/plain; charset=utf-8")
    return answers.Wire(decided, seen=seen, closing=simulator.closing)


def _seen(simulator: Simulator, request: web.Request) -> answers.Seen:
    headers = {name: request.headers[name] for name in LOGGED if name in request.headers}
    seen = answers.Seen(method=request.method, path=request.path, headers=headers)
    simulator.requests.append(seen)
    return seen


async def _decide(
    simulator: Simulator,
    request: web.Request,
    seen: answers.Seen,
    path: str,
    style: contract.Style,
    expires: float | None,
) -> answers.Answer:
    now = simulator.now()
    key, spec = _split(path)
    spec = spec or simulator.draw()
    seen.fault = str(spec) if spec else None
    attempt = simulator.attempt(path, counts=request.method == "GET") if spec else 0

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
            expires=expires,
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
