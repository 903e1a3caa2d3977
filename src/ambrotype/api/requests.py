"""Around every request: an id, a log line, and a limit to the body. Raw ASGI, so that `pathsend` gets through."""

import re
import time
from collections.abc import Awaitable, Callable

import structlog

from ambrotype.api import errors as problems
from ambrotype.core import errors, ids
from ambrotype.delivery import asgi

MOST_BODY = 128 * 2**20
"""Bytes of a JSON body: the largest `data` in base64, and room for a batch."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

App = Callable[[asgi.Scope, asgi.Receive, asgi.Send], Awaitable[None]]

log = structlog.get_logger("ambrotype.http")


class Requests:
    """Gives each request its id (the caller's, where it sends one), and its log lines too."""

    def __init__(self, app: App, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _ID.fullmatch(given) else str(ids.new())
        began = time.perf_counter()
        status = 0

        async def tagged(message: asgi.Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            length = headers.get(b"content-length", b"0")
            if (int(length) if length.isdigit() else 0) > self._most:
                await problems.send(
                    errors.TooLarge(f"The body has {length.decode()} bytes; at most {self._most} are taken."),
                    scope,
                    tagged,
                    [],
                )
            else:
                await self._app(scope, self._limited(receive), tagged)
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )

    def _limited(self, receive: asgi.Receive) -> asgi.Receive:
        """The same for a body that does not say its length."""
        taken = 0

        async def limited() -> asgi.Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise errors.TooLarge(f"The body has more than {self._most} bytes.")
            return message

        return limited
