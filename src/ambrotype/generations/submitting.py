"""Submitting: a request that may be billed goes out once.

That it may have gone out is written down before it does. Where no answer came, nobody here can tell whether the provider
took it; then the generation ends as `submission_unknown` instead of being sent again, and a webhook that names it by its
token brings it back (`docs/decisions/submissions.md`).
"""

import hashlib
import secrets
from typing import Any

from ambrotype.core import errors
from ambrotype.generations import calling, configured, ending
from ambrotype.generations import inputs as inputs_
from ambrotype.providers import contract
from ambrotype.records import database, following
from ambrotype.records import generations as rows

UNKNOWN = contract.Failure(
    code="submission_unknown",
    detail="The request went out and no answer came back, so nobody here knows whether the provider took it. It was not"
    " sent again, as that could bill twice; if a webhook tells of it, it goes on. Look at the provider before asking anew.",
    retryable=True,
)


async def begin(data: database.Database, held: following.Held) -> str | None:
    """Writes down that the request goes out from here on; the token for its webhook, None where it must not go out."""
    token = secrets.token_urlsafe(24)
    async with data.transaction(database.WORKER) as tx:
        begun = await rows.begin(tx, held.id, token_hash=hashed(token))
    return token if begun else None


def hashed(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def job_of(
    held: following.Held,
    inputs: tuple[contract.Input, ...],
    *,
    provider: contract.Provider,
    public_url: str | None,
    token: str,
) -> contract.Job:
    """What to submit. A webhook is asked for only where it could arrive."""
    webhook = None
    if provider.hooks and configured.reaches(provider, public_url):
        webhook = f"{public_url}/v1/providers/{provider.name}/webhook/{token}"
    kind: Any = held.kind
    return contract.Job(
        model=held.model, prompt=held.prompt, settings=held.settings, inputs=inputs, webhook=webhook, kind=kind
    )


async def prepare(
    data: database.Database, tools: inputs_.Tools, provider: contract.Provider, held: following.Held
) -> tuple[contract.Input, ...]:
    """The inputs as they go along. Raises `inputs.NotYet`, `inputs.Unusable` and `errors.Unavailable`."""
    async with data.transaction(database.WORKER) as tx:
        found = await rows.inputs(tx, held.id)
    try:
        return await inputs_.prepared(tools, provider, found)
    except errors.CaptureFailed as problem:
        raise errors.Unavailable(problem.detail) from None


async def send(caller: calling.Caller, provider: contract.Provider, job: contract.Job) -> contract.Progress:
    """Submits the job. Raises `contract.Refused`."""
    return await caller.run(provider, provider.submit(job))


async def unanswered(data: database.Database, tools: ending.Tools, held: following.Held) -> bool:
    """A submission whose answer was never written down: the worker died, or no answer came. True where a webhook has told
    its job meanwhile and it goes on; else it ends as unknown."""
    async with data.transaction(database.WORKER) as tx:
        row = await rows.lock(tx, held.id)
        if row is None or row["status"] not in ("queued", "processing") or row["provider_job_id"] is not None:
            return False
        job_id = await following.heard_by_token(tx, held.id)
        if job_id is not None:
            await rows.write(tx, held.id, {"provider_job_id": job_id})
            await following.submitted(
                tx, generation_id=held.id, provider=held.provider, job_id=job_id, pace=5.0, after=0.0
            )
            return True
    await fail(tools, held, UNKNOWN)
    return False


async def fail(tools: ending.Tools, held: following.Held, failure: contract.Failure) -> None:
    """Ends the generation as failed."""
    async with tools.capture.data.transaction(database.WORKER) as tx:
        row = await rows.lock(tx, held.id)
        if row is None or row["status"] not in ("queued", "processing"):
            return
        values: dict[str, Any] = {
            "status": "failed",
            "error_code": failure.code[:200],
            "error_detail": failure.detail[:2000],
            "error_retryable": failure.retryable,
        }
        await rows.end(tx, held.id, values)
        await following.over(tx, held.id)
