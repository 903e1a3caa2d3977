"""The stream of what happens to an owner's items."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from ambrotype.core import media, owners
from ambrotype.records import database
from ambrotype.records import events as rows

BATCH = 200
POLL = 2.0
PAUSE = 0.1
"""Seconds between two looks at the least: many notifications in a row are one look."""


async def stream(
    data: database.Database,
    who: owners.Principal,
    *,
    since: rows.Position | None,
    woken: asyncio.Event,
    still: Callable[[], Awaitable[None]],
    beat: float,
) -> AsyncIterator[tuple[rows.Position, media.Event] | None]:
    """The caller's events behind `since` (None: from now on), for ever; None every `beat` seconds without one.

    `woken` is set when something may have happened. `still` is asked at each beat, and raises where the caller's
    credentials hold no more.
    """
    loop = asyncio.get_running_loop()
    if since is None:
        async with data.transaction(who) as tx:
            since = await rows.now(tx)
    next_beat = loop.time() + beat
    while True:
        woken.clear()
        async with data.transaction(who) as tx:
            found = await rows.after(tx, since, most=BATCH)
        for row in found:
            since = (row.pop("xid"), row["id"])
            yield since, media.Event(**row)
        if loop.time() >= next_beat:
            await still()
            next_beat = loop.time() + beat
            yield None
        if len(found) < BATCH:
            await asyncio.sleep(PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), max(0.0, min(POLL, next_beat - loop.time())))
