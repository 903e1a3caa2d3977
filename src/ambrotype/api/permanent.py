"""`/m/{id}/{name}`: the URL that never dies. Who asks and which row are found here; the rest is `delivery`."""

import contextlib
import pathlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import fastapi
from starlette import requests as starlette_requests

from ambrotype.api import context, credentials, remembered
from ambrotype.api import errors as problems
from ambrotype.capture import network
from ambrotype.core import errors, ids, owners, renditions
from ambrotype.delivery import asgi, deliverable, handler
from ambrotype.delivery import counting as counting_
from ambrotype.library import shares
from ambrotype.records import database, delivered
from ambrotype.records import media as rows
from ambrotype.records import renditions as derived
from ambrotype.storage import contract


def handlers(here: context.Context) -> handler.Permanent:
    """Delivery with the doors of this process."""

    async def hurry(media_id: uuid.UUID) -> None:
        async with here.app.data.transaction(database.NOBODY) as tx:
            await rows.hurry(tx, media_id)

    async def wait(media_id: uuid.UUID, seconds: float) -> deliverable.Deliverable | None:
        row = await here.settling.wait(media_id, seconds)
        return _deliverable(here, row) if row else None

    async def render(
        found: deliverable.Deliverable, asked: Mapping[str, str], *, accept: str, signed: bool
    ) -> deliverable.Content:
        wanted = renditions.parse(asked, accept=accept, exact=signed)
        renditions.require(wanted, found.kind)
        known = await here.rendering.get(found.id, wanted)
        return _content(found, wanted, known)

    async def share_holds(share: str, media_id: uuid.UUID) -> bool:
        return await shares.holds(here.app.data, share, media_id)

    return handler.Permanent(
        store=here.app.store,
        keys=here.app.signing_keys,
        doors=handler.Doors(hurry=hurry, wait=wait, render=render, share_holds=share_holds, problem=_problem),
        mode=here.app.settings.delivery,
    )


def counting(here: context.Context) -> contextlib.AbstractAsyncContextManager[counting_.Counting]:
    """Counts views and egress for the length of the block."""

    async def write(counts: Sequence[dict[str, Any]]) -> None:
        async with here.app.data.transaction(owners.ADMINISTRATOR) as tx:
            await delivered.add(tx, counts)

    return counting_.running(write)


App = Callable[[asgi.Scope, asgi.Receive, asgi.Send], Awaitable[None]]


