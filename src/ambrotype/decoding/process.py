"""One child process, seen from its parent: started, asked, ended."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from typing import Final

from ambrotype.core import errors
from ambrotype.decoding import protocol

log = logging.getLogger(__name__)

START_SECONDS = 60.0
_PIECE = 64 * 1024
LAST_WORDS = 2000
"""Characters of the child's standard error that are looked at."""

# All that a child sees of the environment. One thread and one arena: each more costs address space, which
# is limited.
ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "VIPS_BLOCK_UNTRUSTED": "1",
    "VIPS_CONCURRENCY": "1",
    "MALLOC_ARENA_MAX": "1",
}
PASSED_ON = ("LD_LIBRARY_PATH", "SYSTEMROOT")
"""Names without which the interpreter may not start in some installations."""


class Died(Exception):
    """The child ended, or had to be ended, before it had answered. `str()` says how, to follow "The
    decoder"."""

    def __init__(self, how: str, *, by_chance: bool, hung: bool = False) -> None:
        super().__init__(how)
        self.by_chance = by_chance
        """Whether a busy machine, or we, may be the reason, and not the file."""
        self.hung = hung


class Child:
    """Made by `start`. Asked one thing at a time; after any exception from `ask` it is to be ended."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self.process = process
        self.limits: tuple[str, ...] = ()
        self.asked = 0
        self._connection = connection

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    async def ask(self, request: protocol.Message, fds: list[int], *, seconds: float) -> protocol.Message:
        """Raises `Died` if no answer comes in time, or none that can be believed."""
        self.asked += 1
        with contextlib.suppress(BlockingIOError):
            self._last_words()  # makes room: what an earlier file left there says nothing about this one
        try:
            # One small message into an empty buffer: it goes whole, and without waiting.
            socket.send_fds(self._connection, [protocol.pack(request)], fds)
            async with asyncio.timeout(seconds):
                return await self._receive()
        except TimeoutError as error:
            raise Died(f"took longer than {seconds:g} seconds", by_chance=True, hung=True) from error
        except (OSError, EOFError, ValueError) as error:
            raise await self._death() from error

    async def _receive(self) -> protocol.Message:
        """The next message. Nothing follows it: a child speaks only when it is asked."""
        data = await self._more(bytearray(), protocol.LENGTH.size)
        (length,) = protocol.LENGTH.unpack_from(data)
        if length > protocol.MAX_BYTES:
            raise ValueError("an answer that is too long")
        whole = protocol.LENGTH.size + length
        data = await self._more(data, whole)
        if len(data) > whole:
            raise ValueError("more than an answer")
        return protocol.unpack(bytes(data[protocol.LENGTH.size :]))

    async def _more(self, data: bytearray, least: int) -> bytearray:
        loop = asyncio.get_running_loop()
        while len(data) < least:
            piece = await loop.sock_recv(self._connection, _PIECE)
            if not piece:
                raise EOFError
            data += piece
        return data

    async def _death(self) -> Died:
        """How it ended; ends it first where it lives on and talks nonsense."""
        try:
            code = await asyncio.to_thread(self.process.wait, 1.0)
        except subprocess.TimeoutExpired:
            return Died("gave an answer that makes no sense", by_chance=False)
        words = self._last_words()
        if "alloc" in words or "MemoryError" in words or "out of memory" in words:
            return Died("needed more memory than it may have", by_chance=False)
        if code < 0:
            # Nothing but the kernel or an administrator sends SIGKILL, for want of memory most likely.
            return Died(f"crashed ({signal.Signals(-code).name})", by_chance=-code == signal.SIGKILL)
        # An exception that was not foreseen may be our own fault: no file is given up for it at once.
        log.error("a decoder ended with code %s: %s", code, words)
        return Died("failed unexpectedly", by_chance=True)

    def _last_words(self) -> str:
        assert self.process.stderr is not None
        said = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.process.stderr.fileno(), 1 << 16):
                said = (said + piece)[-LAST_WORDS:]
        return said.decode(errors="replace")

    async def end(self) -> None:
        """Kills it and waits until it is gone; nothing of it stays. Harmless when it has ended already."""
        self._connection.close()
        self.process.kill()
        await asyncio.to_thread(self.process.wait)
        assert self.process.stderr is not None
        self.process.stderr.close()


async def start(*, memory_bytes: int, output_bytes: int = 0, niceness: int = 0) -> Child:
    """A child that has given its rights up and waits. Raises `errors.Unavailable` where none can be had.

    Started from the loop's own thread: the kernel's "dies with its parent" means the thread that started it.
    """
    child = _spawn(memory_bytes, output_bytes, niceness)
    try:
        async with asyncio.timeout(START_SECONDS):
            ready = await child._receive()
        child.limits = tuple(str(name) for name in ready["result"]["limits"])
    except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
        how = child._last_words().strip().splitlines()[-1:] or [str(error) or "it ended at once"]
        await child.end()
        raise errors.Unavailable(
            f"The process that reads media does not start ({how[0][:200]}): can pyvips, PyAV and c2pa be imported?"
        ) from error
    except BaseException:
        await child.end()
        raise
    return child


def _spawn(memory_bytes: int, output_bytes: int, niceness: int) -> Child:
    ours, theirs = socket.socketpair()
    try:
        ours.settimeout(0)
        process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-m",
                "ambrotype.decoding.child",
                str(memory_bytes),
                str(output_bytes),
                str(os.getpid()),
                str(niceness),
            ],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        raise errors.Unavailable(f"No process can be started to read media in ({error}).") from error
    finally:
        theirs.close()
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    return Child(process, ours)
