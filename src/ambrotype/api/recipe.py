"""`/v1/media/{id}/recipe`: how an item was made; and the tags that are suggested from it."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype.api import caller, context, documents, routing
from ambrotype.core.recipes.item import ItemRecipe, Tags
from ambrotype.library import recipe

router = routing.router(tags=["media"])

_RECIPE = pydantic.TypeAdapter(ItemRecipe)
_TAGS = pydantic.TypeAdapter(Tags)
Tag = Annotated[str, pydantic.Field(min_length=1, max_length=100)]


class Judgement(pydantic.BaseModel):
    """Which suggestions become tags, and which are not to be suggested again."""

    model_config = pydantic.ConfigDict(extra="forbid")

    accept: list[Tag] = pydantic.Field(default=[], max_length=100)
    refuse: list[Tag] = pydantic.Field(default=[], max_length=100)


@router.get("/v1/media/{id}/recipe", response_model=ItemRecipe, responses=documents.READING)
async def get(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """How an item was made: prompt, model and settings as told, else as embedded by the generator; and all embedded
    text."""
    return _json(_RECIPE.dump_json(await recipe.get(here.app.data, who, id)))


@router.post("/v1/media/{id}/suggested-tags", response_model=Tags, responses=documents.WRITING)
async def judge_tags(here: context.Here, who: caller.Writer, id: uuid.UUID, judgement: Judgement) -> fastapi.Response:
    """Accepts suggested tags, which become the item's, and refuses others, which are not suggested again."""
    found = await recipe.judge_tags(here.app.data, who, id, accept=judgement.accept, refuse=judgement.refuse)
    return _json(_TAGS.dump_json(found))


def _json(content: bytes) -> fastapi.Response:
    return responses.Response(content, media_type="application/json", headers={"Cache-Control": "private, no-store"})
