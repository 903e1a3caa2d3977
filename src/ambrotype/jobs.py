"""What a worker does besides answering nobody: captures, inspections, sweeps, webhooks, and operations on many items."""

import asyncio

import structlog

from ambrotype import app as app_
from ambrotype import bulk, tasks, verbs
from ambrotype.core import errors

POLL = 2.0

log = structlog.get_logger("ambrotype.jobs")


async def work(app: app_.App, stop: asyncio.Event) -> None:
    """Works until `stop` is set; then captures finish or are handed back, and the rest is taken up by the next worker."""
    operating = asyncio.create_task(operations(app), name="operations")
    try:
        await app_.work(app, stop)
    finally:
        await tasks.ended(operating)


async def operations(app: app_.App) -> None:
    """Goes on with operations, one at a time, until it is cancelled; a lease lets others take over what dies here."""
    async with verbs.opened(app) as here:
        while True:
            try:
                if await bulk.go_on(here):
                    continue
            except errors.Unavailable as problem:
                log.warning("operations put off", detail=problem.detail)
            except Exception:
                log.exception("operation failed")
            await asyncio.sleep(POLL)
