"""`/v1/uploads`: a file in one form, and files that go straight into the store."""

import contextlib
import datetime
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

import fastapi
import orjson
import pydantic
from fastapi import responses
from starlette import requests

from ambrotype import verbs
from ambrotype.api import caller, context, documents, forms, routing
from ambrotype.capture import pipeline, request
from ambrotype.capture.uploads import pieces, placing
from ambrotype.core import errors, media, owners
from ambrotype.delivery import asgi

router = routing.router(tags=["uploads"])

AROUND = 4 * forms.MOST_FIELD
"""Bytes of a form beside its file."""
PATH = "/v1/uploads"
RESUMABLE = f"{PATH}/resumable"

_MEDIA = pydantic.TypeAdapter(media.Media)

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "fields": {"$ref": "#/components/schemas/UploadRequest"},
                    },
                },
                "encoding": {"fields": {"contentType": "application/json"}},
            }
        },
    }
}


def streams(scope: asgi.Scope) -> bool:
    """Whether the request's body is a file that passes through, and nothing that is read whole."""
    path: str = scope["path"]
    return path in (PATH, RESUMABLE) or path.startswith(f"{RESUMABLE}/")


async def body(asked: fastapi.Request) -> AsyncIterator[bytes]:
    """The body in the pieces in which it comes in. Raises `pieces.Interrupted` where the connection breaks."""
    told = asked.headers.get("content-length", "")
    left = int(told[:20]) if told.isascii() and told.isdigit() else None
    try:
        async for chunk in asked.stream():
            if chunk:
                left = None if left is None else left - len(chunk)
                yield chunk
    except requests.ClientDisconnect:
        raise pieces.Interrupted("The connection broke before the whole body had come in; send it again.") from None
    if left:
        raise pieces.Interrupted(f"The body ended {left} bytes before its Content-Length; send it again.")


@router.post(
    PATH,
    response_model=media.Media,
    status_code=201,
    openapi_extra=_FORM,
    responses={
        200: {"description": "the same bytes are there already", "model": media.Media},
        **documents.WRITING,
        **documents.problems(413, 415),
    },
)
async def upload(here: context.Here, who: caller.Writer, asked: fastapi.Request) -> fastapi.Response:
    """Keeps a file: `file`, and in `fields` what is known of it as JSON, before the file or after it."""
    kept = await _Upload(here, who, asked).run()
    return responses.Response(
        _MEDIA.dump_json(kept.media),
        status_code=200 if kept.known else 201,
        media_type="application/json",
        headers={"Location": f"/v1/media/{kept.media.id}", "Cache-Control": "private, no-store"},
    )


class DirectRequest(pydantic.BaseModel):
    """A file that is to go straight into the store."""

    model_config = pydantic.ConfigDict(extra="forbid")

    filename: request.Short | None = None
    content_type: Annotated[str, pydantic.Field(max_length=100)]
    size: Annotated[int, pydantic.Field(ge=1, le=2**62, description="bytes")]
    fields: request.UploadRequest = request.UploadRequest()


class Direct(pydantic.BaseModel):
    """The request that puts it there; its headers are signed, and are to be sent exactly so."""

    id: uuid.UUID
    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime.datetime


@router.post(
    f"{PATH}/direct",
    response_model=Direct,
    status_code=201,
    responses={**documents.WRITING, **documents.problems(413, 501)},
)
async def direct(here: context.Here, who: caller.Writer, asked: DirectRequest) -> fastapi.Response:
    """Where to PUT a file of this type and length, if the store can sign for it. Then comes `complete`."""
    made = await here.directs.create(
        who,
        size=asked.size,
        content_type=asked.content_type,
        asked=asked.fields,
        filename=placing.file_name(asked.filename),
    )
    answer = Direct(
        id=made.id,
        method=made.ticket.method,
        url=made.ticket.url,
        headers=dict(made.ticket.headers),
        expires_at=made.expires_at,
    )
    return responses.Response(
        answer.model_dump_json(),
        status_code=201,
        media_type="application/json",
        headers={"Cache-Control": "private, no-store"},
    )


@router.post(
    f"{PATH}/direct/{{id}}/complete",
    response_model=media.Media,
    status_code=201,
    responses={
        200: {"description": "completed before, or the same bytes are there already", "model": media.Media},
        **documents.WRITING,
        **documents.problems(409, 410, 423, 501),
    },
)
async def complete(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Looks at what has arrived, and keeps it or removes it."""
    kept = await verbs.uploaded(here, who, await here.directs.complete(who, id))
    return responses.Response(
        _MEDIA.dump_json(kept.media),
        status_code=200 if kept.known else 201,
        media_type="application/json",
        headers={"Location": f"/v1/media/{kept.media.id}", "Cache-Control": "private, no-store"},
    )


class _Upload:
    """One form on its way in."""

    def __init__(self, here: context.Context, who: owners.Principal, asked: fastapi.Request) -> None:
        self._here, self._who = here, who
        self._form = forms.Form(asked.headers.get("content-type", ""), body(asked))
        self._length = asked.headers.get("content-length", "")
        self._one = verbs.uploading(here, who)
        self._fields: request.UploadRequest | None = None
        self._filename: str | None = None

    async def run(self) -> verbs.Kept:
        """Kept when this returns; whatever is raised, nothing is there."""
        async with contextlib.AsyncExitStack() as stack:
            file: pipeline.Checked | None = None
            async for part in self._form.parts():
                if part.name == "fields":
                    self._fields = self._parsed(await part.text())
                elif part.name == "file" and file is None:
                    file = await self._received(part, stack)
                elif part.name == "file":
                    raise errors.InvalidRequest(
                        "The form has more than one file; send each by itself.", pointer="/file"
                    )
            if file is None:
                raise errors.InvalidRequest("The form has no file.", pointer="/file")
            asked = self._fields or request.UploadRequest()
            kept = await self._one.keep(file, asked=asked, filename=self._filename)
        return await verbs.uploaded(self._here, self._who, kept)

    async def _received(self, part: forms.Part, stack: contextlib.AsyncExitStack) -> pipeline.Checked:
        self._filename = placing.file_name(part.filename)
        return await stack.enter_async_context(
            self._one.received(part.chunks(), asked=self._fields, filename=self._filename, incoming=self._incoming())
        )

    def _incoming(self) -> int | None:
        """About as many bytes as the file has; the form around it is small."""
        told = self._length
        return max(1, int(told[:20]) - AROUND) if told.isascii() and told.isdigit() else None

    def _parsed(self, text: str) -> request.UploadRequest:
        if self._fields is not None:
            raise errors.InvalidRequest("The form has fields twice.", pointer="/fields")
        return fields_of(text)


def fields_of(text: str) -> request.UploadRequest:
    """What is told of a file, from its JSON. Raises `errors.InvalidRequest`."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise errors.InvalidRequest("fields is not valid JSON.", pointer="/fields") from None
    if not isinstance(given, dict):
        raise errors.InvalidRequest("fields is not a JSON object.", pointer="/fields")
    return request.parsed(request.UploadRequest, given)
