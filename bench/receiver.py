"""The baseline of uploading: an ASGI application on Granian that takes a raw body, hashes, writes, fsyncs, nothing else."""

import asyncio
import contextlib
import hashlib
import os
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from granian import constants, server

from bench import processes

PIECE = 512 << 10
Asgi = Callable[..., Awaitable[None]]


def create() -> Asgi:
    """The application; writes `/NAME` into the folder `BENCH_RECEIVED`."""
    folder = Path(os.environ["BENCH_RECEIVED"])

    async def receiver(scope: dict[str, Any], receive: Asgi, send: Asgi) -> None:
        if scope["method"] == "PUT":
            await _take(receive, folder / scope["path"].strip("/"))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return receiver


async def _take(receive: Callable[[], Awaitable[Any]], file: Path) -> None:
    sha = hashlib.sha256()
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    pieces: list[bytes] = []
    size = 0

    def keep(data: bytes) -> None:
        sha.update(data)
        os.write(handle, data)

    try:
        more = True
        while more:
            event = await receive()
            if event["type"] != "http.request":
                raise ConnectionError("The client went away.")
            pieces.append(event.get("body", b""))
            size += len(pieces[-1])
            more = event.get("more_body", False)
            if size >= PIECE or not more:
                await asyncio.to_thread(keep, b"".join(pieces))
                pieces, size = [], 0
        await asyncio.to_thread(os.fsync, handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Its address; set up as Ambrotype's own, with one process."""
    folder.mkdir()
    port = processes.free_port()
    environment = {**os.environ, "BENCH_RECEIVED": str(folder)}
    with processes.started(
        [sys.executable, "-m", "bench.receiver", str(port)], log=folder.with_suffix(".log"), environment=environment
    ):
        base = f"http://127.0.0.1:{port}"
        _await(base)
        yield base


def _await(base: str) -> None:
    for _ in range(1000):
        with contextlib.suppress(OSError), urllib.request.urlopen(base):
            return
        time.sleep(0.02)
    raise TimeoutError("The bare receiver does not answer.")


if __name__ == "__main__":
    server.Server(
        "bench.receiver:create",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=constants.Interfaces.ASGINL,
        loop=constants.Loops.uvloop,
        factory=True,
        runtime_threads=1,
        websockets=False,
        log_enabled=False,
    ).serve()
