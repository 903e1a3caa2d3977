"""An answer as a value, and the one place that puts it on the wire, exactly as it says: also where that is
wrong.
"""

import asyncio
import dataclasses
import email.utils
import http
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Literal

import multidict
from aiohttp import HttpVersion11, abc, web

Framing = Literal["length", "chunked", "close"]
"""How the client learns where the body ends: Content-Length (whatever the headers say), chunks, or the
closing.
"""

End = Literal["keep", "close", "cut", "reset", "hang"]
"""What becomes of the connection after the body: kept for the next request, closed, closed without the last
chunk, reset (RST), or left in silence.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, headers and body. `body` is read while it is sent, so it may be endless."""

    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: Iterable[bytes] = ()
    framing: Framing = "length"
    end: End = "keep"
    pause: float = 0.0
    """Seconds between the pieces of the body."""
    silent: bool = False
    """Not even a status line: straight to `end`."""

    def but(self, *, headers: dict[str, str | None] | None = None, **changes: object) -> "Answer":
        """A copy with changes; a header of None is left out."""
        merged: dict[str, str | None] = {**self.headers, **(headers or {})}
        kept = {name: value for name, value in merged.items() if value is not None}
        return dataclasses.replace(self, headers=kept, **changes)  # type: ignore[arg-type]


def text(status: int, body: str, content_type: str, headers: dict[str, str] | None = None) -> Answer:
    """A short answer with its length."""
    data = body.encode()
    return Answer(
        status=status,
        headers={"Content-Type": content_type, "Content-Length": str(len(data)), **(headers or {})},
        body=(data,),
    )


def first(body: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The body's first `size` bytes."""
    for piece in body:
        if size <= 0:
            return
        yield piece[:size]
        size -= len(piece)


def resized(body: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of at most `size`."""
    for piece in body:
        for at in range(0, len(piece), size):
            yield piece[at : at + size]


@dataclasses.dataclass(slots=True)
class Seen:
    """A request that came, for assertions. The query is not kept: it holds the signature."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0
    """Bytes of the body sent so far."""
    fault: str | None = None
    finished: bool = False


class Wire(web.StreamResponse):
    """Sends an `Answer` without aiohttp's corrections of length, framing and headers."""

    def __init__(self, answer: Answer, *, seen: Seen, closing: asyncio.Event) -> None:
        super().__init__(status=answer.status)
        self._answer = answer
        self._seen = seen
        self._closing = closing
        self._done = False
        seen.status = 0 if answer.silent else answer.status

    async def prepare(self, request: web.BaseRequest) -> abc.AbstractStreamWriter | None:
        """Called once by aiohttp when the handler has returned; everything is sent here."""
        if not self._done:
            self._done = True
            try:
                await self._send(request)
            finally:
                self._seen.finished = True
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to do."""

    async def _send(self, request: web.BaseRequest) -> None:
        answer = self._answer
        if answer.end != "keep" or answer.framing == "close":
            self.force_close()
        else:
            self._keep_alive = request.keep_alive
        if not answer.silent:
            await self._write(request, request.writer)
        if answer.end == "hang":
            await self._wait(request)
        if answer.end == "reset":
            _reset(request.transport)

    async def _write(self, request: web.BaseRequest, writer: abc.AbstractStreamWriter) -> None:
        answer = self._answer
        headers = multidict.CIMultiDict(answer.headers)
        headers.setdefault("Date", email.utils.formatdate(usegmt=True))
        if answer.framing == "chunked" and request.version >= HttpVersion11:
            headers["Transfer-Encoding"] = "chunked"
            writer.enable_chunking()
        if answer.framing == "close" or not request.keep_alive:  # what breaks off does not say so before
            headers["Connection"] = "close"
        reason = http.HTTPStatus(answer.status).phrase
        writer.length = None  # else aiohttp would cut the body at the announced length
        await writer.write_headers(f"HTTP/1.1 {answer.status} {reason}", headers)
        writer.send_headers()
        if request.method != "HEAD":
            await self._write_body(writer)

    async def _write_body(self, writer: abc.AbstractStreamWriter) -> None:
        answer = self._answer
        for piece in answer.body:
            if answer.pause:
                await asyncio.sleep(answer.pause)
            await writer.write(piece)
            self._seen.sent += len(piece)
            if self._closing.is_set():
                raise ConnectionResetError
        if answer.end in ("keep", "close") and answer.framing == "chunked":
            await writer.write_eof()

    async def _wait(self, request: web.BaseRequest) -> None:
        """Until the client has gone or the simulator stops."""
        # aiohttp tells of a lost client by no event.
        while not self._closing.is_set() and request.transport is not None:
            await asyncio.sleep(0.05)


def _reset(transport: asyncio.Transport | None) -> None:
    """Ends the connection with RST, not FIN: a linger time of zero means that."""
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
