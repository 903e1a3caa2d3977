"""`POST /v1/keep`: from a URL that dies to one that stays."""

from collections.abc import Sequence
from typing import Any, cast

import fastapi
import orjson
import pydantic
from fastapi import responses

from ambrotype.api import caller, context, documents
from ambrotype.api import errors as problems
from ambrotype.capture import accept, request
from ambrotype.capture import bytes as handed_over
from ambrotype.core import errors, owners
from ambrotype.core import media as nouns
from ambrotype.library import view
from ambrotype.records import accepting
from ambrotype.records import media as rows

router = fastapi.APIRouter(tags=["keep"])

MOST_DATA = 64 * 2**20
"""Bytes of `data`: it passes through memory whole. Larger files are uploaded, or kept from a URL."""

_MEDIA = pydantic.TypeAdapter(nouns.Media)


class Batch(pydantic.BaseModel):
    """Items are checked one by one, so that a bad one fails alone."""

    model_config = pydantic.ConfigDict(extra="forbid")

    items: list[dict[str, Any]] = pydantic.Field(
        min_length=1,
        max_length=500,
        json_schema_extra={"items": {"$ref": "#/components/schemas/KeepRequest"}},
    )


class BatchResult(pydantic.BaseModel):
    """One of the two: the item, or what was wrong."""

    media: nouns.Media | None = None
    problem: documents.Problem | None = None


class BatchResults(pydantic.BaseModel):
    """In the order of the items."""

    results: list[BatchResult]


@router.post(
    "/v1/keep",
    response_model=nouns.Media,
    status_code=202,
    responses={
        200: {"description": "already known", "model": nouns.Media},
        201: {"description": "kept within `wait`", "model": nouns.Media},
        202: {"description": "keeping, or temporary", "model": nouns.Media},
        **documents.WRITING,
        **documents.problems(413, 501),
    },
)
async def keep(here: context.Here, who: caller.Writer, asked: request.KeepRequest) -> fastapi.Response:
    """Keeps what a URL, base64 or a data URI holds. The answer has the permanent URL, whatever comes of the bytes."""
    item = accept.acceptance(asked, rules=here.app.rules, trusted=who.is_key)
    if asked.data is not None:
        content = handed_over.decoded(asked.data, most=min(MOST_DATA, here.app.settings.upload_max_bytes))
        accepted = await handed_over.keep(who, item, content, here.tools)
    else:
        (accepted,) = await accept.accept(here.app.data, who, [item])
    if accepted.id is None:
        raise errors.NotFound(accepted.detail or "There is no such parent.")
    if asked.wait and asked.mode == "keep":
        await here.settling.wait(accepted.id, asked.wait)
    (found,) = await _shown(here, who, [accepted])
    status = 201 if found.status == "kept" else 202
    if accepted.outcome == "known":
        status = 200
    return responses.Response(
        _MEDIA.dump_json(found),
        status_code=status,
        media_type="application/json",
        headers={"Location": f"/v1/media/{found.id}"},
    )


@router.post("/v1/keep/batch", response_model=BatchResults, responses=documents.WRITING)
async def keep_batch(here: context.Here, who: caller.Writer, batch: Batch) -> fastapi.Response:
    """Keeps up to 500 at once. Each fails alone; the others are accepted in one transaction."""
    results: list[dict[str, Any]] = [{} for _ in batch.items]
    acceptances: dict[int, accepting.Acceptance] = {}
    for n, one in enumerate(batch.items):
        try:
            asked = request.KeepRequest.model_validate(one)
            if asked.data is not None:
                results[n] = await _bytes(here, who, asked)
            else:
                acceptances[n] = accept.acceptance(asked, rules=here.app.rules, trusted=who.is_key)
        except pydantic.ValidationError as error:
            results[n] = {"problem": _invalid(error)}
        except errors.AmbrotypeError as error:
            results[n] = {"problem": problems.problem_of(error)}
    accepted = await accept.accept(here.app.data, who, list(acceptances.values())) if acceptances else []
    shown = iter(await _shown(here, who, [one for one in accepted if one.id is not None]))
    for n, outcome in zip(acceptances, accepted, strict=True):
        if outcome.id is None:
            results[n] = {"problem": problems.problem_of(errors.NotFound(outcome.detail or "There is no such parent."))}
        else:
            results[n] = {"media": orjson.Fragment(_MEDIA.dump_json(next(shown)))}
    return responses.Response(orjson.dumps({"results": results}), media_type="application/json")


async def _bytes(here: context.Context, who: owners.Principal, asked: request.KeepRequest) -> dict[str, Any]:
    item = accept.acceptance(asked, rules=here.app.rules, trusted=who.is_key)
    content = handed_over.decoded(asked.data or "", most=min(MOST_DATA, here.app.settings.upload_max_bytes))
    accepted = await handed_over.keep(who, item, content, here.tools)
    if accepted.id is None:
        raise errors.NotFound(accepted.detail or "There is no such parent.")
    (found,) = await _shown(here, who, [accepted])
    return {"media": orjson.Fragment(_MEDIA.dump_json(found))}


async def _shown(
    here: context.Context, who: owners.Principal, accepted: Sequence[accepting.Accepted]
) -> list[nouns.Media]:
    """The items as they are now, in the order of `accepted`."""
    wanted = [one.id for one in accepted if one.id is not None]
    async with here.app.data.transaction(who) as tx:
        found = await rows.some(tx, wanted)
    return [view.media_of(found[one], here.app.addresses) for one in wanted]


def _invalid(error: pydantic.ValidationError) -> dict[str, Any]:
    found = [
        {"pointer": problems.pointer(one["loc"]), "message": problems.message(cast("dict[str, Any]", one))}
        for one in error.errors()[:50]
    ]
    return problems.invalid(found)
