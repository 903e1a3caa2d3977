"""`POST /v1/rewrite`: a document in, the same document with permanent URLs out.

The body is read as text and not as values, so that what is not a URL comes back byte for byte.
"""

import asyncio
from typing import Annotated, Any

import fastapi
import orjson
import pydantic
from fastapi import responses

from ambrotype import verbs
from ambrotype.api import caller, context, documents, routing
from ambrotype.capture import request as fields
from ambrotype.capture import rewrite as rewrites
from ambrotype.core import errors, jsontext, rewriting

router = routing.router(tags=["keep"])

MOST_BODY = 4 * rewrites.MOST_BYTES
"""Bytes: a text takes more of them where its quotes and line breaks are escaped."""


class RewriteRequest(rewrites.Asked):
    """A document, and how it is to be rewritten."""

    document: Any = pydantic.Field(description="any JSON; or a text, Markdown or HTML, as a string")


class Replaced(pydantic.BaseModel):
    """A URL that was exchanged; `to` and `media_id` are null in a dry run."""

    pointer: str
    from_: Annotated[str, pydantic.Field(alias="from")]
    to: str | None
    media_id: pydantic.UUID7 | None


class Left(pydantic.BaseModel):
    """A URL that looks like media and stays; `why` is a code, a colon and a sentence."""

    pointer: str
    url: str
    why: str


class RewriteResult(pydantic.BaseModel):
    """The document with permanent URLs, and what became of each in it."""

    document: Any
    replaced: list[Replaced]
    left: list[Left]


@router.post(
    "/v1/rewrite",
    response_model=RewriteResult,
    responses={**documents.WRITING, **documents.problems(409, 413)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": RewriteRequest.model_json_schema()}},
        }
    },
)
async def rewrite(here: context.Here, who: caller.Writer, request: fastapi.Request) -> fastapi.Response:
    """Keeps every media URL of a document that may die, and answers the document with their permanent URLs at once.

    Everything else stays byte for byte: the order of keys, the form of numbers, escapes and spaces. Doing it again
    changes nothing.
    """
    document, asked = await asyncio.to_thread(_parsed, await _body(request))
    done = await verbs.rewrite(here, who, document, asked)
    return responses.Response(await asyncio.to_thread(_content, done), media_type="application/json")


async def _body(request: fastapi.Request) -> bytes:
    pieces: list[bytes] = []
    taken = 0
    async for piece in request.stream():
        taken += len(piece)
        if taken > MOST_BODY:
            raise errors.TooLarge(f"The document has more than {rewrites.MOST_BYTES} bytes; rewrite it in parts.")
        pieces.append(piece)
    return b"".join(pieces)


def _parsed(body: bytes) -> tuple[str, rewrites.Asked]:
    """The document's text, and the other members."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise errors.InvalidRequest("The body is not UTF-8.") from None
    spans = jsontext.members(text)
    if "document" not in spans:
        raise fields.invalid([("/document", "field required")])
    start, end = spans.pop("document")
    try:
        options = {name: orjson.loads(text[slice(*span)]) for name, span in spans.items()}
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise errors.InvalidRequest("The body can't be read as JSON of moderate depth.") from None
    return text[start:end], fields.parsed(rewrites.Asked, options)


def _content(done: rewriting.Rewritten) -> bytes:
    replaced = [
        {"pointer": one.pointer, "from": one.from_, "to": one.to, "media_id": one.media_id} for one in done.replaced
    ]
    return orjson.dumps({"document": orjson.Fragment(done.document.encode()), "replaced": replaced, "left": done.left})
