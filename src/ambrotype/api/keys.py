"""`/v1/keys`: API keys, for service keys alone."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype.accounts import keys
from ambrotype.api import caller, context, documents, idempotency
from ambrotype.api.media import Cursor, Limit
from ambrotype.capture import request as fields
from ambrotype.core import errors
from ambrotype.library import cursor as cursors
from ambrotype.library import listing

router = fastapi.APIRouter(tags=["keys"])

_REPLIES = documents.problems(401, 403, 404, 422, 503)
_KEY = pydantic.TypeAdapter(keys.Key)
_NEW = pydantic.TypeAdapter(keys.NewKey)
_PAGE = pydantic.TypeAdapter(listing.Page[keys.Key])


class KeyRequest(pydantic.BaseModel):
    """A key to make."""

    model_config = pydantic.ConfigDict(extra="forbid")

    name: fields.Short
    role: keys.KeyRole = "app"
    app: Annotated[str, pydantic.Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "default"


@router.post("/v1/keys", response_model=keys.NewKey, status_code=201, responses={**_REPLIES, **documents.problems(409)})
async def create(
    here: context.Here,
    who: caller.Administrator,
    asked: KeyRequest,
    request: fastapi.Request,
    key: idempotency.Header = None,
) -> fastapi.Response:
    """Makes a key. The reply is the only one that shows it."""

    async def make() -> fastapi.Response:
        made = await keys.create(here.app.data, name=asked.name, role=asked.role, app=asked.app)
        if made is None:
            raise errors.Conflict("Such a key is known already; try again.")
        return responses.Response(
            _NEW.dump_json(made),
            status_code=201,
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    return await idempotency.once(here, who, request, key, make)


@router.get("/v1/keys", response_model=documents.Page[keys.Key], responses=_REPLIES)
async def page(
    here: context.Here, who: caller.Administrator, limit: Limit = 50, cursor: Cursor = None
) -> fastapi.Response:
    """Keys, newest first, without their secrets."""
    position = cursors.decode("keys", cursor)
    found = await keys.listed(here.app.data, after=position[1] if position else None, most=limit + 1)
    more = cursors.encode("keys", (None, found[limit - 1].id)) if len(found) > limit else None
    return responses.Response(
        _PAGE.dump_json(listing.Page(items=found[:limit], next_cursor=more)), media_type="application/json"
    )


@router.get("/v1/keys/{id}", response_model=keys.Key, responses=_REPLIES)
async def get(here: context.Here, who: caller.Administrator, id: uuid.UUID) -> fastapi.Response:
    """One key, without its secret."""
    return responses.Response(_KEY.dump_json(await keys.get(here.app.data, id)), media_type="application/json")


@router.delete("/v1/keys/{id}", response_model=keys.Key, responses=_REPLIES)
async def revoke(here: context.Here, who: caller.Administrator, id: uuid.UUID) -> fastapi.Response:
    """Revokes a key: the next request that shows it is refused."""
    return responses.Response(_KEY.dump_json(await keys.revoke(here.app.data, id)), media_type="application/json")
