"""A client that shows what was really sent: no HTTP library corrects or refuses anything here."""

import asyncio
import dataclasses
import urllib.parse
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Received:
    """One answer up to the end of the connection; `reset` where it ended by RST."""

    status: int
    headers: dict[str, str]
    body: bytes
    reset: bool


async def get(
    url: str, *, headers: dict[str, str] | None = None, limit: int = 64 * 2**20, method: str = "GET"
) -> Received:
    """Reads until the server closes, or `limit` bytes."""
    parts = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=limit)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    received, reset = bytearray(), False
    try:
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        while len(received) < limit:
            piece = await reader.read(min(1 << 16, limit - len(received)))
            if not piece:
                break
            received += piece
    except ConnectionResetError:
        reset = True
    finally:
        writer.transport.abort()
    return _parsed(bytes(received), reset=reset)


def _parsed(received: bytes, *, reset: bool) -> Received:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    status = int(first.split(" ")[1]) if first else 0
    return Received(status=status, headers={name.lower(): value for name, value in pairs}, body=body, reset=reset)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something that the simulator does; the test's own timeout is the limit."""
    while not condition():
        await asyncio.sleep(0.005)
