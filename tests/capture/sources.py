"""Sources on loopback that answer byte by byte as a test tells them, also against the protocol."""

import asyncio
import contextlib
import dataclasses
import hashlib
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp.abc

from ambrotype.capture import fetch, network

LIMITS = fetch.Limits(max_bytes=64 << 20, timeout=60, min_rate=0, idle=20)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    path: str
    headers: dict[str, str]
    """Names in lower case."""


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclasses.dataclass
class Server:
    port: int
    scheme: str = "http"
    requests: list[Request] = dataclasses.field(default_factory=list)

    @property
    def allowed(self) -> network.Allowed:
        return network.Allowed.parse([f"127.0.0.1:{self.port}"])

    def url(self, path: str = "/file", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def source(self, path: str = "/file", **headers: str) -> fetch.Source:
        return fetch.Source(url=self.url(path), allowed=self.allowed, headers=headers)


@contextlib.asynccontextmanager
async def serving(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Answers one request a connection, then closes it."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in head[1:] if line)
            request = Request(path=head[0].split(" ")[1], headers=headers)
            server.requests.append(request)
            await answer(request, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server = Server(listening.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def reply(body: bytes = b"", status: str = "200 OK", *, length: int | None = -1, **headers: str) -> bytes:
    """An answer; header names with _ for -. `length` None leaves Content-Length out, -1 tells the truth."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def always(answer: bytes) -> Answer:
    async def give(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return give


def in_turn(*answers: bytes) -> Answer:
    """The n-th request gets the n-th answer, later ones the last."""
    left = list(answers)

    async def give(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return give


def noise(size: int) -> bytes:
    """The same incompressible bytes each time."""
    return random.Random(size).randbytes(size)


@dataclasses.dataclass
class Got:
    announced: fetch.Announced
    size: int
    sha256: str
    largest: int
    pieces: int


async def download(fetcher: fetch.Fetcher, source: fetch.Source, **known: object) -> Got:
    sha, size, largest, pieces = hashlib.sha256(), 0, 0, 0
    async with fetcher.open(source, **known) as found:  # type: ignore[arg-type]
        async for piece in found.chunks():
            sha.update(piece)
            size, largest, pieces = size + len(piece), max(largest, len(piece)), pieces + 1
    return Got(found.announced, size, sha.hexdigest(), largest, pieces)


class Names(aiohttp.abc.AbstractResolver):
    """A resolver that answers each name from its list, one answer a question, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[aiohttp.abc.ResolveResult]:
        self.asked.append(host)
        if host not in self._answers:
            raise OSError(f"{host} is not known")
        left = self._answers[host]
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [
            aiohttp.abc.ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass
