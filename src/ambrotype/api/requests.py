"""Around every request: an id, a log line, and a limit to the body. Raw ASGI, so that `pathsend` gets through."""

import re
import time
from collections.abc import Awaitable, Callable

import structlog

from ambrotype.api import errors as problems
from ambrotype.api import limiting
from ambrotype.core import errors, ids
from ambrotype.delivery import asgi

MOST_BODY = 128 * 2**20
"""Bytes of a JSON body: the largest `data` in base64, and room for a batch."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

App = Callable[[asgi.Scope, asgi.Receive, asgi.Send], Awaitable[None]]

log = structlog.get_logger("ambrotype.http")


class Requests:
    """Gives each request its id (the caller's, where it sends one), and its log lines too."""

    def __init__(
        self, app: App, *, most: int, streamed: Callable[[asgi.Scope], int | None] = lambda scope: None
    ) -> None:
        """`most` bytes of a body are taken; more where it is `streamed`, as many as that says."""
        self._app = app
        self._most = most
        self._streamed = streamed

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _ID.fullmatch(given) else str(ids.new())
        began = time.perf_counter()
        status = 0
        body = _Body(receive, most=self._streamed(scope) or self._most)

        async def tagged(message: asgi.Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    *limiting.headers(scope),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        async def answering(message: asgi.Message) -> None:
            if body.too_large is None:
                await tagged(message)
            # else the route speaks of a body that it could not read: it is answered below

        async def respond() -> None:
            try:
                if not body.announces_too_much(headers.get(b"content-length", b"")):
                    await self._app(scope, body.receive, answering)
            except Exception:
                if status:  # the reply has begun: breaking the connection is all that is left to say
                    raise
                if body.too_large is None:
                    log.exception("request crashed")
                    crash = errors.AmbrotypeError("Ambrotype failed on this request; its log says how.")
                    await problems.send(crash, scope, tagged, [])
            if body.too_large is not None and not status:
                await problems.send(body.too_large, scope, tagged, [])

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await respond()
            finally:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                )


class _Body:
    """A request's body, up to so many bytes, whether it says its length or not."""

    def __init__(self, receive: asgi.Receive, *, most: int) -> None:
        self._receive = receive
        self._most = most
        self._taken = 0
        self.too_large: errors.TooLarge | None = None

    def announces_too_much(self, length: bytes) -> bool:
        """Whether it is refused before anything of it is read."""
        if length.isdigit() and int(length[:20]) > self._most:
            self._refused()
        return self.too_large is not None

    async def receive(self) -> asgi.Message:
        """The next piece, or `errors.TooLarge`."""
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > self._most:
            raise self._refused()
        return message

    def _refused(self) -> errors.TooLarge:
        self.too_large = errors.TooLarge(f"The body has more than {self._most} bytes; send less.")
        return self.too_large
