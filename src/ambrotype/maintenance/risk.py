"""Warnings: what lives at its provider only is told of at 50 and at 80 % of its source's life, each time once."""

import asyncio
import time

import structlog

from ambrotype.core import errors
from ambrotype.records import database, warnings

OFTEN = 2.0
SHARE = 0.01
"""Of one processor, what looking may take where there is much at risk."""
BATCH = 500

log = structlog.get_logger("ambrotype.risk")


async def forever(data: database.Database) -> None:
    """Looks again and again; several workers may, one at a time does."""
    while True:
        began = time.monotonic()
        try:
            while await warn(data) == BATCH:
                pass
        except errors.Unavailable as problem:
            log.warning("warnings put off", detail=problem.detail)
        except Exception:
            log.exception("warnings failed")
        await asyncio.sleep(max(OFTEN, (time.monotonic() - began) / SHARE))


async def warn(data: database.Database) -> int:
    """Tells events of what has come to a threshold; how many."""
    async with data.transaction(database.WORKER) as tx:
        return await warnings.warn(tx, most=BATCH)
