"""`/v1/media/{id}`: edit, delete, restore, purge; where it came from and what came of it."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype.api import caller, context, documents, routing
from ambrotype.core import media
from ambrotype.library import changes, editing, lineage, listing

router = routing.router(tags=["media"])

IfMatch = Annotated[str | None, fastapi.Header(alias="If-Match", max_length=1000, description="the item's ETag")]

_MEDIA = pydantic.TypeAdapter(media.Media)


class Edge(pydantic.BaseModel):
    """`to` was made from `from`, which served as `role`."""

    from_: Annotated[uuid.UUID, pydantic.Field(alias="from")]
    to: uuid.UUID
    role: str


class Graph(pydantic.BaseModel):
    """Items and how they came of each other."""

    nodes: list[media.Media]
    edges: list[Edge]


_GRAPH = pydantic.TypeAdapter(Graph)


def shown(item: media.Media, status: int = 200) -> fastapi.Response:
    """The item, with its ETag."""
    return responses.Response(
        _MEDIA.dump_json(item),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "private, no-store", "ETag": item.etag},
    )


@router.patch("/v1/media/{id}", response_model=media.Media, responses={**documents.WRITING, **documents.problems(412)})
async def edit(
    here: context.Here, who: caller.Writer, id: uuid.UUID, asked: changes.Changes, if_match: IfMatch = None
) -> fastapi.Response:
    """Changes an item: absent = unchanged, null = cleared."""
    return shown(await editing.edit(here.app.data, who, here.app.addresses, id, asked.given(), if_match=if_match))


@router.delete(
    "/v1/media/{id}",
    response_model=media.Media,
    responses={204: {"description": "ended: a tombstone"}, **documents.WRITING, **documents.problems(409)},
)
async def delete(
    here: context.Here,
    who: caller.Writer,
    id: uuid.UUID,
    *,
    purge: Annotated[bool, fastapi.Query(description="from the trash, for good")] = False,
    force: Annotated[bool, fastapi.Query(description="also where other items were made from it")] = False,
) -> fastapi.Response:
    """To the trash, where it has bytes; else it ends at once."""
    if purge:
        await editing.purge(here.app.data, who, id, force=force)
        return responses.Response(status_code=204)
    if not await editing.delete(here.app.data, who, id):
        return responses.Response(status_code=204)
    return shown(await listing.get(here.app.data, who, here.app.addresses, id))


@router.post("/v1/media/{id}/restore", response_model=media.Media, responses=documents.WRITING)
async def restore(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Back from the trash."""
    await editing.restore(here.app.data, who, id)
    return shown(await listing.get(here.app.data, who, here.app.addresses, id))


@router.get("/v1/media/{id}/lineage", response_model=Graph, responses=documents.READING)
async def graph(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """What the item was made from and what was made from it, also in the trash."""
    found = await lineage.graph(here.app.data, who, here.app.addresses, id)
    edges = [Edge.model_validate({"from": edge.from_, "to": edge.to, "role": edge.role}) for edge in found.edges]
    return responses.Response(
        _GRAPH.dump_json(Graph(nodes=found.nodes, edges=edges), by_alias=True), media_type="application/json"
    )
