"""The worker's process."""

import asyncio
from pathlib import Path

import structlog
import typer

from ambrotype import app as app_
from ambrotype import logs
from ambrotype import settings as settings_
from ambrotype.cli import exits, output, parents, running
from ambrotype.core import errors

_PATIENCE = 12.0
"""Seconds from the parent's death to the end by force."""

log = structlog.get_logger("ambrotype.cli")


async def run(data: Path | None, *, with_parent: bool, as_json: bool) -> None:
    """Captures until a signal, or until standard input ends if `with_parent`."""
    settings = settings_.load(data=data)
    logs.configure(settings.log)
    stop = asyncio.Event()
    running.on_stop(stop.set)
    if with_parent:
        loop = asyncio.get_running_loop()
        parents.watch(lambda: loop.call_soon_threadsafe(stop.set), patience=_PATIENCE)
    async with app_.opened(settings, say=output.say) as app:
        log.info("worker runs", captures=settings.fetch_concurrency)
        if as_json:
            output.json({"state": "running", "captures": settings.fetch_concurrency})
        try:
            await app_.work(app, stop)
        except errors.AmbrotypeError:
            raise
        except Exception:
            log.exception("worker crashed")
            raise typer.Exit(exits.FAILED) from None
    log.info("worker ended")
