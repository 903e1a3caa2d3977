"""Requests to a server: pooled connections, retries of what may be repeated, errors as they are."""

import asyncio
import contextlib
import dataclasses
import importlib.metadata
import io
import random
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import yarl

from ambrotype.client import problems
from ambrotype.core import errors

TRIES = 5
FIRST_PAUSE = 0.2
"""Seconds before the second try; doubled each time, with jitter, unless the server names the seconds."""
LONGEST_PAUSE = 30.0
CONNECT = 10.0
"""Seconds until a connection stands."""
LARGE = 2**19
"""Bytes of a body that is not sent at once."""
_AGAIN = (502, 503)
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Failures after which the server has seen nothing of the request."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `repeatable`: done twice, it has the effect of once."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    repeatable: bool = True
    patience: float = 0
    """Seconds that the answer may take beyond the usual."""


class Connection:
    """A server's address and the credentials for it. Connections are opened when they are first needed."""

    def __init__(self, url: str, *, key: str | None, owner: str | None, app: str | None, timeout: float) -> None:
        try:
            self._base = yarl.URL(url.rstrip("/"))
        except ValueError:
            self._base = yarl.URL()
        if self._base.scheme not in ("http", "https") or not self._base.host or self._base.user or self._base.query:
            raise errors.InvalidRequest("The server's url must be like https://media.example.com, without a query.")
        self._timeout = timeout
        self._headers = {"User-Agent": f"ambrotype-python/{importlib.metadata.version('ambrotype')}"}
        for name, value in (
            ("Authorization", f"Bearer {key}" if key else None),
            ("Ambrotype-Owner", owner),
            ("Ambrotype-App", app),
        ):
            if value is None:
                continue
            if not value.isprintable():
                raise errors.InvalidRequest(f"The {name} header can't be sent: it holds control characters.")
            self._headers[name] = value
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def address(self) -> str:
        """The server's."""
        return str(self._base)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections; harmless twice."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, call: Call) -> bytes:
        """The answer's body. Raises the error that the server answers, or `errors.Unavailable` if no answer comes."""
        for tried in range(1, TRIES + 1):
            result = await self._once(call)
            if isinstance(result, bytes):
                return result
            if tried == TRIES or not result.may_pass or (result.error.retry_after or 0) > LONGEST_PAUSE:
                raise result.error from result.cause
            await asyncio.sleep(result.error.retry_after or FIRST_PAUSE * 2**tried * random.uniform(0.5, 1))
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        follow: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request, tried once, whose bytes may take as long as they move. Raises the error that the server answers,
        or `errors.Unavailable` where the connection breaks, in the block too."""
        where = f"{method} {self._base}{path}"
        try:
            async with self._open().request(
                method,
                yarl.URL(f"{self._base}{path}", encoded=True),
                data=data,
                headers=headers or {},
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=self._timeout),
                allow_redirects=follow,
            ) as response:
                if response.status >= 300:
                    after = _seconds(response.headers.get("Retry-After"))
                    raise problems.error_of(response.status, await response.read(), retry_after=after, where=where)
                yield response
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise errors.Unavailable(f"{where}: no answer ({problem or type(problem).__name__}).") from problem

    async def _once(self, call: Call) -> "bytes | _Failed":
        where = f"{call.method} {self._base}{call.path}"
        try:
            async with self._open().request(
                call.method,
                yarl.URL(f"{self._base}{call.path}", encoded=True).with_query(call.query),
                data=_payload(call.body),
                headers={**call.headers, **({"Content-Type": "application/json"} if call.body is not None else {})},
                timeout=aiohttp.ClientTimeout(total=self._timeout + call.patience, connect=CONNECT),
                allow_redirects=False,
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as problem:
            error = errors.Unavailable(f"{where}: no answer ({problem or type(problem).__name__}).")
            return _Failed(error=error, may_pass=call.repeatable or isinstance(problem, _NOT_SENT), cause=problem)
        if response.status < 300:
            return body
        if response.status < 400:
            found = response.headers.get("Location", "")
            raise errors.AmbrotypeError(f"{where} was sent elsewhere: give the url that {found[:200]!r} belongs to.")
        after = _seconds(response.headers.get("Retry-After"))
        return _Failed(
            error=problems.error_of(response.status, body, retry_after=after, where=where),
            may_pass=response.status == 429 or (call.repeatable and response.status in _AGAIN),
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("This client is closed.")
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """What a try came to."""

    error: errors.AmbrotypeError
    may_pass: bool
    cause: BaseException | None = None


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    """Large bodies as a file: aiohttp sends those in pieces, between which the event loop goes on."""
    return io.BytesIO(body) if body is not None and len(body) > LARGE else body


def _seconds(value: str | None) -> float | None:
    """Of a Retry-After header; its other form, a date, is not used by Ambrotype."""
    return float(value) if value is not None and value.isdecimal() else None
