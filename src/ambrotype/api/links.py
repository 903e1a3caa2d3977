"""`/v1/media/{id}/links`: a signed URL of an item, for an `<img>` or a mail."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype import verbs
from ambrotype.api import caller, context, documents, routing
from ambrotype.core import shares as nouns

router = routing.router(tags=["media"])

_LINK = pydantic.TypeAdapter(nouns.Link)


@router.post(
    "/v1/media/{id}/links", response_model=nouns.Link, responses={**documents.WRITING, **documents.problems(410)}
)
async def make(
    here: context.Here,
    who: caller.Writer,
    id: uuid.UUID,
    asked: Annotated[verbs.LinkRequest | None, fastapi.Body()] = None,
) -> fastapi.Response:
    """A URL that shows the item to whoever has it, until it runs out; nothing can take it back before that."""
    made = await verbs.link(here, who, id, asked or verbs.LinkRequest())
    return responses.Response(
        _LINK.dump_json(made), media_type="application/json", headers={"Cache-Control": "private, no-store"}
    )
