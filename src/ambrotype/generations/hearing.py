"""Webhooks from providers: verified, noted, answered; the work is done by whoever follows the job.

A webhook only says where to look. What it tells is asked of the provider again, so one that is forged, repeated, early or
lost changes nothing.
"""

import asyncio
import datetime
import time
from collections.abc import Mapping, Sequence

import structlog

from ambrotype.core import errors
from ambrotype.generations import calling, configured, submitting
from ambrotype.providers import contract
from ambrotype.records import database, hooks

MOST = 8 * 2**20
"""Bytes of a webhook's body."""
DAY = 86_400.0
AGAIN = 60.0
"""Seconds between two askings for the keys at the least: forged webhooks don't make us ask for each."""

log = structlog.get_logger("ambrotype.generations")


class Hearing:
    """Hears webhooks; remembers for a day what verifies them. One per process."""

    def __init__(self, data: database.Database, *, providers: configured.Providers, caller: calling.Caller) -> None:
        self._data, self._providers, self._caller = data, providers, caller
        self._secrets: dict[str, tuple[float, Sequence[bytes]]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def hear(self, name: str, *, token: str | None, headers: Mapping[str, str], body: bytes) -> None:
        """Notes what a genuine webhook says.

        Raises `errors.NotFound` where no such provider is configured or it has no webhooks, `errors.ForgedWebhook`, and
        `errors.Unavailable` where the keys to verify it can't be had just now: the provider will try again.
        """
        provider = self._providers.adapters.get(name)
        if provider is None or not provider.hooks:
            raise errors.NotFound(f"No webhooks of {name[:80]!r} are awaited here.")
        token_hash = submitting.hashed(token) if token is not None else None
        lookup = self._data.lookup(database.NOBODY)
        if token_hash is not None and not await hooks.known_token(lookup, provider=name, token_hash=token_hash):
            raise errors.ForgedWebhook("This webhook's token belongs to no job that was submitted from here.")
        if not provider.signs and token_hash is None:
            raise errors.ForgedWebhook(f"Webhooks of {name} come to the path with their job's token.")
        heard = await self._verified(provider, headers, body)
        if heard is None:
            log.warning("forged webhook", provider=name)
            raise errors.ForgedWebhook("This webhook's signature or time is wrong.")
        await hooks.hear(
            lookup, provider=name, token_hash=token_hash, job_id=heard.job_id[:500], delivery=heard.delivery[:500]
        )

    async def _verified(
        self, provider: contract.Provider, headers: Mapping[str, str], body: bytes
    ) -> contract.Heard | None:
        now = datetime.datetime.now(datetime.UTC)
        hook = contract.Hook(headers=headers, body=body, now=now)
        if not provider.signs:
            return provider.heard(hook, ())
        asked_at, secrets = await self._keys(provider, older_than=DAY)
        heard = provider.heard(hook, secrets)
        if heard is None and time.monotonic() - asked_at > AGAIN:
            _, secrets = await self._keys(provider, older_than=AGAIN)
            heard = provider.heard(hook, secrets)
        return heard

    async def _keys(self, provider: contract.Provider, *, older_than: float) -> tuple[float, Sequence[bytes]]:
        async with self._locks.setdefault(provider.name, asyncio.Lock()):
            found = self._secrets.get(provider.name)
            if found is not None and time.monotonic() - found[0] < older_than:
                return found
            try:
                secrets = await self._caller.run(provider, provider.secrets())
            except contract.Refused as refused:
                if found is not None:
                    return found
                raise errors.Unavailable(
                    f"What verifies webhooks of {provider.name} can't be had: {refused.failure.detail}", retry_after=30
                ) from None
            found = self._secrets[provider.name] = (time.monotonic(), secrets)
            return found
