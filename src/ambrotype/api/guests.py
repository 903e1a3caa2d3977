"""`/v1/guests`: people without an account, and how their library becomes a user's."""

from typing import Annotated

import fastapi
import orjson
import pydantic
from fastapi import responses

from ambrotype.accounts import guests
from ambrotype.api import caller, context, cookies, documents, idempotency, limiting, routing
from ambrotype.core import errors, owners

router = routing.router(tags=["guests"])

_NEW = pydantic.TypeAdapter(guests.NewGuest)
_LINKED = pydantic.TypeAdapter(guests.Linked)


class GuestRequest(pydantic.BaseModel):
    """A guest to make."""

    model_config = pydantic.ConfigDict(extra="forbid")

    session_id: Annotated[str, pydantic.Field(min_length=1, max_length=255)] | None = pydantic.Field(
        default=None, description="keys only: the guest that this old session id stands for, `guest:<session_id>`"
    )


class LinkRequest(pydantic.BaseModel):
    """The guest to take over."""

    model_config = pydantic.ConfigDict(extra="forbid")

    guest_token: str | None = pydantic.Field(default=None, description="without it, the cookie `ambrotype_guest`")


@router.post(
    "/v1/guests",
    response_model=guests.NewGuest,
    status_code=201,
    responses=documents.problems(401, 403, 409, 422, 429, 503),
)
async def create(
    here: context.Here,
    who: caller.Anyone,
    request: fastapi.Request,
    asked: Annotated[GuestRequest | None, fastapi.Body()] = None,
    key: idempotency.Header = None,
) -> fastapi.Response:
    """Makes a guest, or a new token for one. The reply is the only one that shows the token; it sets the cookie too."""
    session_id = asked.session_id if asked is not None else None
    _may_create(here, who, session_id)
    if who is None or not who.is_key:
        limiting.count_new_guest(request)

    async def make() -> fastapi.Response:
        made = await guests.create(here.app.data, app=who.app if who is not None else "default", session_id=session_id)
        return _json(_NEW.dump_json(made), 201)

    response = await (idempotency.once(here, who, request, key, make) if who is not None else make())
    made = _NEW.validate_python(orjson.loads(bytes(response.body)))
    cookies.put(response, here, cookies.GUEST, made.token, expires_at=made.expires_at)
    return response


@router.post(
    "/v1/guests/link",
    response_model=guests.Linked,
    responses={**documents.WRITING, **documents.problems(409)},
)
async def link(
    here: context.Here,
    who: caller.Writer,
    request: fastapi.Request,
    asked: Annotated[LinkRequest | None, fastapi.Body()] = None,
) -> fastapi.Response:
    """Makes a guest's library the caller's, a user's; the guest's tokens end at once. Again it is the same reply."""
    token = (asked.guest_token if asked is not None else None) or request.cookies.get(cookies.GUEST)
    if not token:
        raise errors.InvalidRequest("Name the guest by its guest_token.", pointer="/guest_token")
    response = _json(_LINKED.dump_json(await guests.link(here.app.data, who, token)), 200)
    if cookies.GUEST in request.cookies:
        cookies.drop(response, here, cookies.GUEST)
    return response


def _may_create(here: context.Context, who: owners.Principal | None, session_id: str | None) -> None:
    mode = here.app.settings.guests
    if mode == "off":
        raise errors.Forbidden("Guests are turned off here (AMBROTYPE_GUESTS).")
    if who is not None and who.role == "read":
        raise errors.Forbidden("A read key can't change anything; use an app or service key.")
    if who is not None and who.is_key:
        return
    if session_id is not None:
        raise errors.Forbidden("Only an app or service key may name a session_id: it proves nothing by itself.")
    if mode == "app":
        if who is None:
            raise errors.Unauthenticated("Only an app or service key may make guests here (AMBROTYPE_GUESTS).")
        raise errors.Forbidden("Only an app or service key may make guests here (AMBROTYPE_GUESTS).")


def _json(content: bytes, status: int) -> fastapi.Response:
    return responses.Response(
        content, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
