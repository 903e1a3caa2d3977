"""Waiting for events, and ending background tasks."""

import asyncio
from typing import Any

AGAIN = 1.0


async def either(*events: asyncio.Event, timeout: float) -> None:
    """Returns when one of the events is set, or after `timeout` seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and returns when all have ended, however.

    A cancellation can get lost (before Python 3.12 `asyncio.wait_for` swallows one that comes as its own future is done), so
    it is repeated until it works.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen: asyncio does not complain about it
