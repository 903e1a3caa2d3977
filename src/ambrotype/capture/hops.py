"""One question to a source: a GET that follows redirects, checking each hop, to the file or a refusal."""

import asyncio
import dataclasses
import datetime
import urllib.parse
from collections.abc import Callable, Mapping

import aiohttp

from ambrotype.capture import network, responses, urls, watch
from ambrotype.core import errors

_REDIRECTS = {301, 302, 303, 307, 308}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """Where the bytes are.

    `headers` are a provider's credentials: they go to the URL's own origin and nowhere else.
    """

    url: str = dataclasses.field(repr=False)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    allowed: network.Allowed = network.NOTHING


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """What stays the same over all requests of one download. Seconds; `deadline` in the loop's time."""

    session: aiohttp.ClientSession
    source: Source
    redirects: int
    header_bytes: int
    idle: float
    deadline: float
    expires_at: datetime.datetime | None
    now: Callable[[], datetime.datetime]

    async def ask(self, headers: Mapping[str, str] | None = None) -> tuple[aiohttp.ClientResponse, str]:
        """The answer that is no redirect, whatever its status, its body unread, and the host that gave it.

        Raises `errors.CaptureFailed` of the kind that fits; nothing is left open then.
        """
        target = network.target(self.source.url, self.source.allowed)
        origin, credentials = target.origin, self.source.headers
        seen = {target}
        while True:
            response = await self._get(target, {**credentials, **(headers or {})})
            if response.status not in _REDIRECTS:
                return response, target.host
            location = response.headers.get("Location")
            response.release()
            target = self._next(target, location)
            if target.origin != origin:
                # Not even back at the first host: who sent the request there is not the one the credentials
                # are for.
                credentials = {}
            if target in seen or len(seen) > self.redirects:
                raise errors.TooManyRedirects(
                    f"{target.host} redirects in a loop."
                    if target in seen
                    else f"{target.host} is behind more than {self.redirects} redirects."
                )
            seen.add(target)

    async def refused(self, response: aiohttp.ClientResponse, host: str) -> errors.CaptureFailed:
        """The error that an answer without a file stands for. Lets go of the answer."""
        try:
            async with asyncio.timeout(self._patience()):
                return await responses.refusal(response, host, expires_at=self.expires_at, now=self.now())
        except TimeoutError:
            return errors.SourceForbidden(f"{host} refused the request with {response.status}.")
        finally:
            response.close()

    async def _get(self, target: urls.Target, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout(self._patience()):
                response = await self.session.get(target.url, headers=headers, allow_redirects=False)
        except TimeoutError as error:
            if asyncio.get_running_loop().time() >= self.deadline:
                raise watch.out_of_time(target.host) from None
            raise responses.failure(error, target.host) from None
        except (aiohttp.ClientError, OSError) as error:
            raise responses.failure(error, target.host) from None
        if sum(len(name) + len(value) + 4 for name, value in response.raw_headers) > self.header_bytes:
            response.close()
            raise errors.SourceUnreachable(
                f"{target.host} answered with more than {self.header_bytes} bytes of header."
            )
        return response

    def _next(self, target: urls.Target, location: str | None) -> urls.Target:
        if not location:
            raise errors.SourceUnreachable(f"{target.host} redirects without saying where to.")
        try:
            # Browsers encode a stray space and so do we; anything else that is not a URL is refused below.
            url = urllib.parse.urljoin(str(target.url), location.strip().replace(" ", "%20"))
        except ValueError:
            raise errors.InvalidUrl(f"{target.host} redirects to something that is not a URL.") from None
        return network.target(url, self.source.allowed)

    def _patience(self) -> float:
        """Seconds that the next answer may take to begin."""
        left = self.deadline - asyncio.get_running_loop().time()
        return max(min(self.idle, left), 0.0)