class Door:
    """Lets requests for permanent URLs in before the API's routes: looking through them would cost each file's request more
    than finding its row. Raw ASGI for GET and HEAD: whole files leave by the server's own `pathsend`.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/m/"):
            await self._permanent(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _permanent(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        app: fastapi.FastAPI = scope["app"]
        here: context.Context = app.state.context
        permanent: handler.Permanent = app.state.permanent
        if scope["method"] not in ("GET", "HEAD"):
            await _method_not_allowed(scope, send)
            return
        media_id = ids.parse(scope["path"].split("/", 3)[2])
        memory: remembered.Remembered = app.state.remembered
        key = remembered.asked(scope, media_id) if media_id else None
        try:
            found = memory.get(key)
            if found is None and media_id is not None:
                began = time.monotonic()
                who = await _who(here, scope)
                found = await _find(here, who, media_id)
                memory.put(key, found, began=began)
        except errors.AmbrotypeError as error:
            await problems.send(error, scope, send, [])
            return
        done = await permanent.respond(scope, receive, send, media_id=media_id or uuid.UUID(int=0), found=found)
        app.state.counting.count(done)


async def _find(
    here: context.Context, who: owners.Principal | None, media_id: uuid.UUID
) -> deliverable.Deliverable | None:
    row = await rows.deliverable(here.app.data.lookup(who or database.NOBODY), media_id)
    return _deliverable(here, row) if row else None


async def _who(here: context.Context, scope: asgi.Scope) -> owners.Principal | None:
    """The caller, if one says so. A key that names nobody has no rights here, and needs none for what is public."""
    who = await credentials.principal(here, starlette_requests.HTTPConnection(scope))
    return who if who is None or who.owner is not None or who.administrator else None


def _deliverable(here: context.Context, row: database.Row) -> deliverable.Deliverable:
    columns = {name: value for name, value in row.items() if name != "source_trusted"}
    url = row["source_url"]
    return deliverable.Deliverable(
        **columns, source_allowed=url is not None and _allowed(here, url, trusted=row["source_trusted"])
    )


def _content(found: deliverable.Deliverable, wanted: renditions.Wanted, known: derived.Known) -> deliverable.Content:
    assert known.bucket is not None
    assert known.path is not None
    assert known.size is not None
    assert known.sha256 is not None
    assert known.made_at is not None
    return deliverable.Content(
        key=contract.Key(known.bucket, known.path),
        size=known.size,
        sha256=known.sha256,
        content_type=known.content_type,
        modified=known.made_at,
        name=f"{pathlib.PurePath(found.name).stem}-{wanted.name}.{wanted.suffix}",
    )


def _allowed(here: context.Context, url: str, *, trusted: bool) -> bool:
    if here.app.providers.locks(url):  # only the provider's key opens it
        return False
    try:
        network.check_url(url, here.app.rules.allowed(trusted=trusted))
    except errors.CaptureFailed:
        return False
    return True


async def _problem(error: errors.AmbrotypeError, scope: asgi.Scope, send: asgi.Send, headers: asgi.Headers) -> int:
    return await problems.send(error, scope, send, headers)


async def _method_not_allowed(scope: asgi.Scope, send: asgi.Send) -> None:
    await problems.send(
        errors.MethodNotAllowed(f"A permanent URL takes GET and HEAD, not {scope['method']}."),
        scope,
        send,
        [(b"allow", b"GET, HEAD")],
    )


def _reply(description: str, headers: dict[str, str] | None = None) -> dict[str, object]:
    return {
        "description": description,
        "headers": {
            name: {"description": text, "schema": {"type": "string"}} for name, text in (headers or {}).items()
        },
    }


def _whole(most: int) -> dict[str, object]:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _operation(summary: str) -> dict[str, object]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "summary": summary,
        "tags": ["permanent URLs"],
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
            {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}, "description": "cosmetic"},
            *(
                {"name": name, "in": "query", "schema": schema, "description": text}
                for name, schema, text in (
                    ("rendition", {"type": "string", "enum": list(renditions.NAMED)}, "a derived file by its name"),
                    ("w", _whole(renditions.MOST_SIDE), "pixels; unsigned the next size of the ladder"),
                    ("h", _whole(renditions.MOST_SIDE), "pixels; likewise"),
                    ("fit", {"type": "string", "enum": ["cover", "contain", "inside"]}, "inside unless said"),
                    ("format", {"type": "string", "enum": [*renditions.TYPES, "auto"]}, "webp unless said"),
                    ("q", _whole(100), "quality"),
                )
            ),
            {"name": "download", "in": "query", "schema": {"type": "string", "enum": ["1"]}},
            {"name": "exp", "in": "query", "schema": {"type": "string"}},
            {"name": "kid", "in": "query", "schema": {"type": "string"}},
            {"name": "sig", "in": "query", "schema": {"type": "string"}},
            {"name": "Range", "in": "header", "schema": {"type": "string"}},
        ],
        "security": [{}, {"HTTPBearer": []}],
        "responses": {
            "200": _reply("the original, or a rendition of it", {"ETag": "the SHA-256", "Accept-Ranges": "bytes"}),
            "206": _reply("ranges of it", {"Content-Range": "which"}),
            "304": _reply("not changed"),
            "307": _reply("to the source, or to the store's own URL", {"Location": "where"}),
            **{
                status: {"description": text, "content": problem}
                for status, text in (
                    ("401", "wrong credentials"), ("403", "wrong signature"), ("404", "unknown, or private without right"),
                    ("410", "lost, expired or purged, with the reason"), ("412", "a precondition failed"),
                    ("416", "no byte of the range lies within"), ("422", "a parameter is wrong, or nothing can be derived"),
                    ("413", "too large to be derived from"),
                    ("503", "not captured yet, being made, or the store does not answer"),
                )
            },
        },
    }  # fmt: skip


DOCUMENT = {"get": _operation("The item's bytes"), "head": _operation("The same without the bytes")}
"""What the OpenAPI document says of this route."""
