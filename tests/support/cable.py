"""A cable that tests can pull: forwards TCP on loopback to a server until it is cut."""

import asyncio
import contextlib
import socket
import weakref

_FLUSH = 1.0
"""Seconds for the other direction to end by itself."""


class Cable:
    """Listens on a port of its own, also after it was cut and mended."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._forwarding: set[asyncio.Task[None]] = set()
        # Bound as long as this lives: while the cable is cut, its port must become nobody else's.
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        weakref.finalize(self, held.close)
        self.port: int = held.getsockname()[1]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Refuses new connections and breaks those there are."""
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.transport.abort()
            await self._server.wait_closed()
            await asyncio.gather(*self._forwarding, return_exceptions=True)
            self._server = None

    async def _forward(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._forwarding.add(task)
        task.add_done_callback(self._forwarding.discard)
        ends = {near_out}
        self._open.add(near_out)
        try:
            far_in, far_out = await asyncio.open_connection("127.0.0.1", self._target)
            ends.add(far_out)
            self._open.add(far_out)
            pumps = {asyncio.create_task(_pump(near_in, far_out)), asyncio.create_task(_pump(far_in, near_out))}
            # Where one end has gone, so has what lies behind the cable: nobody is left waiting for it.
            _, left = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(left, timeout=_FLUSH)
            for pump in left:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:  # the server is away just now
            pass
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 18):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError, RuntimeError):
        sink.close()
