"""What left the house, and what all of it comes to."""

from collections.abc import Sequence
from typing import Any

from ambrotype.records import database


async def add(tx: database.Transaction, counts: Sequence[dict[str, Any]]) -> None:
    """Adds counts of items: `id`, `views`, `bytes`, and `estimated` of these."""
    await tx.run("select ambrotype.add_delivered(%(counts)s::jsonb)", counts=database.json(counts))


async def usage(tx: database.Transaction, dimension: str) -> list[database.Row]:
    """What the caller uses, by one dimension. Indexes: media_newest, media_trash, media_text_cost."""
    return await tx.all("select * from ambrotype.usage_by(%(dimension)s)", dimension=dimension)


async def states(tx: database.Transaction) -> list[database.Row]:
    """How many items there are in each state, lost ones by code. Index: media_state."""
    return await tx.all("select status, lost_code, count(*) as n from ambrotype.media group by status, lost_code")


async def queue(tx: database.Transaction) -> database.Row:
    """Captures that have not ended, and how many seconds the oldest has waited."""
    row = await tx.one(
        "select count(*) as depth, extract(epoch from now() - min(created_at))::float8 as oldest_seconds"
        " from ambrotype.capture"
    )
    assert row is not None
    return row


async def at_risk(tx: database.Transaction) -> int:
    """Items that live at their provider still. Index: media_at_risk."""
    row = await tx.one(
        "select count(*) as n from ambrotype.media where status in ('temporary', 'keeping') and deleted_at is null"
    )
    return int(row["n"]) if row else 0


async def totals(tx: database.Transaction) -> database.Row:
    """All that was ever delivered."""
    row = await tx.one(
        "select coalesce(sum(views), 0)::bigint as views, coalesce(sum(bytes), 0)::bigint as bytes from ambrotype.delivered"
    )
    assert row is not None
    return row
