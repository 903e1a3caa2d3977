"""`/v1/keys`: API keys, for service keys alone."""

import uuid

import fastapi
import pydantic
from fastapi import responses

from ambrotype import verbs
from ambrotype.accounts import keys
from ambrotype.api import caller, context, documents, idempotency, routing
from ambrotype.api.media import Cursor, Limit
from ambrotype.core import keys as nouns
from ambrotype.library import listing

router = routing.router(tags=["keys"])

_REPLIES = documents.problems(401, 403, 404, 422, 429, 503)
_KEY = pydantic.TypeAdapter(nouns.Key)
_NEW = pydantic.TypeAdapter(nouns.NewKey)
_PAGE = pydantic.TypeAdapter(listing.Page[nouns.Key])


@router.post(
    "/v1/keys", response_model=nouns.NewKey, status_code=201, responses={**_REPLIES, **documents.problems(409)}
)
async def create(
    here: context.Here,
    who: caller.Administrator,
    asked: verbs.KeyRequest,
    request: fastapi.Request,
    key: idempotency.Header = None,
) -> fastapi.Response:
    """Makes a key. The reply is the only one that shows it."""

    async def make() -> fastapi.Response:
        made = await verbs.create_key(here, asked)
        return responses.Response(
            _NEW.dump_json(made),
            status_code=201,
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    return await idempotency.once(here, who, request, key, make)


@router.get("/v1/keys", response_model=documents.Page[nouns.Key], responses=_REPLIES)
async def page(
    here: context.Here, who: caller.Administrator, limit: Limit = 50, cursor: Cursor = None
) -> fastapi.Response:
    """Keys, newest first, without their secrets."""
    found = await verbs.keys_page(here, cursor=cursor, limit=limit)
    return responses.Response(_PAGE.dump_json(found), media_type="application/json")


@router.get("/v1/keys/{id}", response_model=nouns.Key, responses=_REPLIES)
async def get(here: context.Here, who: caller.Administrator, id: uuid.UUID) -> fastapi.Response:
    """One key, without its secret."""
    return responses.Response(_KEY.dump_json(await keys.get(here.app.data, id)), media_type="application/json")


@router.delete("/v1/keys/{id}", response_model=nouns.Key, responses=_REPLIES)
async def revoke(
    here: context.Here, who: caller.Administrator, request: fastapi.Request, id: uuid.UUID
) -> fastapi.Response:
    """Revokes a key: the next request that shows it is refused."""
    revoked = await keys.revoke(here.app.data, id)
    request.app.state.remembered.forget()
    return responses.Response(_KEY.dump_json(revoked), media_type="application/json")
