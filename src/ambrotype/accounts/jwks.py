"""An issuer's public keys (RFC 7517), fetched and kept for a while."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa

from ambrotype.core import errors

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""What may have signed with a published key. HS256 is not among them: a public key never serves as a secret."""
FRESH = 300.0
"""Seconds after which keys are looked up anew, behind the requests."""
HELD = 600.0
"""Seconds after which a request waits for the new ones: a withdrawn key holds no longer than that."""
AGAIN = 15.0
"""Seconds between two looks at the least, whatever tokens are shown."""
TIMEOUT = 5.0
MOST_BYTES = 1 << 20
_LEAST_RSA = 2048

log = structlog.get_logger("ambrotype.accounts")


class Jwks:
    """The keys behind one URL. While its server is down those it gave last go on holding."""

    def __init__(self, url: str, *, again: float = AGAIN) -> None:
        self._url = url
        self._again = again
        self._keys: tuple[jwt.PyJWK, ...] | None = None
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def keys(self, kid: str | None, algorithm: str) -> Sequence[jwt.PyJWK]:
        """The keys that may have made a token with this header; none if there are none such.

        Raises `errors.Unavailable` while no key has ever been had.
        """
        age = time.monotonic() - self._fetched
        if age > HELD:
            await self._refreshed()
        elif age > FRESH:
            self._refresh()
        if self._keys is None:
            raise errors.Unavailable(
                "The keys of the users' issuer (AMBROTYPE_JWKS_URL) can't be had just now; try again.", retry_after=5
            )
        found = self._matching(kid, algorithm)
        if not found:  # a key that was published after the last look
            await self._refreshed()
            found = self._matching(kid, algorithm)
        return found

    async def close(self) -> None:
        """Ends a look that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _matching(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        return [
            key
            for key in self._keys or ()
            if key.algorithm_name == algorithm and (kid is None or key.key_id is None or key.key_id == kid)
        ]

    async def _refreshed(self) -> None:
        self._refresh()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    def _refresh(self) -> None:
        """Begins a look, unless one is under way or the last one was a moment ago."""
        if self._fetching is None and time.monotonic() - self._tried >= self._again:
            self._tried = time.monotonic()
            self._fetching = asyncio.create_task(self._fetch(), name="jwks")
            self._fetching.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _fetch(self) -> None:
        try:
            self._keys = usable(await self._document())
            self._fetched = time.monotonic()
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            log.warning("the issuer's keys can't be fetched", problem=type(problem).__name__, detail=str(problem)[:200])

    async def _document(self) -> list[Any]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(self._url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ValueError(f"the server answered {answer.status}")
            content = bytearray()
            async for piece in answer.content.iter_any():
                content += piece
                if len(content) > MOST_BYTES:
                    raise ValueError("the answer is too large")
        document = orjson.loads(content)
        keys = document.get("keys") if isinstance(document, dict) else None
        if isinstance(keys, list):
            return keys
        raise ValueError("the answer is no key set")


def usable(keys: list[Any]) -> tuple[jwt.PyJWK, ...]:
    """The keys of a set that can check signatures; passed over are other kinds, those for encryption, short ones."""
    found = []
    for one in keys:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(one)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        short = isinstance(key.key, rsa.RSAPublicKey) and key.key.key_size < _LEAST_RSA
        if key.algorithm_name in ALGORITHMS and not short:
            found.append(key)
    return tuple(found)
