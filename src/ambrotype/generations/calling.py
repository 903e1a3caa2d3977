"""Runs an adapter's conversation: the only place that talks to providers.

Credentials go to the base URL's origin and nowhere else, redirects are not followed, sizes and times are bounded, and
what is not repeatable is sent once. Neither keys nor URLs are logged or told in an error.
"""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TypeVar

import aiohttp
import orjson
import yarl

from ambrotype.capture import network
from ambrotype.core import errors
from ambrotype.generations import configured
from ambrotype.providers import contract

T = TypeVar("T")

TRIES = 3
PAUSE = 0.3
"""Seconds before a repeatable request is sent again, doubled each time."""
CONNECT = 15.0
MOST_REQUESTS = 50
"""Of one conversation: an adapter that goes on for ever is stopped."""
MOST_EVENT = 64 * 2**20
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Failures after which the provider has seen nothing of the request."""
_GATEWAY = (502, 503, 504)


class Caller:
    """Calls providers over pooled connections. One per process; close it."""

    def __init__(self, *, allowed: network.Allowed, user_agent: str) -> None:
        """`allowed` holds besides for the URLs that providers tell; each base URL is allowed by its setting."""
        self._allowed = allowed
        self._user_agent = user_agent
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._reachable: dict[str, network.Allowed] = {}

    async def close(self) -> None:
        """Lets go of all connections."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def run(
        self,
        provider: contract.Provider,
        conversation: contract.Conversation[T],
        *,
        watched: Callable[[contract.Progress], None] | None = None,
    ) -> T:
        """What the conversation returns. `watched` is told of progress on the way.

        Raises `contract.Refused`, with `unknown` where a request that must not be repeated may have been taken.
        """
        talk = _Talk(self, provider)
        try:
            wanted = next(conversation)
            for _ in range(MOST_REQUESTS * 200):
                if isinstance(wanted, contract.More):
                    if wanted.progress is not None and watched is not None:
                        watched(wanted.progress)
                    reply = await talk.more()
                else:
                    reply = await talk.ask(wanted)
                wanted = conversation.send(reply)
            raise talk.refused("invalid_reply", f"{provider.name} went on for ever.", again=False)
        except StopIteration as end:
            returned: T = end.value
            return returned
        finally:
            conversation.close()
            await talk.close()

    def session(self, provider: contract.Provider) -> aiohttp.ClientSession:
        """The provider's pool."""
        found = self._sessions.get(provider.base_url)
        if found is None:
            found = self._sessions[provider.base_url] = aiohttp.ClientSession(
                connector=network.connector(self.allowed(provider)),
                headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
                trust_env=False,
            )
        return found

    def allowed(self, provider: contract.Provider) -> network.Allowed:
        """What calls to the provider may reach: its base URL, which the settings name, and what the settings allow."""
        found = self._reachable.get(provider.base_url)
        if found is None:
            home = configured.origin(provider.base_url)
            endpoints = self._allowed.endpoints | ({(home[1], home[2])} if home else frozenset())
            found = self._reachable[provider.base_url] = dataclasses.replace(self._allowed, endpoints=endpoints)
        return found


