"""A job that was started elsewhere: its outputs are kept, and it becomes a generation that has completed."""

import dataclasses
import uuid
from collections.abc import Mapping

from ambrotype.capture import request
from ambrotype.core import errors, ids, owners
from ambrotype.generations import calling, configured, ending
from ambrotype.providers import contract
from ambrotype.records import accepting, database
from ambrotype.records import generations as rows

_ERRORS: Mapping[str, type[errors.AmbrotypeError]] = {
    "source_expired": errors.SourceExpired,
    "data_removed": errors.DataRemoved,
    "provider_gone": errors.ProviderGone,
    "invalid_request": errors.InvalidRequest,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What it takes to ask."""

    providers: configured.Providers
    caller: calling.Caller
    outputs: ending.Tools


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The first output, and whether it was there before."""

    media_id: uuid.UUID
    known: bool


async def adopt(tools: Tools, who: owners.Principal, asked: request.KeepRequest) -> Adopted:
    """Asks the provider for the outputs of the job `request_id` and accepts them, the further ones beside the first.

    What an owner has started here is theirs; any other job only a key may name, since all jobs of the provider's account
    can be asked for. Raises `errors.InvalidRequest`, `errors.Forbidden`, `errors.NotFound` for another owner's job,
    `errors.Conflict` for one that has not ended well, and the provider's own reasons.
    """
    assert asked.provider is not None
    assert asked.request_id is not None
    provider = tools.providers.get(asked.provider)
    data = tools.outputs.capture.data
    found = await _known(data, who, provider.name, asked.request_id)
    if found is not None:
        return found
    if not who.is_key:
        raise errors.Forbidden(f"Only a key may keep jobs of {provider.name} that were not started here.")
    progress = await _asked(tools, provider, asked)
    word = ending.said(provider, progress, None)
    generation_id = await _written(data, who, asked, provider)
    await ending.settle(tools.outputs, generation_id, word, after=None)
    async with data.transaction(who) as tx:
        row = await rows.get(tx, generation_id)
    if row is None or not row["outputs"]:
        detail = row["error_detail"] if row is not None else None
        raise errors.Conflict(f"The job {asked.request_id[:100]!r} has no outputs to keep. {detail or ''}".rstrip())
    return Adopted(media_id=row["outputs"][0], known=False)


async def _known(data: database.Database, who: owners.Principal, provider: str, job_id: str) -> Adopted | None:
    async with data.transaction(who) as tx:
        mine = await rows.of_job(tx, provider, job_id)
        row = await rows.get(tx, mine) if mine is not None else None
        if row is None:
            await tx.become(database.WORKER)
            if await rows.of_job(tx, provider, job_id) is not None:
                raise errors.NotFound(f"There is no job {job_id[:100]!r} of {provider}.")
            return None
    if row["outputs"]:
        return Adopted(media_id=row["outputs"][0], known=True)
    if row["status"] in ("queued", "processing"):
        raise errors.Conflict(f"The job is still {row['status']}; it is followed as the generation {row['id']}.")
    raise errors.Conflict(f"The job has no outputs: the generation {row['id']} {row['status']} ({row['error_code']}).")


async def _asked(tools: Tools, provider: contract.Provider, asked: request.KeepRequest) -> contract.Progress:
    handle = {"model": asked.model} if asked.model else {}
    try:
        progress = await tools.caller.run(provider, provider.follow(asked.request_id or "", handle))
    except contract.Refused as refused:
        raise _error(refused.failure, again=refused.again, after=refused.after) from None
    if progress.status in ("queued", "processing"):
        raise errors.Conflict(f"The job is still {progress.status} at {provider.name}; keep it when it has completed.")
    if progress.status != "completed" or (not progress.outputs and progress.failure is not None):
        raise _error(progress.failure or contract.Failure(code="failed", detail=f"The job has {progress.status}."))
    return progress


def _error(failure: contract.Failure, *, again: bool = False, after: float | None = None) -> errors.AmbrotypeError:
    if again:
        return errors.Unavailable(failure.detail, retry_after=after)
    return _ERRORS.get(failure.code, errors.Conflict)(failure.detail)


async def _written(
    data: database.Database, who: owners.Principal, asked: request.KeepRequest, provider: contract.Provider
) -> uuid.UUID:
    generation_id = ids.new()
    names = {"enhancement", "name", "title", "description", "tags", "metadata", "attribution", "favorite", "visibility",
             "expires_at", "layout", "source"}  # fmt: skip
    parents = [(one.id, one.role, None) for one in asked.parents if one.id is not None]
    async with data.transaction(who) as tx:
        owner_id = await accepting.own(tx)
        values = {
            "id": generation_id, "owner_id": owner_id, "provider": provider.name, "model": asked.model or "unknown",
            "kind": asked.kind, "prompt": asked.prompt, "settings": asked.settings,
            "keep": "manual" if asked.mode == "temporary" else "auto", "project": asked.project, "slot": asked.slot,
            "wanted": asked.model_dump(mode="json", include=names, exclude_defaults=True),
        }  # fmt: skip
        for media_id, _, _ in parents:
            if not await rows.there(tx, media_id):
                raise errors.NotFound(f"There is no media item {media_id} to be a parent.")
        await rows.create(tx, values, parents)
    return generation_id
