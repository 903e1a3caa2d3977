"""The bytes of a reply, from the store to the server. Nothing here holds up the event loop for longer than a
`stat`.

Whole files on this machine's disk are handed to the server by name (`http.response.pathsend`). Other ranges
are read in threads, one block ahead of what is being sent, so a reply holds two blocks at most. Other stores
are streamed through.

What can be known to be wrong is found before the status line is sent: a vanished file, one of another size,
a store that is down. What breaks later breaks the connection, short of its Content-Length, and never ends a
reply as if it were whole.
"""

import asyncio
import concurrent.futures
import dataclasses
from collections.abc import AsyncGenerator, Coroutine
from pathlib import Path
from typing import Any, Protocol

import structlog

from ambrotype.core import errors
from ambrotype.delivery import asgi, decision, deliverable, multipart, reading
from ambrotype.storage import contract

_LONG = 4 * reading.BLOCK
"""A body of more bytes than this is sent while listening for the client to go away."""

_log = structlog.get_logger(__name__)


class Body(Protocol):
    """An opened body; `close` it after use."""

    sent: int
    """Bytes that the server took off our hands."""

    async def send(self, receive: asgi.Receive, send: asgi.Send) -> None:
        """Sends it, after the reply's start; ends early when the client has gone."""

    async def close(self) -> None:
        """Lets go of files and connections."""


async def prepare(
    plan: decision.Plan, *, store: contract.Store, threads: concurrent.futures.Executor, scope: asgi.Scope
) -> Body:
    """The body of the plan, seen to be there and of the recorded size.

    Raises `errors.Unavailable` where it is not, which is logged as an error, and `errors.StoreUnavailable`.
    """
    if plan.status == 304:
        return _Empty()
    if not isinstance(store, contract.OnDisk):
        entry = await store.head(plan.content.key)
        _check_size(plan.content, None if entry is None else entry.size)
        if not plan.pieces:
            return _Empty()
        return await _primed(reading.from_store(store, plan.content.key, plan.pieces), None, plan)
    path = _path(store, plan.content)
    if not plan.pieces or (plan.whole and asgi.can_pathsend(scope)):
        _check_size(plan.content, _size(path))
        return _Named(path=path, sent=plan.content.size) if plan.pieces else _Empty()
    try:
        file = await reading.in_thread(threads, reading.File, path)
    except OSError as error:
        raise _missing(plan.content, str(error.strerror)) from error
    try:
        _check_size(plan.content, file.size)
        return await _primed(reading.from_file(file, plan.pieces, threads), file, plan)
    except BaseException:
        file.close()
        raise


@dataclasses.dataclass(slots=True, kw_only=True)
class _Empty:
    """Of HEAD, 304 and an empty file."""

    sent: int = 0

    async def send(self, receive: asgi.Receive, send: asgi.Send) -> None:
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def close(self) -> None:
        return None


@dataclasses.dataclass(slots=True, kw_only=True)
class _Named:
    """A file that the server sends by itself; it does not tell how much of it."""

    path: Path
    sent: int

    async def send(self, receive: asgi.Receive, send: asgi.Send) -> None:
        await send({"type": "http.response.pathsend", "path": str(self.path)})

    async def close(self) -> None:
        return None


@dataclasses.dataclass(slots=True, kw_only=True)
class _Stream:
    """Blocks that together are `length` bytes, or it fails. The first is at hand."""

    first: bytes
    rest: AsyncGenerator[bytes, None]
    file: reading.File | None
    length: int
    sent: int = 0

    async def send(self, receive: asgi.Receive, send: asgi.Send) -> None:
        if self.length <= _LONG:
            await self._pump(send)
        else:
            await while_connected(receive, self._pump(send))

    async def _pump(self, send: asgi.Send) -> None:
        await self._pass_on(self.first, send)
        async for block in self.rest:
            await self._pass_on(block, send)

    async def _pass_on(self, block: bytes, send: asgi.Send) -> None:
        self.sent += len(block)
        await send({"type": "http.response.body", "body": block, "more_body": self.sent < self.length})

    async def close(self) -> None:
        await self.rest.aclose()
        if self.file is not None:
            self.file.close()


async def while_connected(receive: asgi.Receive, work: Coroutine[Any, Any, object]) -> bool:
    """Runs `work` unless the client goes away first, which cancels it; whether it was done.

    Granian's `send` goes on without a client as if nothing had happened, so this message is the only sign.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
            return True
        return False
    finally:
        doing.cancel()
        gone.cancel()
        await asyncio.gather(doing, gone, return_exceptions=True)


async def _disconnected(receive: asgi.Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _primed(blocks: AsyncGenerator[bytes, None], file: reading.File | None, plan: decision.Plan) -> Body:
    first = await anext(blocks)
    return _Stream(first=first, rest=blocks, file=file, length=multipart.length(plan.pieces))


def _path(store: contract.OnDisk, content: deliverable.Content) -> Path:
    try:
        return store.path(content.key)
    except errors.InvalidRequest as refused:  # its sentence names a place on our disk
        raise _missing(content, str(refused)) from refused


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _check_size(content: deliverable.Content, size: int | None) -> None:
    if size is None:
        raise _missing(content, "it is not in the store")
    if size != content.size:
        raise _missing(content, f"it has {size} bytes instead of {content.size}")


def _missing(content: deliverable.Content, why: str) -> errors.Unavailable:
    _log.error("kept bytes are not as recorded; run an audit", object=str(content.key), why=why)
    return errors.Unavailable(
        "The stored file is not as recorded, so it is not served; the administrator's log says more."
    )
