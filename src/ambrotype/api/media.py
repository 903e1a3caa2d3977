"""`/v1/media`: what is there, one item, what happened to it, and what is at risk."""

import uuid
from typing import Annotated, Literal, cast

import fastapi
import orjson
import pydantic
from fastapi import responses

from ambrotype import fields as fields_
from ambrotype import verbs
from ambrotype.api import caller, context, documents, routing, shown
from ambrotype.capture import request as fields
from ambrotype.core import media
from ambrotype.library import filters as filters_
from ambrotype.library import listing

router = routing.router(tags=["media"])

Limit = Annotated[int, pydantic.Field(ge=1, le=200)]
Cursor = Annotated[str | None, pydantic.Field(max_length=1000, description="opaque; from `next_cursor`")]
Sort = Literal["-created_at", "created_at", "-size", "size", "title", "source_expires_at", "relevance"]

_MEDIA = pydantic.TypeAdapter(media.Media)
_AT_RISK = pydantic.TypeAdapter(listing.Page[media.AtRisk])
_EVENTS = pydantic.TypeAdapter(listing.Page[media.Event])


def _json(content: bytes, status: int = 200) -> fastapi.Response:
    return responses.Response(
        content,
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "private, no-store"},
    )


class KeepAgain(pydantic.BaseModel):
    """Another source for the same item."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: str | None = None


class ListQuery(filters_.Filters):
    """A page of a narrowed list."""

    sort: Sort = "-created_at"
    limit: Limit = 50
    cursor: Cursor = None


class Facets(pydantic.BaseModel):
    """How many items there are of each."""

    kind: dict[str, int]
    source: dict[str, int]
    provider: dict[str, int]
    model: dict[str, int]
    project: dict[str, int]
    tag: dict[str, int]
    month: dict[str, int]
    approximate: bool


class _Page(routing.Route):
    """The list's own way to its reply: of all routes it is asked the most, and FastAPI's costs more than the database."""

    def get_route_handler(self) -> routing.Handler:
        async def handle(request: fastapi.Request) -> fastapi.Response:
            who = await caller.reading(request)
            asked = fields.parsed(ListQuery, _query(request))
            content = await shown.page(
                context.of(request), who, request.app.state.shown,
                filters=asked, sort=asked.sort, cursor=asked.cursor, limit=asked.limit,
            )  # fmt: skip
            return _json(content)

        return handle


def _query(request: fastapi.Request) -> dict[str, object]:
    given: dict[str, object] = {}
    for name, value in request.query_params.multi_items():
        if name in fields_.REPEATED:
            cast(list[str], given.setdefault(name, [])).append(value)
        else:
            given[name] = value
    return given


async def page(
    who: caller.Reader, asked: Annotated[ListQuery, fastapi.Query()]
) -> None:  # answered by _Page; the signature is for the OpenAPI document
    """The caller's media, a page at a time."""


router.add_api_route(
    "/v1/media", page, methods=["GET"], response_model=documents.Page[media.Media], responses=documents.SEARCHING,
    route_class_override=_Page,
)  # fmt: skip


@router.get("/v1/media/facets", response_model=Facets, responses=documents.SEARCHING)
async def facets(
    here: context.Here, who: caller.Reader, asked: Annotated[filters_.Filters, fastapi.Query()]
) -> fastapi.Response:
    """Counts of the same list; over 100,000 matches they may be estimates, marked so."""
    return _json(orjson.dumps(await listing.facets(here.app.data, who, asked)))


@router.get("/v1/media/{id}", response_model=media.Media, responses={**documents.READING, **documents.problems(410)})
async def get(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """One item, also from the trash."""
    return _json(_MEDIA.dump_json(await listing.get(here.app.data, who, here.app.addresses, id)))


@router.get("/v1/media/{id}/events", response_model=documents.Page[media.Event], responses=documents.READING)
async def events(
    here: context.Here, who: caller.Reader, id: uuid.UUID, limit: Limit = 50, cursor: Cursor = None
) -> fastapi.Response:
    """What happened to an item, oldest first."""
    return _json(_EVENTS.dump_json(await listing.events(here.app.data, who, id, cursor=cursor, limit=limit)))


@router.post(
    "/v1/media/{id}/keep",
    response_model=media.Media,
    status_code=202,
    responses={
        200: {"description": "kept or keeping already", "model": media.Media},
        **documents.WRITING,
        **documents.problems(409, 410),
    },
)
async def keep(
    here: context.Here,
    who: caller.Writer,
    id: uuid.UUID,
    asked: Annotated[KeepAgain | None, fastapi.Body()] = None,
) -> fastapi.Response:
    """Saves a temporary item; tries a lost or expired one again, from another URL if one is given."""
    kept = await verbs.keep_again(here, who, id, url=asked.url if asked else None)
    return _json(_MEDIA.dump_json(kept.media), 200 if kept.known else 202)


@router.get("/v1/at-risk", response_model=documents.Page[media.AtRisk], responses=documents.LISTING)
async def at_risk(here: context.Here, who: caller.Reader, limit: Limit = 50, cursor: Cursor = None) -> fastapi.Response:
    """Temporary and keeping items by deadline, soonest first, with the time left."""
    return _json(
        _AT_RISK.dump_json(await listing.at_risk(here.app.data, who, here.app.addresses, cursor=cursor, limit=limit))
    )
