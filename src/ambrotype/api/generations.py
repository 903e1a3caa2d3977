"""`/v1/generations`: providers' jobs, from the request to kept outputs."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype import generating
from ambrotype.api import caller, context, documents, routing
from ambrotype.api import idempotency as idempotency_
from ambrotype.api.media import Cursor, Limit
from ambrotype.capture.request import Short
from ambrotype.core import generation as nouns
from ambrotype.generations import asked as asked_
from ambrotype.library import listing

router = routing.router(tags=["generations"])

_ONE = pydantic.TypeAdapter(nouns.Generation)
_PAGE = pydantic.TypeAdapter(listing.Page[nouns.Generation])


def _json(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> fastapi.Response:
    return responses.Response(
        content,
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "private, no-store", **(headers or {})},
    )


class ListQuery(pydantic.BaseModel):
    """A page of a narrowed list; several values of one filter mean any of them."""

    model_config = pydantic.ConfigDict(extra="forbid")

    status: list[nouns.Status] | None = None
    provider: Annotated[list[Short], pydantic.Field(max_length=50)] | None = None
    model: Annotated[list[Short], pydantic.Field(max_length=50)] | None = None
    project: Annotated[list[Short], pydantic.Field(max_length=50)] | None = None
    limit: Limit = 50
    cursor: Cursor = None


@router.post(
    "/v1/generations",
    response_model=nouns.Generation,
    status_code=202,
    responses={**documents.WRITING, **documents.problems(409, 413)},
)
async def create(
    here: context.Here,
    who: caller.Writer,
    asked: asked_.GenerationRequest,
    request: fastapi.Request,
    key: idempotency_.Header = None,
) -> fastapi.Response:
    """Starts a job at a provider and sees it through; its outputs are kept as they appear, unless `keep` is `manual`."""

    async def make() -> fastapi.Response:
        made = await generating.generate(here, who, asked)
        return _json(_ONE.dump_json(made), 202, {"Location": f"/v1/generations/{made.id}"})

    return await idempotency_.once(here, who, request, key, make)


@router.get("/v1/generations", response_model=documents.Page[nouns.Generation], responses=documents.LISTING)
async def page(
    here: context.Here, who: caller.Reader, asked: Annotated[ListQuery, fastapi.Query()]
) -> fastapi.Response:
    """The caller's generations, newest first."""
    filters = asked.model_dump(include={"status", "provider", "model", "project"}, exclude_none=True)
    found = await generating.page(here, who, filters=filters, cursor=asked.cursor, limit=asked.limit)
    return _json(_PAGE.dump_json(found))


@router.get("/v1/generations/{id}", response_model=nouns.Generation, responses=documents.READING)
async def get(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """One generation: how it stands, what came out."""
    return _json(_ONE.dump_json(await generating.get(here, who, id)))


@router.post(
    "/v1/generations/{id}/cancel",
    response_model=nouns.Generation,
    status_code=202,
    responses={**documents.WRITING, **documents.problems(409)},
)
async def cancel(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Asks for a job to be stopped. Where the provider can't any more it goes on, and what comes out is kept as usual."""
    return _json(_ONE.dump_json(await generating.cancel(here, who, id)), 202)


@router.post(
    "/v1/generations/{id}/keep",
    response_model=nouns.Generation,
    status_code=202,
    responses={**documents.WRITING, **documents.problems(409, 410)},
)
async def keep(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Saves the outputs: those that are there, and those to come."""
    return _json(_ONE.dump_json(await generating.keep(here, who, id)), 202)
