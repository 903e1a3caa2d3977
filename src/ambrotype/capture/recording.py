"""The last step: published bytes become facts. Captures that are ready at the same moment share a transaction."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Sequence

from ambrotype.capture import pipeline
from ambrotype.core import errors
from ambrotype.records import captures, database
from ambrotype.storage import contract

MOST = 32
"""Captures in one transaction: their rows stay locked until the last one's bytes are visible."""


@dataclasses.dataclass(eq=False, slots=True, kw_only=True)
class _Ready:
    item: captures.Item
    checked: pipeline.Checked
    done: "asyncio.Future[bool]"
    published: bool = False


class Recorder:
    """Records captures of one process. What is ready while a transaction runs goes into the next one, together.

    One that fails never takes the others with it: each is then recorded by itself.
    """

    def __init__(self, data: database.Database) -> None:
        self._data = data
        self._waiting: list[_Ready] = []
        self._running: asyncio.Task[None] | None = None

    async def record(self, item: captures.Item, checked: pipeline.Checked) -> bool:
        """Returns once the transaction has committed; False if the item is not to be kept any more."""
        if item.slot is not None:  # its slot is to be locked before it
            async with self._data.transaction(database.WORKER) as tx:
                return await pipeline.record(tx, item, checked)
        ready = _Ready(item=item, checked=checked, done=asyncio.get_running_loop().create_future())
        self._waiting.append(ready)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="recording")
        return await ready.done

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._all([ready for ready in batch if not ready.done.done()])
        finally:
            self._running = None

    async def _all(self, batch: Sequence[_Ready]) -> None:
        """Every `done` of the batch is set when this returns."""
        left = list(batch)
        if len(batch) > 1:
            # Whatever it is, and whosever fault: the ones that it has not recorded tell by themselves.
            with contextlib.suppress(Exception):
                left = await self._together(batch)
        await asyncio.gather(*(self._alone(ready) for ready in left))

    async def _together(self, batch: Sequence[_Ready]) -> list[_Ready]:
        """Those that it could not record: locked by somebody, not to be kept, or not published."""
        async with self._data.transaction(database.WORKER) as tx:
            free = await captures.lock_free(tx, [ready.item.media_id for ready in batch])
            ours = [ready for ready in batch if ready.item.media_id in free]
            await self._publish(ours)
            recorded = [ready for ready in ours if ready.published]
            await captures.kept_all(tx, {ready.item.media_id: ready.checked.stored for ready in recorded})
        for ready in recorded:
            _settle(ready, result=True)
        return [ready for ready in batch if ready not in recorded]

    async def _publish(self, batch: Sequence[_Ready]) -> None:
        writers = [ready.checked.writer for ready in batch]
        if writers and isinstance(writers[0], contract.TogetherWriter):
            problems = await writers[0].publish_with(writers[1:])
        else:
            ends = await asyncio.gather(*(writer.publish() for writer in writers), return_exceptions=True)
            problems = [end if isinstance(end, BaseException) else None for end in ends]
        for ready, problem in zip(batch, problems, strict=True):
            if isinstance(problem, errors.AmbrotypeError):
                _settle(ready, problem=problem)
            # Any other: it was taken back meanwhile (its capture has ended), and the same is told alone.
            ready.published = problem is None

    async def _alone(self, ready: _Ready) -> None:
        if ready.done.done():
            return
        try:
            async with self._data.transaction(database.WORKER) as tx:
                result = await pipeline.record(tx, ready.item, ready.checked, published=ready.published)
        except Exception as problem:
            _settle(ready, problem=problem)
        else:
            _settle(ready, result=result)


def _settle(ready: _Ready, *, result: bool = False, problem: Exception | None = None) -> None:
    if ready.done.done():  # its capture was cancelled
        return
    if problem is not None:
        ready.done.set_exception(problem)
    else:
        ready.done.set_result(result)
