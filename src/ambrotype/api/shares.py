"""`/v1/shares`: links that show things to people without an account. Their page is in `shared.py`."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype.api import caller, context, documents, routing
from ambrotype.api import idempotency as idempotency_
from ambrotype.api.media import Cursor, Limit
from ambrotype.core import shares as nouns
from ambrotype.library import listing, shares

router = routing.router(tags=["shares"])

_SHARE = pydantic.TypeAdapter(nouns.Share)
_PAGE = pydantic.TypeAdapter(listing.Page[nouns.Share])


def _json(content: bytes, status: int = 200) -> fastapi.Response:
    return responses.Response(
        content, status_code=status, media_type="application/json", headers={"Cache-Control": "private, no-store"}
    )


@router.post(
    "/v1/shares",
    response_model=nouns.Share,
    status_code=201,
    responses={**documents.WRITING, **documents.problems(409)},
)
async def create(
    here: context.Here,
    who: caller.Writer,
    asked: shares.NewShare,
    request: fastapi.Request,
    key: idempotency_.Header = None,
) -> fastapi.Response:
    """Shares one item, one collection or one slot: `url` opens a page for whoever has it."""

    async def make() -> fastapi.Response:
        return _json(_SHARE.dump_json(await shares.create(here.app.data, who, here.app.addresses, asked)), 201)

    return await idempotency_.once(here, who, request, key, make)


@router.get("/v1/shares", response_model=documents.Page[nouns.Share], responses=documents.LISTING)
async def page(
    here: context.Here,
    who: caller.Reader,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """The caller's shares, newest first, revoked ones too."""
    return _json(_PAGE.dump_json(await shares.page(here.app.data, who, here.app.addresses, cursor=cursor, limit=limit)))


@router.get("/v1/shares/{id}", response_model=nouns.Share, responses=documents.READING)
async def get(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """One share."""
    return _json(_SHARE.dump_json(await shares.get(here.app.data, who, here.app.addresses, id)))


@router.patch("/v1/shares/{id}", response_model=nouns.Share, responses={**documents.WRITING, **documents.problems(409)})
async def edit(here: context.Here, who: caller.Writer, id: uuid.UUID, asked: shares.ShareChanges) -> fastapi.Response:
    """Changes a share: absent = unchanged, null = no end, no password."""
    return _json(_SHARE.dump_json(await shares.edit(here.app.data, who, here.app.addresses, id, asked)))


@router.delete("/v1/shares/{id}", response_model=nouns.Share, responses=documents.WRITING)
async def revoke(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Revokes a share: its page and what the page handed out end at once."""
    return _json(_SHARE.dump_json(await shares.revoke(here.app.data, who, here.app.addresses, id)))
