"""The worker's process."""

import asyncio
import os
import threading
from pathlib import Path

import structlog
import typer

from ambrotype import app as app_
from ambrotype import jobs, logs
from ambrotype import settings as settings_
from ambrotype.cli import collecting, exits, output, parents, running
from ambrotype.core import errors

PATIENCE = 10.0
"""Seconds from a signal, or the parent's death, to the end. Leases and locks of a process that is gone end by
themselves, so an end by force loses nothing.
"""

log = structlog.get_logger("ambrotype.cli")


async def run(data: Path | None, *, with_parent: bool, as_json: bool) -> None:
    """Captures until a signal, or until standard input ends if `with_parent`."""
    settings = settings_.load(data=data)
    logs.configure(settings.log)
    stop = asyncio.Event()

    def ask() -> None:
        stop.set()
        _end_by_force()

    running.on_stop(ask)
    if with_parent:
        loop = asyncio.get_running_loop()
        parents.watch(lambda: loop.call_soon_threadsafe(stop.set), patience=PATIENCE)
    async with app_.opened(settings, say=output.say) as app:
        collecting.rarely()
        log.info("worker runs", captures=settings.fetch_concurrency)
        if as_json:
            output.json({"state": "running", "captures": settings.fetch_concurrency})
        try:
            await jobs.work(app, stop)
        except errors.AmbrotypeError:
            raise
        except Exception:
            log.exception("worker crashed")
            raise typer.Exit(exits.FAILED) from None
    log.info("worker ended")


def _end_by_force() -> None:
    """Whatever hangs then (a database that does not answer, a disk): the promise is to be gone in time."""
    timer = threading.Timer(PATIENCE, os._exit, [exits.FAILED])
    timer.daemon = True
    timer.start()
