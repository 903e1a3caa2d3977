"""Bytes that a caller hands over whole: base64 or a data URI. Kept at once, or refused and nothing left behind."""

import hashlib
from collections.abc import AsyncIterator

from ambrotype.capture import accept, pipeline
from ambrotype.capture.fetch import Announced
from ambrotype.core import errors, inline, owners, quotas
from ambrotype.records import accepting, captures, database

_PIECE = 1 << 20


def decoded(data: str, *, most: int) -> bytes:
    """The bytes of base64 (either alphabet, padded or not) or of a data URI; at most `most` of them."""
    read = inline.decode(data)
    if read is None:
        raise errors.InvalidRequest("data is neither base64 nor a data URI.", pointer="/data")
    content = read.data
    if not content:
        raise errors.InvalidRequest("data holds no bytes.", pointer="/data")
    if len(content) > most:
        raise errors.TooLarge(f"data holds {len(content)} bytes; at most {most} are taken.")
    return content


async def keep(
    who: owners.Principal,
    item: accepting.Acceptance,
    content: bytes,
    tools: pipeline.Tools,
    *,
    quota: quotas.Quota = quotas.NONE,
) -> accepting.Accepted:
    """Accepts, verifies, stores and records the bytes in one transaction: kept when this returns, else nothing is there."""
    digest = hashlib.sha256(content).digest()

    async def work(tx: database.Transaction) -> accepting.Accepted:
        (accepted,) = await accepting.accept(tx, [accept.of_bytes(item, digest, len(content))], quota=quota)
        if accepted.id is None or accepted.outcome != "new":
            return accepted
        made = await captures.item(tx, accepted.id)
        announced = Announced(
            host="", content_type=None, length=len(content), digests=(), file_name=None, expiry_headers={}
        )
        async with pipeline.verified(made, pieces(content), announced, tools) as checked:
            await tx.become(database.WORKER)
            await pipeline.record(tx, made, checked)
        return accepted

    kept: accepting.Accepted = await tools.data.retrying(who, work)
    return kept


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """The bytes, 1 MiB at a time."""
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]
