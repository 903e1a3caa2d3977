"""`/v1/providers`: which there are, and where they report to."""

from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype import generating
from ambrotype.api import caller, context, documents, routing
from ambrotype.core import errors
from ambrotype.core import generation as nouns
from ambrotype.generations import hearing

router = routing.router(tags=["generations"])

Name = Annotated[str, fastapi.Path(max_length=63)]
Token = Annotated[str, fastapi.Path(max_length=100)]


class Providers(pydantic.BaseModel):
    """All providers, those that are set up first."""

    items: list[nouns.Provider]


_ALL = pydantic.TypeAdapter(Providers)
_CHECK = pydantic.TypeAdapter(nouns.ProviderCheck)
_HEARING = documents.problems(401, 404, 413, 422, 503)


@router.get("/v1/providers", response_model=Providers, responses=documents.LISTING)
async def listed(here: context.Here, who: caller.Reader) -> fastapi.Response:
    """Which providers are configured, what they make, how long their outputs live."""
    return _json(_ALL.dump_json(Providers(items=generating.providers(here))))


@router.post("/v1/providers/{name}/check", response_model=nouns.ProviderCheck, responses=documents.WRITING)
async def check(here: context.Here, who: caller.Administrator, name: Name) -> fastapi.Response:
    """Whether a provider answers and takes the key; costs nothing."""
    return _json(_CHECK.dump_json(await generating.check(here, name)))


@router.post(
    "/v1/providers/{name}/webhook",
    status_code=204,
    responses=_HEARING,
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {}}}}},
)
async def webhook(here: context.Here, name: Name, request: fastapi.Request) -> fastapi.Response:
    """For providers: something happened to a job. Verified by its signature."""
    return await _heard(here, name, request, token=None)


@router.post(
    "/v1/providers/{name}/webhook/{token}",
    status_code=204,
    responses=_HEARING,
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {}}}}},
)
async def webhook_of_job(here: context.Here, name: Name, token: Token, request: fastapi.Request) -> fastapi.Response:
    """The same at the address that was given out for one job. Verified by its token, and its signature if there is one."""
    return await _heard(here, name, request, token=token)


async def _heard(here: context.Context, name: str, request: fastapi.Request, *, token: str | None) -> fastapi.Response:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > hearing.MOST:
            raise errors.TooLarge(f"A webhook may have {hearing.MOST} bytes.")
    headers = {key.lower(): value for key, value in request.headers.items()}
    await here.app.hearing.hear(name, token=token, headers=headers, body=bytes(body))
    return responses.Response(status_code=204)


def _json(content: bytes) -> fastapi.Response:
    return responses.Response(content, media_type="application/json", headers={"Cache-Control": "private, no-store"})
