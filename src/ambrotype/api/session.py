"""`/v1/session`: the gallery's sign-in, and its end."""

import dataclasses
import datetime

import fastapi
import pydantic
from fastapi import responses

from ambrotype.accounts import sessions
from ambrotype.api import context, cookies, documents, limiting, routing
from ambrotype.core import errors, owners

router = routing.router(tags=["session"])


class SignIn(pydantic.BaseModel):
    """One proof of who signs in."""

    model_config = pydantic.ConfigDict(extra="forbid")

    token: str | None = pydantic.Field(default=None, description="of a one-time sign-in link")
    key: str | None = pydantic.Field(default=None, description="an API key")
    jwt: str | None = pydantic.Field(default=None, description="a user's token")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is signed in, and until when."""

    role: owners.Role
    app: str
    owner: str | None
    expires_at: datetime.datetime


_SESSION = pydantic.TypeAdapter(Session)


@router.post(
    "/v1/session",
    response_model=Session,
    status_code=201,
    responses=documents.problems(401, 403, 422, 429, 503),
)
async def begin(here: context.Here, request: fastapi.Request, asked: SignIn) -> fastapi.Response:
    """Exchanges a one-time link's token, a key or a user's token for the cookie `ambrotype_session`."""
    limiting.count(request, None)
    cookies.check_origin(here, request, silent=True)
    made = await _begun(here, asked)
    if old := request.cookies.get(cookies.SESSION):
        await sessions.end(here.app.data, old)
    shown = Session(role=made.role, app=made.app, owner=made.owner, expires_at=made.expires_at)
    response = responses.Response(
        _SESSION.dump_json(shown),
        status_code=201,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
    cookies.put(response, here, cookies.SESSION, made.secret, expires_at=made.expires_at)
    return response


@router.delete("/v1/session", status_code=204, responses=documents.problems(403, 429, 503))
async def end(here: context.Here, request: fastapi.Request) -> fastapi.Response:
    """Ends the session, in every process and at once. Without one there is nothing to end."""
    limiting.count(request, None)
    secret = request.cookies.get(cookies.SESSION)
    if secret:
        cookies.check_origin(here, request, silent=False)
        await sessions.end(here.app.data, secret)
    response = responses.Response(status_code=204)
    cookies.drop(response, here, cookies.SESSION)
    return response


async def _begun(here: context.Context, asked: SignIn) -> sessions.NewSession:
    given = asked.model_dump(exclude_none=True)
    if len(given) != 1:
        raise errors.InvalidRequest("Give one of token, key and jwt.")
    if asked.token is not None:
        return await sessions.with_link(here.app.data, asked.token)
    if asked.key is not None:
        return await sessions.with_key(here.app.data, asked.key)
    return await sessions.with_user(here.app.data, await here.app.tokens.user(asked.jwt or ""))
