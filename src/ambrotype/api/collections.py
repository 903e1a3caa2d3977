"""`/v1/collections`: moodboards and albums."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype.api import caller, context, documents, routing
from ambrotype.api import idempotency as idempotency_
from ambrotype.api.media import Cursor, Limit
from ambrotype.core import collections as nouns
from ambrotype.library import changes, collections, listing

router = routing.router(tags=["collections"])

_COLLECTION = pydantic.TypeAdapter(nouns.Collection)
_ITEM = pydantic.TypeAdapter(nouns.Item)
_PAGE = pydantic.TypeAdapter(listing.Page[nouns.Collection])
_ITEMS = pydantic.TypeAdapter(listing.Page[nouns.Item])


def _json(content: bytes, status: int = 200) -> fastapi.Response:
    return responses.Response(
        content, status_code=status, media_type="application/json", headers={"Cache-Control": "private, no-store"}
    )


@router.post(
    "/v1/collections",
    response_model=nouns.Collection,
    status_code=201,
    responses={**documents.WRITING, **documents.problems(409)},
)
async def create(
    here: context.Here,
    who: caller.Writer,
    asked: changes.NewCollection,
    request: fastapi.Request,
    key: idempotency_.Header = None,
) -> fastapi.Response:
    """Makes an empty collection."""

    async def make() -> fastapi.Response:
        made = await collections.create(here.app.data, who, here.app.addresses, asked.model_dump())
        return _json(_COLLECTION.dump_json(made), 201)

    return await idempotency_.once(here, who, request, key, make)


@router.get("/v1/collections", response_model=documents.Page[nouns.Collection], responses=documents.LISTING)
async def page(
    here: context.Here,
    who: caller.Reader,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """The caller's collections, newest first."""
    found = await collections.page(here.app.data, who, here.app.addresses, cursor=cursor, limit=limit)
    return _json(_PAGE.dump_json(found))


@router.get("/v1/collections/{id}", response_model=nouns.Collection, responses=documents.READING)
async def get(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """One collection, without what lies in it."""
    return _json(_COLLECTION.dump_json(await collections.get(here.app.data, who, here.app.addresses, id)))


@router.patch("/v1/collections/{id}", response_model=nouns.Collection, responses=documents.WRITING)
async def edit(
    here: context.Here, who: caller.Writer, id: uuid.UUID, asked: changes.CollectionChanges
) -> fastapi.Response:
    """Changes a collection: absent = unchanged, null = cleared."""
    given = asked.model_dump(exclude_unset=True)
    return _json(_COLLECTION.dump_json(await collections.edit(here.app.data, who, here.app.addresses, id, given)))


@router.delete("/v1/collections/{id}", status_code=204, responses=documents.WRITING)
async def delete(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Removes a collection; what lies in it stays in the library."""
    await collections.delete(here.app.data, who, id)
    return responses.Response(status_code=204)


@router.get("/v1/collections/{id}/items", response_model=documents.Page[nouns.Item], responses=documents.READING)
async def items(
    here: context.Here,
    who: caller.Reader,
    id: uuid.UUID,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """What lies in it, in order."""
    found = await collections.items(here.app.data, who, here.app.addresses, id, cursor=cursor, limit=limit)
    return _json(_ITEMS.dump_json(found))


@router.post("/v1/collections/{id}/items", response_model=nouns.Item, status_code=201, responses=documents.WRITING)
async def put(here: context.Here, who: caller.Writer, id: uuid.UUID, asked: changes.Placed) -> fastapi.Response:
    """Puts an item in, or moves one that is in already."""
    done = await collections.put(
        here.app.data, who, here.app.addresses, id, asked.media_id,
        note=asked.note, before=asked.before, after=asked.after,
    )  # fmt: skip
    return _json(_ITEM.dump_json(done), 201)


@router.patch("/v1/collections/{id}/items", response_model=nouns.Item, responses=documents.WRITING)
async def change(here: context.Here, who: caller.Writer, id: uuid.UUID, asked: changes.Placed) -> fastapi.Response:
    """Moves an item, or replaces its note."""
    given = asked.model_dump(exclude_unset=True, exclude={"media_id"})
    done = await collections.change(here.app.data, who, here.app.addresses, id, asked.media_id, given)
    return _json(_ITEM.dump_json(done))


@router.delete("/v1/collections/{id}/items", status_code=204, responses=documents.WRITING)
async def take_out(
    here: context.Here, who: caller.Writer, id: uuid.UUID, media_id: Annotated[uuid.UUID, fastapi.Query()]
) -> fastapi.Response:
    """Takes an item out; it stays in the library."""
    await collections.take_out(here.app.data, who, id, media_id)
    return responses.Response(status_code=204)
