"""`ambrotype.open()`: the library in this process, without a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import structlog

from ambrotype import app as app_
from ambrotype import jobs, verbs
from ambrotype import settings as settings_
from ambrotype.core import owners
from ambrotype.local import library

PAUSE = 1.0
"""Seconds until a worker that crashed begins anew."""

log = structlog.get_logger("ambrotype")


@contextlib.asynccontextmanager
async def open(  # noqa: A001  # `ambrotype.open`
    data: str | Path | None = None,
    *,
    owner: str | None = None,
    app: str | None = None,
    work: bool = True,
    **settings: Any,
) -> AsyncIterator[library.Library]:
    """The library in the folder `data` (AMBROTYPE_DATA, else `./ambrotype-data`), made if there is none.

    Any number of programs and a server may have it open at once. While it is open a worker captures, unless `work` is
    False; what is not done when it closes goes on at the next start. It acts for `owner` (`user:<id>`, `guest:<id>`) of
    `app` (`default`), without one as administrator: it sees all, and what it keeps belongs to the service. `settings`
    are those of `docs/settings.md` in lower case, stronger than the environment.

    Raises `errors.InvalidSetting` and `errors.Unavailable`.
    """
    _log_as_a_library()
    who = owners.Principal(
        role="service",
        app=owners.app_name(app or "default"),
        owner=owners.parse(owner) if owner is not None else None,
    )
    chosen = settings_.load(data=data, **settings)
    async with contextlib.AsyncExitStack() as stack:
        opened = await stack.enter_async_context(app_.opened(chosen, say=log.warning))
        here = await stack.enter_async_context(verbs.opened(opened))
        if work:
            await stack.enter_async_context(_working(opened))
        yield library.Library(here, who)


@contextlib.asynccontextmanager
async def _working(app: app_.App) -> AsyncIterator[None]:
    """A worker for the length of the block. It hands back what it has not finished."""
    stop = asyncio.Event()
    working = asyncio.create_task(_work(app, stop), name="ambrotype worker")
    try:
        yield
    finally:
        stop.set()
        await working


async def _work(app: app_.App, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await jobs.work(app, stop)
        except Exception:
            log.exception("worker crashed, begins anew")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)


def _log_as_a_library() -> None:
    """Through `logging`, whose settings are the program's; structlog by itself would print to standard output."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
