"""What an item was made from, and what was made from it, to any depth; also what lies in the trash."""

import uuid

from ambrotype.core import lineage as nouns
from ambrotype.core import owners
from ambrotype.library import listing, view
from ambrotype.records import database
from ambrotype.records import lineage as rows
from ambrotype.records import media as items

DEPTH = 100
MOST = 1000
"""Nodes of one graph; what lies beyond is reached from its edge."""


async def graph(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, media_id: uuid.UUID
) -> nouns.Graph:
    """The item's ancestors and descendants, as far as they are the caller's; `errors.NotFound` where it is not."""
    async with data.transaction(who) as tx:
        if await items.get(tx, media_id) is None:
            raise listing.missing(media_id)
        edges = await rows.edges(tx, media_id, depth=DEPTH, most=MOST)
        wanted = {media_id, *(edge["media_id"] for edge in edges), *(edge["parent_id"] for edge in edges)}
        nodes = await items.some(tx, sorted(wanted))
    return nouns.Graph(
        nodes=[view.media_of(row, addresses) for _, row in sorted(nodes.items())],
        edges=[
            nouns.Edge(from_=edge["parent_id"], to=edge["media_id"], role=edge["role"])
            for edge in edges
            if edge["parent_id"] in nodes and edge["media_id"] in nodes
        ],
    )
