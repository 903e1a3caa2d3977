"""`/v1/projects`: named places and their versions. `{p}` and `{s}` are percent-encoded, slashes too."""

import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype.api import caller, context, documents, routing
from ambrotype.api.media import Cursor, Limit
from ambrotype.core import errors
from ambrotype.core import projects as nouns
from ambrotype.delivery import asgi
from ambrotype.library import changes, listing, versions

router = routing.router(tags=["projects"])

_PROJECTS = pydantic.TypeAdapter(listing.Page[nouns.Project])
_SLOTS = pydantic.TypeAdapter(listing.Page[nouns.Slot])
_SLOT = pydantic.TypeAdapter(nouns.Slot)


class EncodedNames:
    """Lets `{p}` and `{s}` hold slashes: under /v1/projects the path is routed as it was sent, still percent-encoded."""

    def __init__(self, app: Callable[[asgi.Scope, asgi.Receive, asgi.Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        raw = scope.get("raw_path")
        if scope["type"] == "http" and raw and scope["path"].startswith("/v1/projects/"):
            scope = {**scope, "path": raw.partition(b"?")[0].decode("latin-1")}
        await self._app(scope, receive, send)


class Pruned(pydantic.BaseModel):
    """How many went to the trash."""

    trashed: int


def _json(content: bytes) -> fastapi.Response:
    return responses.Response(content, media_type="application/json", headers={"Cache-Control": "private, no-store"})


def _names(request: fastapi.Request) -> list[str]:
    """Project and slot from the path, which is still encoded (see `EncodedNames`)."""
    encoded = [request.path_params[name] for name in ("p", "s") if name in request.path_params]
    try:
        names = [urllib.parse.unquote(part, errors="strict") for part in encoded]
    except UnicodeDecodeError:
        raise errors.InvalidRequest("The names in the path are not valid UTF-8.") from None
    if any("\x00" in name or len(name) > 255 for name in names):
        raise errors.InvalidRequest("A project's or slot's name has at most 255 characters and no NUL.")
    return names


@router.get("/v1/projects", response_model=documents.Page[nouns.Project], responses=documents.LISTING)
async def projects(
    here: context.Here,
    who: caller.Reader,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """The caller's projects by name."""
    return _json(_PROJECTS.dump_json(await versions.projects(here.app.data, who, cursor=cursor, limit=limit)))


@router.get("/v1/projects/{p}/slots", response_model=documents.Page[nouns.Slot], responses=documents.LISTING)
async def slots(
    here: context.Here,
    who: caller.Reader,
    request: fastapi.Request,
    p: str,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """A project's slots, each with its current and its pending item."""
    project = _names(request)[0]
    found = await versions.slots(here.app.data, who, here.app.addresses, project, cursor=cursor, limit=limit)
    return _json(_SLOTS.dump_json(found))


@router.get("/v1/projects/{p}/slots/{s}", response_model=nouns.Slot, responses=documents.READING)
async def slot(here: context.Here, who: caller.Reader, request: fastapi.Request, p: str, s: str) -> fastapi.Response:
    """One slot with its versions, newest first."""
    project, name = _names(request)
    return _json(_SLOT.dump_json(await versions.slot(here.app.data, who, here.app.addresses, project, name)))


@router.put(
    "/v1/projects/{p}/slots/{s}/current",
    response_model=nouns.Slot,
    responses={**documents.WRITING, **documents.problems(409)},
)
async def show(
    here: context.Here, who: caller.Writer, request: fastapi.Request, p: str, s: str, asked: changes.Current
) -> fastapi.Response:
    """Brings an old version back."""
    project, name = _names(request)
    await versions.show(here.app.data, who, project, name, asked.version)
    return _json(_SLOT.dump_json(await versions.slot(here.app.data, who, here.app.addresses, project, name)))


@router.post("/v1/projects/{p}/slots/{s}/prune", response_model=Pruned, responses=documents.WRITING)
async def prune(
    here: context.Here, who: caller.Writer, request: fastapi.Request, p: str, s: str, asked: changes.Prune
) -> Pruned:
    """Moves all but the newest versions to the trash, never the current one."""
    project, name = _names(request)
    return Pruned(trashed=await versions.prune(here.app.data, who, project, name, keep=asked.keep))
