"""Server-sent events, as far as providers use them."""

from typing import Any

import orjson
from aiohttp import web


class Stream:
    """An answer that goes on. `write` sends one document, with its type as the event's name where it is to be named."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        )

    async def open(self) -> "Stream":
        await self._response.prepare(self._request)
        return self

    async def write(self, document: Any, *, name: str | None = None) -> None:
        head = f"event: {name}\n".encode() if name else b""
        await self._response.write(head + b"data: " + orjson.dumps(document) + b"\n\n")

    async def done(self) -> web.StreamResponse:
        """`[DONE]`, where the vendor ends a stream so."""
        await self._response.write(b"data: [DONE]\n\n")
        return self._response

    @property
    def response(self) -> web.StreamResponse:
        return self._response
