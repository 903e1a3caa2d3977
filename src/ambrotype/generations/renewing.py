"""What captures ask of providers: credentials for outputs that only a key opens, and fresh URLs of sources that died."""

import dataclasses
import random
from collections.abc import Mapping

from ambrotype.capture import accept, network, pipeline
from ambrotype.core import errors
from ambrotype.generations import calling, configured, ending
from ambrotype.providers import contract
from ambrotype.records import claims, database
from ambrotype.records import generations as rows

MOST = 8
"""How often one item's URL is renewed: each time the wait is longer."""
FIRST, LONGEST = 2.0, 300.0
_GONE: Mapping[str, type[errors.CaptureFailed]] = {
    "source_expired": errors.SourceExpired,
    "data_removed": errors.DataRemoved,
    "provider_gone": errors.ProviderGone,
}
_PASSING = ("unauthenticated", "forbidden", "rate_limited", "quota_exceeded", "unavailable", "timeout", "invalid_reply")
"""Failures of asking that say nothing about the job."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Renewing:
    """`pipeline.Providers`, by the providers that are set up."""

    data: database.Database
    providers: configured.Providers
    caller: calling.Caller
    rules: accept.Rules

    def credentials(self, provider: str, url: str) -> tuple[Mapping[str, str], network.Allowed]:
        """The provider's, where the URL lies at its base URL's origin; none for any other URL."""
        adapter = self.providers.adapters.get(provider)
        if adapter is None:
            return {}, self.rules.allowed(trusted=True)
        home = configured.origin(adapter.base_url)
        if home is None or configured.origin(url) != home:
            return {}, self.rules.allowed(trusted=True)
        return adapter.credentials(), self.caller.allowed(adapter)

    async def renew(self, claim: claims.Claim) -> pipeline.Renewed | None:
        """Asks for the job again, and takes the URL of the same output."""
        if claim.generation_id is None:
            return None
        async with self.data.transaction(database.WORKER) as tx:
            row = await rows.lock(tx, claim.generation_id)
            known = await rows.outputs(tx, claim.generation_id)
            mine = next((one for one in known.values() if one["media_id"] == claim.media_id), None)
            if row is None or mine is None or row["provider_job_id"] is None or mine["renewals"] >= MOST:
                return None
            adapter = self.providers.adapters.get(row["provider"])
            if adapter is None or not adapter.remints:
                return None
            await rows.renewing(tx, claim.generation_id, mine["key"])
        try:
            progress = await self.caller.run(
                adapter, adapter.follow(row["provider_job_id"], row["handle"] or {"model": row["model"]})
            )
        except contract.Refused as refused:
            raise _failed(refused) from None
        after = min(FIRST * 2.0 ** mine["renewals"], LONGEST) * random.uniform(0.75, 1.0) if mine["renewals"] else 0.0
        output = ending.keyed(progress.outputs).get(mine["key"])
        if output is None or output.url is None or output.url[:5].lower() == "data:":
            if progress.failure is not None and progress.failure.code in _GONE:
                raise _GONE[progress.failure.code](progress.failure.detail)
            return None
        if output.url == claim.url and mine["renewals"] > 0:
            return None
        word = ending.said(adapter, progress, None)
        source = ending.origin(output, provider=row["provider"], word=word, rules=self.rules)
        async with self.data.transaction(database.WORKER) as tx:
            await rows.renewed(tx, claim.generation_id, mine["key"], url=output.url, authenticated=output.authenticated)
        return pipeline.Renewed(origin=source, after=after)


def _failed(refused: contract.Refused) -> errors.CaptureFailed:
    failure = refused.failure
    if failure.code in _GONE:
        return _GONE[failure.code](failure.detail)
    if refused.again or failure.code in _PASSING:
        return errors.SourceUnreachable(failure.detail, retry_after=refused.after)
    return errors.SourceExpired(f"Its URL has run out, and the provider gives no other: {failure.detail}")
