"""The verbs of generations: what a caller asks of providers. HTTP, Python and the command line are thin over these."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence

from ambrotype import app as app_
from ambrotype import verbs
from ambrotype.core import errors, generation, media, owners
from ambrotype.generations import asked as asked_
from ambrotype.generations import listing, starting
from ambrotype.library import listing as pages
from ambrotype.providers import contract
from ambrotype.records import generations as rows

CHECKING = "ambrotype-provider-check"
"""A job that no provider knows: asking for it shows whether the key is taken, and costs nothing."""


async def generate(
    here: verbs.Context, who: owners.Principal, asked: asked_.GenerationRequest
) -> generation.Generation:
    """Writes a generation down; the worker submits it and sees it through."""
    if who.role == "guest" and here.app.settings.guests == "open":
        raise errors.Forbidden("Providers cost money, and anybody may be a guest here: sign in to generate.")
    generation_id = await starting.start(
        here.app.data,
        who,
        asked,
        providers=here.app.providers,
        rules=here.app.rules,
        public_url=app_.public_url(here.app.settings),
    )
    return await get(here, who, generation_id)


async def get(here: verbs.Context, who: owners.Principal, generation_id: uuid.UUID) -> generation.Generation:
    """One generation, with its outputs."""
    return await listing.get(here.app.data, who, here.app.addresses, generation_id)


async def page(
    here: verbs.Context,
    who: owners.Principal,
    *,
    filters: Mapping[str, Sequence[str]],
    cursor: str | None = None,
    limit: int = 50,
) -> pages.Page[generation.Generation]:
    """The caller's generations, newest first."""
    return await listing.page(here.app.data, who, here.app.addresses, filters=filters, cursor=cursor, limit=limit)


async def cancel(here: verbs.Context, who: owners.Principal, generation_id: uuid.UUID) -> generation.Generation:
    """Stops a job: at once where it has not gone out, else as soon as the provider agrees, if it still can.

    Raises `errors.Conflict` where it has ended otherwise.
    """
    async with here.app.data.transaction(who) as tx:
        outcome = await rows.cancel(tx, generation_id)
    if outcome == "missing":
        raise listing.missing(generation_id)
    if outcome in ("completed", "failed"):
        raise errors.Conflict(f"The generation {generation_id} has {outcome} already.")
    return await get(here, who, generation_id)


async def keep(here: verbs.Context, who: owners.Principal, generation_id: uuid.UUID) -> generation.Generation:
    """Saves a generation's outputs: those that are there, and those to come."""
    async with here.app.data.transaction(who) as tx:
        if await rows.get(tx, generation_id) is None:
            raise listing.missing(generation_id)
        wanted = await rows.outputs_to_save(tx, generation_id)
    failed: list[errors.AmbrotypeError] = []
    for media_id in wanted:
        try:
            await verbs.keep_again(here, who, media_id)
        except errors.AmbrotypeError as problem:
            failed.append(problem)
    if failed and len(failed) == len(wanted):
        raise failed[0]
    return await get(here, who, generation_id)


async def ended(
    here: verbs.Context, who: owners.Principal, generation_id: uuid.UUID, *, seconds: float
) -> generation.Generation:
    """The generation once it has ended and nothing of it is being captured, or as it is after so many seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with here.settling.anything() as woken:
        while True:
            woken.clear()
            found = await get(here, who, generation_id)
            left = end - loop.time()
            if (found.ended and all(one.settled for one in found.outputs)) or left <= 0:
                return found
            try:
                await asyncio.wait_for(woken.wait(), min(left, 1.0))
            except TimeoutError:
                continue


def providers(here: verbs.Context) -> list[generation.Provider]:
    """All that there are, those that are set up first."""
    found = [
        generation.Provider(
            name=name,
            configured=True,
            kinds=[kind for kind in media.KINDS if kind in one.kinds],
            webhooks=one.hooks,
            retention_seconds=here.app.rules.retention.get(name, one.retention),
        )
        for name, one in sorted(here.app.providers.adapters.items())
    ]
    return found + [
        generation.Provider(
            name=name, configured=False, kinds=[], webhooks=False, retention_seconds=here.app.rules.retention.get(name)
        )
        for name in sorted(here.app.providers.settings)
    ]


async def check(here: verbs.Context, name: str) -> generation.ProviderCheck:
    """Asks a provider for a job that it can't know: its answer shows whether it is there and takes the key."""
    adapter = here.app.providers.adapters.get(name)
    if adapter is None:
        setting = here.app.providers.settings.get(name)
        if setting is None:
            here.app.providers.get(name)  # says which there are
        return generation.ProviderCheck(
            name=name, configured=False, reachable=None, accepted=None, detail=f"Not configured: set {setting}."
        )
    try:
        await here.app.caller.run(adapter, adapter.follow(CHECKING, {"model": f"{CHECKING}/{CHECKING}"}))
    except contract.Refused as refused:
        failure = refused.failure
        if failure.code in ("unavailable", "timeout") or (refused.again and failure.code != "rate_limited"):
            return _checked(name, reachable=False, accepted=None, detail=failure.detail)
        if failure.code in ("unauthenticated", "forbidden"):
            return _checked(name, reachable=True, accepted=False, detail=failure.detail)
    return _checked(name, reachable=True, accepted=True, detail="It answers, and takes the key.")


def _checked(name: str, *, reachable: bool, accepted: bool | None, detail: str) -> generation.ProviderCheck:
    return generation.ProviderCheck(name=name, configured=True, reachable=reachable, accepted=accepted, detail=detail)
