"""Where callers put files for a provider, and where anyone who has the URL fetches them."""

from collections.abc import Iterable

from aiohttp import web

from ambrotype.simulator.providers import desk, uploaded
from ambrotype.simulator.state import Simulator

LARGEST = 32 * 2**20
"""Bytes of one file."""


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """PUT and GET of an announced file."""

    async def put(request: web.Request) -> web.StreamResponse:
        upload = simulator.uploaded.find(request.match_info["token"])
        if upload is None:
            return _missing()
        try:
            simulator.uploaded.fill(upload, await body_of(request))
        except desk.Problem as problem:
            return web.Response(status=problem.status, text=f"{problem.message}\n")
        return web.Response()

    async def get(request: web.Request) -> web.StreamResponse:
        upload = simulator.uploaded.find(request.match_info["token"])
        if upload is None or upload.body is None:
            return _missing()
        return web.Response(body=upload.body, headers={"Content-Type": upload.content_type})

    path = f"{uploaded.PATH}/{{token}}/{{name}}"
    return [web.put(path, put), web.get(path, get)]


def _missing() -> web.Response:
    return web.Response(status=404, text="There is no such upload.\n")


async def body_of(request: web.Request) -> bytes:
    """The whole body; 413 above `LARGEST`."""
    body = bytearray()
    async for piece in request.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > LARGEST:
            raise desk.Problem(413, f"The file is larger than {LARGEST} bytes.")
    return bytes(body)
