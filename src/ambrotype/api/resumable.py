"""`/v1/uploads/resumable`: TUS 1.0.0 with creation, creation-with-upload, checksum, termination and expiration.

https://tus.io/protocols/resumable-upload
"""

import base64
import binascii
import email.utils
import re
import uuid
from typing import Any

import fastapi
from fastapi import responses

from ambrotype.api import caller, context, documents, requests, routing, uploads
from ambrotype.capture import request as fields_
from ambrotype.capture.uploads import placing, resumable, writing
from ambrotype.core import errors, ids
from ambrotype.delivery import asgi
from ambrotype.records import uploads as rows

router = routing.router(tags=["uploads"])


class Version:
    """Says in every reply of these routes, refusals too, what is spoken here."""

    def __init__(self, app: requests.App) -> None:
        self._app = app

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(uploads.RESUMABLE):
            await self._app(scope, receive, send)
            return

        async def told(message: asgi.Message) -> None:
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message.get("headers", [])}
                spoken = [(b"tus-resumable", VERSION.encode()), (b"tus-version", VERSION.encode())]
                added = [header for header in spoken if header[0] not in named]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        await self._app(scope, receive, told)


VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
BODY = "application/offset+octet-stream"
MOST_METADATA = 64 << 10
_NUMBER = re.compile(r"\d{1,18}")

_TUS = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
_TOLD: dict[str, Any] = {
    "Tus-Resumable": {"description": "1.0.0", "schema": {"type": "string"}},
    "Upload-Offset": {"description": "bytes that are there for sure", "schema": {"type": "integer"}},
    "Upload-Expires": {"description": "until when the rest may come", "schema": {"type": "string"}},
    "Ambrotype-Media-Id": {"description": "the item, once all bytes are there", "schema": {"type": "string"}},
}
_BYTES: dict[str, Any] = {
    "requestBody": {"content": {BODY: {"schema": {"type": "string", "format": "binary"}}}},
    "parameters": [
        {
            "name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}
        }
        for name, description in (
            ("Tus-Resumable", "1.0.0"),
            ("Upload-Length", "bytes of the whole file (POST)"),
            ("Upload-Offset", "where these bytes begin (PATCH)"),
            ("Upload-Checksum", "algorithm and base64 of these bytes' digest"),
            ("Upload-Metadata", "filename, filetype, fields (JSON of writable fields), each in base64 (POST)"),
        )
    ],
}  # fmt: skip
_HEADERS: dict[str, Any] = {"parameters": _BYTES["parameters"][:1]}


@router.options(uploads.RESUMABLE, status_code=204)
@router.options(uploads.RESUMABLE + "/{id}", status_code=204, include_in_schema=False)
async def options(here: context.Here) -> fastapi.Response:
    """What is spoken here."""
    return responses.Response(
        status_code=204,
        headers={
            **_TUS,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(here.uploads.most),
            "Tus-Checksum-Algorithm": ",".join(writing.ALGORITHMS),
        },
    )


@router.post(
    uploads.RESUMABLE,
    status_code=201,
    openapi_extra=_BYTES,
    responses={
        201: {"description": "begun, at its Location", "headers": _TOLD},
        **documents.WRITING,
        **documents.problems(412, 413, 415, 423, 460, 501),
    },
)
async def create(here: context.Here, who: caller.Writer, asked: fastapi.Request) -> fastapi.Response:
    """Begins an upload; may bring its first bytes along."""
    _require_version(asked)
    if "upload-defer-length" in asked.headers:
        raise errors.InvalidRequest("Upload-Defer-Length is not taken here: say the Upload-Length.")
    size = _number(asked, "Upload-Length")
    told = asked.headers.get("upload-metadata", "")
    known = _metadata(told)
    brings = asked.headers.get("content-type", "").partition(";")[0].strip().lower() == BODY
    if not brings and asked.headers.get("content-length", "0") != "0":
        raise errors.WrongContentType(f"Bytes that come with the creation are sent as {BODY}.")
    checksum = _checksum(asked) if brings else None
    made = await here.uploads.create(
        who,
        size=size,
        asked=uploads.fields_of(known["fields"]) if "fields" in known else fields_.UploadRequest(),
        filename=placing.file_name(known.get("filename")),
        told=told or None,
    )
    found = resumable.Taken(upload=made, media_id=None)
    if brings and asked.headers.get("content-length") != "0":
        found = await here.uploads.take(
            who, made.id, offset=0, chunks=uploads.body(asked), incoming=_length(asked), checksum=checksum
        )
    return responses.Response(
        status_code=201, headers={**_standing(found), "Location": f"{uploads.RESUMABLE}/{made.id}"}
    )


