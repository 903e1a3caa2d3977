"""Ending background tasks."""

import asyncio
from typing import Any

AGAIN = 1.0


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
