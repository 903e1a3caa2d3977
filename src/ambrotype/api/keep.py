"""`POST /v1/keep`: from a URL that dies to one that stays."""

from typing import Any

import fastapi
import orjson
import pydantic
from fastapi import responses

from ambrotype import verbs
from ambrotype.api import caller, context, documents, routing
from ambrotype.api import errors as problems
from ambrotype.capture import request
from ambrotype.core import errors
from ambrotype.core import media as nouns

router = routing.router(tags=["keep"])

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
    kept = await verbs.keep(here, who, verbs.Asked(request=asked))
    found = kept.media
    status = 200 if kept.known else 201 if found.status == "kept" else 202
    return responses.Response(
        _MEDIA.dump_json(found),
        status_code=status,
        media_type="application/json",
        headers={"Location": f"/v1/media/{found.id}"},
    )


@router.post("/v1/keep/batch", response_model=BatchResults, responses=documents.WRITING)
async def keep_batch(here: context.Here, who: caller.Writer, batch: Batch) -> fastapi.Response:
    """Keeps up to 500 at once. Each fails alone; the others are accepted in one transaction."""
    found = await verbs.keep_many(here, who, batch.items)
    results: list[dict[str, Any]] = [
        {"problem": problems.problem_of(one)}
        if isinstance(one, errors.AmbrotypeError)
        else {"media": orjson.Fragment(_MEDIA.dump_json(one))}
        for one in found
    ]
    return responses.Response(orjson.dumps({"results": results}), media_type="application/json")