@router.head(
    uploads.RESUMABLE + "/{id}",
    openapi_extra=_HEADERS,
    responses={
        200: {"description": "how far it is", "headers": _TOLD},
        **documents.WRITING,
        **documents.problems(410, 412),
    },
)
async def offset(here: context.Here, who: caller.Writer, id: str, asked: fastapi.Request) -> fastapi.Response:
    """How many bytes are there for sure."""
    _require_version(asked)
    found = await here.uploads.get(who, _id(id))
    told = {"Upload-Metadata": found.upload.told} if found.upload.told is not None else {}
    return responses.Response(headers={**_standing(found), **told, "Upload-Length": str(found.upload.size)})


@router.patch(
    uploads.RESUMABLE + "/{id}",
    status_code=204,
    openapi_extra=_BYTES,
    responses={
        204: {"description": "taken", "headers": _TOLD},
        **documents.WRITING,
        **documents.problems(409, 410, 412, 413, 415, 423, 460),
    },
)
async def take(here: context.Here, who: caller.Writer, id: str, asked: fastapi.Request) -> fastapi.Response:
    """The next bytes; with the last of them the file is kept."""
    _require_version(asked)
    if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != BODY:
        raise errors.WrongContentType(f"The bytes of an upload are sent as {BODY}.")
    found = await here.uploads.take(
        who,
        _id(id),
        offset=_number(asked, "Upload-Offset"),
        chunks=uploads.body(asked),
        incoming=_length(asked),
        checksum=_checksum(asked),
    )
    return responses.Response(status_code=204, headers=_standing(found))


@router.delete(
    uploads.RESUMABLE + "/{id}",
    status_code=204,
    openapi_extra=_HEADERS,
    responses={**documents.WRITING, **documents.problems(410, 412, 423)},
)
async def end(here: context.Here, who: caller.Writer, id: str, asked: fastapi.Request) -> fastapi.Response:
    """Gives an upload up; a kept item stays."""
    _require_version(asked)
    await here.uploads.end(who, _id(id))
    return responses.Response(status_code=204, headers=_TUS)


@router.post(uploads.RESUMABLE + "/{id}", include_in_schema=False)
async def overridden(here: context.Here, who: caller.Writer, id: str, asked: fastapi.Request) -> fastapi.Response:
    """For browsers and proxies that can't send PATCH or DELETE."""
    method = asked.headers.get("x-http-method-override", "").upper()
    chosen = {"PATCH": take, "DELETE": end, "HEAD": offset}.get(method)
    if chosen is None:
        raise errors.MethodNotAllowed("An upload takes HEAD, PATCH and DELETE, or POST with X-HTTP-Method-Override.")
    return await chosen(here, who, id, asked)


def _standing(found: resumable.Taken) -> dict[str, str]:
    upload: rows.Upload = found.upload
    headers = {
        **_TUS,
        "Upload-Offset": str(upload.size if found.media_id is not None else upload.received),
        "Upload-Expires": email.utils.format_datetime(upload.expires_at, usegmt=True),
    }
    return headers if found.media_id is None else {**headers, "Ambrotype-Media-Id": str(found.media_id)}


def _require_version(asked: fastapi.Request) -> None:
    if asked.headers.get("tus-resumable") != VERSION:
        raise errors.PreconditionFailed(f"Send Tus-Resumable: {VERSION}; no other version is spoken here.")


def _id(text: str) -> uuid.UUID:
    found = ids.parse(text)
    if found is None:
        raise rows.missing(repr(text[:80]))
    return found


def _number(asked: fastapi.Request, name: str) -> int:
    told = asked.headers.get(name, "")
    if not _NUMBER.fullmatch(told):
        raise errors.InvalidRequest(f"{name} is to be a number of bytes, not {told[:40]!r}.")
    return int(told)


def _length(asked: fastapi.Request) -> int | None:
    told = asked.headers.get("content-length", "")
    return int(told) if _NUMBER.fullmatch(told) else None


def _checksum(asked: fastapi.Request) -> writing.Checksum | None:
    told = asked.headers.get("upload-checksum")
    if told is None:
        return None
    algorithm, _, digest = told.partition(" ")
    if algorithm not in writing.ALGORITHMS:
        raise errors.InvalidRequest(
            f"Upload-Checksum names {algorithm[:40]!r}; there are {', '.join(writing.ALGORITHMS)}."
        )
    try:
        return writing.Checksum(algorithm=algorithm, digest=base64.b64decode(digest, validate=True))
    except (binascii.Error, ValueError):
        raise errors.InvalidRequest("Upload-Checksum is no base64.") from None


def _metadata(told: str) -> dict[str, str]:
    """Keys, each with a value in base64 or none, separated by commas (TUS, "Upload-Metadata")."""
    if len(told) > MOST_METADATA:
        raise errors.InvalidRequest(f"Upload-Metadata has {len(told)} bytes; at most {MOST_METADATA} are taken.")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in told.split(","))):
        key, _, value = pair.partition(" ")
        if key in found:
            raise errors.InvalidRequest(f"Upload-Metadata says {key[:40]!r} twice.")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise errors.InvalidRequest(f"Upload-Metadata's {key[:40]!r} is no base64 of UTF-8.") from None
    return found
