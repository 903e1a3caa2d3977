"""What owners hold, counted by triggers on `media` (migration 0003)."""

from ambrotype.records import database


async def fold(tx: database.Transaction, *, most: int) -> int:
    """Adds up to `most` changes into the owners' totals; how many."""
    row = await tx.one("select ambrotype.fold_usage(%(most)s) as n", most=most)
    return int(row["n"]) if row else 0
