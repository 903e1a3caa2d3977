"""The inspections' loop: takes kept items whose file nobody has looked into, again and again."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from ambrotype.core import errors
from ambrotype.library import inspection
from ambrotype.records import database, inspections

LEASE = 900.0
"""Seconds that a claim holds: longer than three looks that each run out of time, and a copy."""
AT_ONCE = 2
POLL = 5.0
PAUSE = 30.0
"""Seconds after which an inspection is tried again that could not be done."""
TRIES = 3
COURTESY = 10.0

log = structlog.get_logger("ambrotype.inspection")


class Inspecting:
    """Inspects until cancelled. `wake` may be called from the loop's thread: something has been kept."""

    def __init__(self, tools: inspection.Tools) -> None:
        self._tools = tools
        self._woken = asyncio.Event()
        self._busy: Callable[[], bool] = lambda: False

    def give_way(self, busy: Callable[[], bool]) -> None:
        """Rests while `busy` says so, `COURTESY` seconds at a time: what a source may still lose goes first."""
        self._busy = busy

    def wake(self) -> None:
        self._woken.set()

    async def forever(self) -> None:
        while True:
            self._woken.clear()
            more = False
            await self._turn()
            try:
                more = await self.round()
            except errors.Unavailable as problem:
                log.warning("not possible just now", detail=problem.detail)
            except Exception:
                log.exception("inspections failed")
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + COURTESY
        while self._busy() and loop.time() < end:
            await asyncio.sleep(0.1)

    async def round(self) -> bool:
        """Inspects a few items; whether there were any."""
        async with self._tools.data.transaction(database.WORKER) as tx:
            claims = await inspections.claim(tx, most=AT_ONCE, seconds=LEASE)
            if not claims:
                await inspections.forget(tx)
        try:
            ends = await asyncio.gather(*(self._see_to(claim) for claim in claims), return_exceptions=True)
        except asyncio.CancelledError:
            with contextlib.suppress(errors.Unavailable):
                await self._put_off(claims, seconds=0, attempt=1)
            raise
        for end in ends:
            if isinstance(end, BaseException):  # a claim that could not even be given back: it runs out by itself
                log.warning("inspection left behind", exc_info=end)
        return bool(claims)

    async def _see_to(self, claim: inspections.Claim) -> None:
        """One item to its end, or put off. What is not the file's fault is no try."""
        try:
            if not await self._inspected(claim):
                await self._put_off([claim], seconds=PAUSE * claim.attempts, attempt=0)
        except (errors.StoreUnavailable, errors.Unavailable) as problem:
            log.warning("inspection put off", media_id=str(claim.media_id), detail=problem.detail)
            await self._put_off([claim], seconds=PAUSE, attempt=1)
        except errors.AmbrotypeError as problem:
            await self._failed(claim, problem.detail)
        except Exception:
            log.exception("inspection failed unexpectedly", media_id=str(claim.media_id))
            await self._failed(claim, "Ambrotype failed on this file; its log says how.")

    async def _inspected(self, claim: inspections.Claim) -> bool:
        try:
            return await inspection.inspect(claim, self._tools, last=claim.attempts >= TRIES)
        except (errors.NotFound, OSError):
            await self._tools.store.check()  # where the whole store is away, nothing is said about the file
            raise

    async def _failed(self, claim: inspections.Claim, detail: str) -> None:
        log.warning("inspection failed", media_id=str(claim.media_id), detail=detail)
        if claim.attempts < TRIES:
            await self._put_off([claim], seconds=PAUSE * claim.attempts, attempt=0)
            return
        async with self._tools.data.transaction(database.WORKER) as tx:
            await inspections.failed(tx, claim.media_id, detail=detail[:1000])

    async def _put_off(self, claims: list[inspections.Claim], *, seconds: float, attempt: int) -> None:
        async with self._tools.data.transaction(database.WORKER) as tx:
            ids = [claim.media_id for claim in claims]
            await inspections.put_off(tx, ids, seconds=seconds, attempt=attempt)
