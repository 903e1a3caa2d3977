"""Webhooks heard from providers: noted by their verified words alone, worked off by whoever follows the job."""

from ambrotype.records import database


async def hear(tx: database.Reader, *, provider: str, token_hash: bytes | None, job_id: str, delivery: str) -> str:
    """`heard`, or `again` for a repetition. Wakes whoever follows; a job that is not known yet is remembered."""
    row = await tx.one(
        "select ambrotype.hear_hook(%(provider)s, %(token)s, %(job)s, %(delivery)s) as outcome",
        provider=provider,
        token=token_hash,
        job=job_id,
        delivery=delivery,
    )
    return str(row["outcome"]) if row else "again"


async def known_token(tx: database.Reader, *, provider: str, token_hash: bytes) -> bool:
    """Whether a generation of this provider was submitted with this token."""
    row = await tx.one(
        "select ambrotype.known_token(%(provider)s, %(token)s) as known", provider=provider, token=token_hash
    )
    return bool(row and row["known"])