class _Talk:
    """One conversation's requests."""

    def __init__(self, caller: Caller, provider: contract.Provider) -> None:
        self._caller, self._provider = caller, provider
        self._home = configured.origin(provider.base_url)
        self._sent_once = False
        """Something that must not be repeated has gone out."""
        self._asked = 0
        self._stream: _Stream | None = None

    async def ask(self, wanted: contract.Request) -> contract.Reply:
        """The answer to one request, or to the last of a few tries where it may be repeated."""
        await self.close()
        self._asked += 1
        if self._asked > MOST_REQUESTS:
            raise self.refused("invalid_reply", f"{self._provider.name} went on for ever.", again=False)
        tries = TRIES if wanted.repeatable else 1
        for tried in range(1, tries + 1):
            try:
                reply = await self._once(wanted)
            except _NOT_SENT:
                problem = f"{self._provider.name} can't be reached."
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._sent_once = self._sent_once or not wanted.repeatable
                problem = f"{self._provider.name} did not answer ({type(error).__name__})."
            except errors.CaptureFailed as error:
                raise self.refused(error.code, error.detail, again=False) from None
            else:
                self._sent_once = self._sent_once or not wanted.repeatable
                if tried == tries or reply.status not in _GATEWAY or "retry-after" in reply.headers:
                    return reply
                problem = ""
            if tried < tries:
                await asyncio.sleep(PAUSE * 2 ** (tried - 1))
        raise self.refused("unavailable", problem, again=True)

    async def more(self) -> contract.Reply:
        """The next event of the stream that was answered; an empty body at its end."""
        if self._stream is None:
            return contract.Reply(status=200, headers={}, body=b"")
        stream = self._stream
        try:
            async with asyncio.timeout(stream.timeout):
                return contract.Reply(
                    status=stream.status, headers=stream.headers, body=await anext(stream.events, b"")
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.refused(
                "unavailable", f"{self._provider.name} broke off ({type(error).__name__}).", again=True
            ) from None

    async def close(self) -> None:
        """Lets go of a stream."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.events.aclose()
            stream.response.close()

    def refused(self, code: str, detail: str, *, again: bool) -> contract.Refused:
        failure = contract.Failure(code=code, detail=detail, retryable=again)
        return contract.Refused(failure, again=again, unknown=self._sent_once)

    async def _once(self, wanted: contract.Request) -> contract.Reply:
        network.check_url(wanted.url, self._caller.allowed(self._provider))
        headers = dict(wanted.headers)
        if configured.origin(wanted.url) == self._home:
            headers |= self._provider.credentials()
        data: bytes | aiohttp.FormData | None = wanted.body
        if wanted.json is not None:
            data = orjson.dumps(wanted.json)
            headers = {"Content-Type": "application/json"} | headers
        elif wanted.parts:
            data = _form(wanted)
        async with asyncio.timeout(wanted.timeout):
            response = await self._caller.session(self._provider).request(
                wanted.method, yarl.URL(wanted.url, encoded=True), data=data, headers=headers, allow_redirects=False
            )
            try:
                told = {name.lower(): value for name, value in response.headers.items()}
                if wanted.events and response.status < 300 and response.content_type == "text/event-stream":
                    events = _events(response)
                    self._stream = _Stream(response, events, response.status, told, wanted.timeout)
                    return contract.Reply(status=response.status, headers=told, body=await anext(events, b""))
                body = await _body(response, wanted)
            except BaseException:
                response.close()
                raise
            if wanted.first is not None:
                response.close()
            else:
                response.release()
            return contract.Reply(status=response.status, headers=told, body=body)


@dataclasses.dataclass(slots=True)
class _Stream:
    response: aiohttp.ClientResponse
    events: AsyncGenerator[bytes, None]
    status: int
    headers: Mapping[str, str]
    timeout: float


class _Broken(aiohttp.ClientError):
    """More than was agreed."""


async def _body(response: aiohttp.ClientResponse, wanted: contract.Request) -> bytes:
    most = wanted.first if wanted.first is not None else wanted.limit
    pieces = bytearray()
    async for piece in response.content.iter_any():
        pieces += piece
        if len(pieces) >= most and wanted.first is not None:
            return bytes(pieces[:most])
        if len(pieces) > most:
            raise _Broken("more bytes than were agreed")
    return bytes(pieces)


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event (WHATWG HTML, section 9.2.6)."""
    rest = bytearray()
    data: list[bytes] = []
    async for piece in response.content.iter_any():
        rest += piece
        while (at := rest.find(b"\n")) >= 0:
            line, rest = bytes(rest[:at]).removesuffix(b"\r"), rest[at + 1 :]
            if not line and data:
                yield b"\n".join(data)
                data = []
            elif line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
        if len(rest) + sum(map(len, data)) > MOST_EVENT:
            raise _Broken("more bytes than were agreed")
    if data:
        yield b"\n".join(data)


def _form(wanted: contract.Request) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for part in wanted.parts:
        form.add_field(part.name, part.data, filename=part.filename, content_type=part.content_type)
    return form
