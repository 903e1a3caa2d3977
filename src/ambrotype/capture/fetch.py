"""Downloads: from a source to pieces of about 1 MiB, whatever the sender does, in constant memory.

A connection that breaks is taken up where it broke, if the server can show that the file is still the same.
What the server claims about the file is handed on in `announced`; comparing the bytes with it is up to
`digests` and `verify`.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from types import TracebackType

import aiohttp
import aiohttp.abc

from ambrotype.capture import encoding, hops, network, parts, responses, watch
from ambrotype.capture.hops import Source
from ambrotype.capture.responses import Announced
from ambrotype.core import errors

__all__ = ["Announced", "Download", "Fetcher", "Limits", "Source"]

PIECE = 1 << 20
_SMALL = 1 << 14
_READ_AHEAD = 1 << 19
"""aiohttp reads up to twice this from the socket while the consumer writes and hashes."""

_FIELD = 16 * 1024
_PROGRESS = 64 * 1024
_PAUSES = (0.0, 0.2, 1.0)
"""Before the resumption after 0, 1 and 2 fruitless ones; a fruitful one brings at least 64 KiB."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What one download may cost. Sizes in bytes, times in seconds."""

    max_bytes: int
    """Of the file as handed on, and as sent."""
    timeout: float
    """From the first connection to the last byte."""
    min_rate: float
    """Bytes a second that the source has to reach over each `window`; the first window is grace. 0: any."""
    window: float = 10.0
    idle: float = 30.0
    """The longest silence, and the longest wait for an answer to begin."""
    header_bytes: int = 64 * 1024
    redirects: int = 5


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Fetcher:
    """Downloads by one set of limits, over pooled connections. One per process; close it."""

    def __init__(
        self,
        limits: Limits,
        *,
        user_agent: str,
        resolver: aiohttp.abc.AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` stands in for the system's trusted roots (a private authority)."""
        self._limits = limits
        self._user_agent = user_agent
        self._resolver = resolver
        self._tls = tls
        # A pooled connection has passed the check of one `Allowed` and must not serve another: a pool for
        # each.
        self._sessions: dict[network.Allowed, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> "Fetcher":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets go of all connections; running downloads break."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    @contextlib.asynccontextmanager
    async def open(
        self,
        source: Source,
        *,
        expires_at: datetime.datetime | None = None,
        now: Callable[[], datetime.datetime] = _utc,
    ) -> AsyncIterator["Download"]:
        """Asks for the file; inside the block its bytes can be read. Raises `errors.CaptureFailed`.

        `expires_at` is when the URL is known to run out: after it (by `now`), refusals and absences mean
        `errors.SourceExpired`.
        """
        question = hops.Question(
            session=self._session(source.allowed),
            source=source,
            redirects=self._limits.redirects,
            header_bytes=self._limits.header_bytes,
            idle=self._limits.idle,
            deadline=asyncio.get_running_loop().time() + self._limits.timeout,
            expires_at=expires_at,
            now=now,
        )
        response, host = await question.ask()
        try:
            download = await _begun(question, response, host, self._limits)
        except BaseException:
            response.close()
            raise
        try:
            yield download
        finally:
            download.close()

    def _session(self, allowed: network.Allowed) -> aiohttp.ClientSession:
        session = self._sessions.get(allowed)
        if session is None:
            session = self._sessions[allowed] = aiohttp.ClientSession(
                connector=network.connector(allowed, resolver=self._resolver, tls=self._tls),
                headers={"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                trust_env=False,
                auto_decompress=False,
                read_bufsize=_READ_AHEAD,
                max_line_size=_FIELD,
                max_field_size=min(_FIELD, self._limits.header_bytes),
            )
        return session


async def _begun(question: hops.Question, response: aiohttp.ClientResponse, host: str, limits: Limits) -> "Download":
    if response.status != 200:
        raise await question.refused(response, host)
    announced = responses.announced(response, host)
    length = response.content_length
    if length == 0:
        raise errors.NotMedia(f"{host} sent an empty file.")
    if length is not None and length > limits.max_bytes:
        raise _too_large(limits)
    return Download(question, response, announced, limits)


class Download:
    """One file on its way. Iterate over `chunks()` once."""

    def __init__(
        self, question: hops.Question, response: aiohttp.ClientResponse, announced: Announced, limits: Limits
    ) -> None:
        self.announced = announced
        self._question, self._response, self._limits = question, response, limits
        self._version = parts.Version.of(response, announced.host)
        self._offset = self._resumed_at = 0
        self._fruitless = 0
        self._watch = watch.Watch(
            host=announced.host,
            deadline=question.deadline,
            idle=limits.idle,
            min_rate=limits.min_rate,
            window=limits.window,
            stop=lambda: self._response.close(),
        )

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file in pieces of about 1 MiB, the last one smaller. Raises `errors.CaptureFailed`.

        Reading goes on while the consumer is busy with a piece, up to 1 MiB ahead. Reaching the end means
        that as many bytes came as were announced.
        """
        pieces = _Pieces()
        total = 0
        name = self._version.coding
        undo = encoding.Undo(name, self.announced.host) if name else None
        while data := await self._read():
            for part in undo.feed(data) if undo else (data,):
                total += len(part)
                if total > self._limits.max_bytes:
                    raise _too_large(self._limits)
                pieces.add(part)
                if pieces.size >= PIECE:
                    yield pieces.take()
        if undo:
            undo.finish()
        if pieces.size:
            yield pieces.take()
        if not total:
            raise errors.NotMedia(f"{self.announced.host} sent an empty file.")

    def close(self) -> None:
        """Gives the connection back if the file has ended, else drops it."""
        self._watch.close()
        self._response.close()

    async def _read(self) -> bytes:
        """The next bytes as sent, or none at the end."""
        while True:
            self._judge()
            self._watch.wait()
            try:
                data = await self._response.content.readany()
                broken = not data and self._version.length not in (None, self._offset)
            except (aiohttp.ClientError, OSError):
                data, broken = b"", True
            self._judge()
            if not broken:
                self._watch.got(len(data))
                return self._counted(data)
            if await self._resume():
                return b""

    def _judge(self) -> None:
        if self._watch.verdict:
            raise self._watch.verdict

    def _counted(self, data: bytes) -> bytes:
        self._offset += len(data)
        if self._offset > self._limits.max_bytes:
            raise _too_large(self._limits)
        if self._version.length is not None and self._offset > self._version.length:
            raise errors.SourceChanged(f"{self.announced.host} sent more bytes than it had announced.")
        return data

    async def _resume(self) -> bool:
        """Asks for the rest, as often as it brings something. True where there is no rest after all."""
        gained, self._resumed_at = self._offset - self._resumed_at, self._offset
        self._fruitless = 0 if gained >= _PROGRESS else self._fruitless + 1
        self._response.close()
        while True:
            self._judge()
            if self._version.validator is None or not self._offset or self._fruitless >= len(_PAUSES):
                raise self._truncated()
            await asyncio.sleep(_PAUSES[self._fruitless])
            try:
                return await self._rest(self._version.validator)
            except errors.SourceUnreachable as error:
                self._fruitless += 1
                if error.retry_after or self._fruitless >= len(_PAUSES):
                    raise

    async def _rest(self, validator: str) -> bool:
        response, host = await self._question.ask({"Range": f"bytes={self._offset}-", "If-Range": validator})
        if response.status not in (200, 206, 416):
            raise await self._question.refused(response, host)
        try:
            rest = self._version.rest(response, self._offset)
            if rest.length is not None and rest.length > self._limits.max_bytes:
                raise _too_large(self._limits)
        except parts.NotResumable:
            response.close()
            raise self._truncated() from None
        except errors.CaptureFailed:
            response.close()
            raise
        self._response, self._version = response, rest
        return rest.length == self._offset

    def _truncated(self) -> errors.Truncated:
        whole = "" if self._version.length is None else f" of {self._version.length}"
        return errors.Truncated(f"{self.announced.host} broke off after {self._offset}{whole} bytes and can't go on.")


class _Pieces:
    """Bytes on their way to a piece. Tiny ones are merged: in a list each would cost many times its size."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes | bytearray] = []

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if len(data) >= _SMALL:
            self._parts.append(data)
        elif self._parts and isinstance(self._parts[-1], bytearray):
            self._parts[-1] += data
        else:
            self._parts.append(bytearray(data))

    def take(self) -> bytes:
        taken, self._parts, self.size = self._parts, [], 0
        return bytes(taken[0]) if len(taken) == 1 else b"".join(taken)


def _too_large(limits: Limits) -> errors.TooLarge:
    return errors.TooLarge(f"The file has more than {limits.max_bytes} bytes (AMBROTYPE_FETCH_MAX_BYTES).")
