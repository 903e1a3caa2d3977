"""Reads the pieces of a body in order, from a file in threads or from a store that streams."""

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import structlog

from ambrotype.core import errors
from ambrotype.delivery import multipart, ranges
from ambrotype.storage import contract

BLOCK = 1 << 20
"""Bytes a read: large, as each costs a change of thread."""
FIRST = 128 << 10
"""Bytes of the first read of a long range: a player that jumps about asks for all that follows, and leaves after a little."""

_log = structlog.get_logger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")


class File:
    """An open file that threads read while the event loop may close it: the last of them really does."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.path = path
        self.size = os.fstat(self._handle).st_size
        self._lock = threading.Lock()
        self._users = 1
        self._closed = False

    def read(self, wanted: ranges.Range) -> bytes:
        """Exactly these bytes. Raises `errors.Unavailable` where the disk does not give them."""
        with self._lock:
            if self._closed:
                raise errors.Unavailable("The file was closed before it was read.")
            self._users += 1
        try:
            data = os.pread(self._handle, wanted.length, wanted.start)
        except OSError as error:
            raise _unreadable(self.path, str(error.strerror)) from error
        finally:
            self._let_go()
        if len(data) != wanted.length:
            raise _unreadable(self.path, f"ends at {wanted.start + len(data)}")
        return data

    def close(self) -> None:
        """Harmless twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last:
            os.close(self._handle)


async def from_file(
    file: File, pieces: tuple[multipart.Piece, ...], threads: concurrent.futures.Executor
) -> AsyncGenerator[bytes, None]:
    """One block ahead: while a block is being sent, a thread has the next one in hand. Does not close the
    file."""
    ahead: asyncio.Future[bytes] | None = None
    try:
        for block in _blocks(pieces):
            ready, ahead = ahead, _begin(file, block, threads)
            if ready is not None:
                yield await ready
        if ahead is not None:
            ready, ahead = ahead, None
            yield await ready
    finally:
        if ahead is not None:
            ahead.cancel()


async def from_store(
    store: contract.Store, key: contract.Key, pieces: tuple[multipart.Piece, ...]
) -> AsyncGenerator[bytes, None]:
    """Streams each range through. Raises `errors.Unavailable` where the object ends early."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        left = piece.length
        async with contextlib.AsyncExitStack() as stack:
            source = store.open(key, start=piece.start, length=piece.length)
            if isinstance(source, AsyncGenerator):
                await stack.enter_async_context(contextlib.aclosing(source))
            async for block in source:
                yield (block := block[:left])
                left -= len(block)
                if left == 0:
                    break
        if left:
            raise _unreadable(key, f"ends {left} bytes early")


async def in_thread(
    threads: concurrent.futures.Executor, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    return await asyncio.wrap_future(threads.submit(work, *args, **kwargs))


def _begin(file: File, block: multipart.Piece, threads: concurrent.futures.Executor) -> asyncio.Future[bytes]:
    if isinstance(block, ranges.Range):
        return asyncio.wrap_future(threads.submit(file.read, block))
    done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    done.set_result(block)
    return done


def _blocks(pieces: tuple[multipart.Piece, ...]) -> Iterator[multipart.Piece]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        else:
            start, size = piece.start, BLOCK if piece.length <= 2 * BLOCK else FIRST
            while start < piece.end:
                yield ranges.Range(start, min(size, piece.end - start))
                start, size = start + size, min(4 * size, BLOCK)


def _unreadable(what: Any, why: str) -> errors.Unavailable:
    _log.error("kept bytes can't be read", object=str(what), why=why)
    return errors.Unavailable("The stored file can't be read just now; the administrator's log says why.")
