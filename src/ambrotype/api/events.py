"""`GET /v1/events`: Server-Sent Events (WHATWG HTML, section 9.2) of the caller's items."""

from collections.abc import AsyncIterator
from typing import Annotated

import fastapi
import orjson
import pydantic
from fastapi import responses

from ambrotype.api import caller, context, credentials, documents, routing
from ambrotype.core import errors, media
from ambrotype.library import events
from ambrotype.records import events as positions

router = routing.router(tags=["events"])

BEAT = 15.0
"""Seconds between comments that keep the connection open, and between looks whether the caller may still listen."""

_EVENT = pydantic.TypeAdapter(media.Event)


@router.get(
    "/v1/events",
    response_class=responses.StreamingResponse,
    responses={
        200: {
            "description": "a stream without an end",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **documents.LISTING,
    },
)
async def stream(
    here: context.Here,
    who: caller.Reader,
    request: fastapi.Request,
    last_event_id: Annotated[str | None, fastapi.Header(alias="Last-Event-ID", max_length=60)] = None,
) -> fastapi.Response:
    """What happens to the caller's items, from now on or behind `Last-Event-ID`; nothing is missed in between."""
    since = positions.position(last_event_id) if last_event_id else None

    async def still() -> None:
        if await credentials.principal(here, request) != who:
            raise errors.Unauthenticated("These credentials hold no more.")

    async def lines() -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        with here.settling.anything() as woken:
            try:
                async for found in events.stream(here.app.data, who, since=since, woken=woken, still=still, beat=BEAT):
                    yield b": still here\n\n" if found is None else _lines(*found)
            except (errors.Unauthenticated, errors.Unavailable):
                return  # the client connects again with its Last-Event-ID, and is told then

    return responses.StreamingResponse(
        lines(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _lines(at: positions.Position, event: media.Event) -> bytes:
    data = orjson.dumps(orjson.Fragment(_EVENT.dump_json(event)))
    return b"id: %d.%d\nevent: %s\ndata: %s\n\n" % (*at, event.type.encode(), data)
