"""Warnings of items whose source is about to die; the work is done by `ambrotype.warn_at_risk` (migration 0014)."""

from ambrotype.records import database


async def warn(tx: database.Transaction, *, most: int) -> int:
    """Events of up to so many items that have come to a threshold. Index: media_at_risk."""
    row = await tx.one("select ambrotype.warn_at_risk(%(most)s) as n", most=most)
    return int(row["n"]) if row else 0


async def forget(tx: database.Transaction) -> int:
    """Of items that are not at risk any more."""
    return await tx.run(
        "delete from ambrotype.at_risk r using ambrotype.media m where m.id = r.media_id"
        " and m.status not in ('temporary', 'keeping')"
    )
