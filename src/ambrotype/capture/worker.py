"""The worker: claims what is due, soonest death first, and sees each claim to its end."""

import asyncio
import contextlib
import dataclasses
import datetime
import os
import socket
from collections.abc import Sequence

import structlog

from ambrotype import tasks
from ambrotype.capture import accept, pipeline, recording, retry
from ambrotype.core import errors, expiry, ids, sources
from ambrotype.records import captures, claims, database, workers

LEASE = 30.0
"""Seconds that a claim holds without a sign of life; a dead worker's captures are taken over after that."""
BEAT = 8.0
POLL = 2.0
SOON = 0.05
GATHER = 0.001
"""Seconds between the end of a capture and the claim that fills its place, while others run."""
STORE_REST = 5.0
"""Seconds without claims after the store has failed a capture."""
STORE_WELL = 1.0
"""Seconds for which a store that took bytes is believed to take more; a write that fails says otherwise at once."""
OURS_MOST = 15.0
"""The longest rest in seconds of a capture that failed on our side: the store, the decoder."""
PER_HOST = 8
"""Captures at once from one host, over all workers."""
GRACE = 8.0
"""Seconds that running captures may take to end when the worker is asked to stop; the rest is handed back."""

_DEAD = (errors.SourceExpired, errors.SourceForbidden, errors.SourceNotFound)
"""What a provider can mend that makes a fresh URL."""

log = structlog.get_logger("ambrotype.capture")


class Worker:
    """Captures until told to stop. `wake` may be called from anywhere: something has been accepted."""

    def __init__(self, tools: pipeline.Tools, *, rules: accept.Rules, concurrency: int) -> None:
        self._tools = tools
        self._recorder = recording.Recorder(tools.data)
        self._rules = rules
        self._concurrency = concurrency
        self._lease = ids.new()
        self._running: dict[asyncio.Task[None], claims.Claim] = {}
        self._woken = asyncio.Event()
        self._around = claims.Round()
        self._paused: str | None = None
        self._rest_until = 0.0
        self._store_well_until = 0.0

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def busy(self) -> bool:
        """Something is being captured."""
        return bool(self._running)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then finishes or hands back what is running, within `GRACE` seconds."""
        beating = asyncio.ensure_future(self._beat())
        try:
            while not stop.is_set():
                self._woken.clear()
                due_in = await self._round()
                await tasks.either(self._woken, stop, timeout=due_in)
                if self._running:  # several that end at nearly the same time are followed up by one claim
                    await asyncio.sleep(GATHER)
        finally:
            await tasks.ended(beating)
            await self._hand_back()

    async def _round(self) -> float:
        """Claims what there is room for; seconds until the next look is due at the latest."""
        free = self._concurrency - len(self._running)
        if free == 0:
            return POLL
        try:
            if not await self._store_takes():
                return POLL
            claimed = await self._claim(free)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)
            return POLL
        except Exception:
            log.exception("worker's round failed")
            return POLL
        # A lease that ran out while the database was away: what still runs here goes on, under the new one.
        held = {claim.media_id for claim in self._running.values()}
        for claim in claimed:
            if claim.media_id not in held:
                task = asyncio.create_task(self._see_to(claim), name=f"capture {claim.media_id}")
                self._running[task] = claim
                task.add_done_callback(self._ended)
        return SOON if self._around.more and len(claimed) < free else POLL

    async def _claim(self, most: int) -> list[claims.Claim]:
        async with claims.claiming(self._tools.data) as tx:
            return await claims.claim(
                tx, most=most, per_host=PER_HOST, lease=self._lease, seconds=LEASE, turn=self._around
            )

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self.wake()
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("capture crashed", exc_info=problem)

    async def _store_takes(self) -> bool:
        """Whether the store can take bytes. While it can't, nothing is claimed and nothing gets lost by it."""
        now = asyncio.get_running_loop().time()
        if now < self._rest_until:
            return False
        if now < self._store_well_until:
            return True
        try:
            await self._tools.store.check()
        except errors.StoreUnavailable as problem:
            await self._pause(problem.detail)
            return False
        self._store_well_until = now + STORE_WELL
        if self._paused is not None:
            log.info("captures go on")
            self._paused = None
            await self._tell()
        return True

    async def _pause(self, why: str) -> None:
        if self._paused != why:
            log.warning("captures pause", detail=why)
            self._paused = why
            with contextlib.suppress(errors.Unavailable):  # a full disk stops both; the next beat tells
                await self._tell()

    async def _see_to(self, claim: claims.Claim) -> None:
        """One claim to its end: kept, tried again later, lost, or handed back where it was not the source's fault."""
        shown = {
            "media_id": str(claim.media_id),
            "source": sources.shown(claim.url),
            "attempt": claim.attempts,
        }
        try:
            if await pipeline.capture(claim, self._tools, self._recorder.record):
                log.info("kept", **shown)
            else:
                await self._over(claim)
        except errors.StoreUnavailable as problem:
            # A check may go well where a large file does not fit: without a rest the same one would fail at once again.
            self._rest_until = asyncio.get_running_loop().time() + STORE_REST
            self._store_well_until = 0.0
            await self._pause(problem.detail)
            await self._later(claim, problem)
        except errors.Unavailable as problem:
            log.warning("capture put off", detail=problem.detail, **shown)
            await self._later(claim, problem)
        except errors.CaptureFailed as failure:
            await self._failed(claim, failure)
        except Exception:
            log.exception("capture failed unexpectedly", **shown)
            await self._failed(claim, errors.SourceUnreachable("Ambrotype failed on this source; its log says how."))

    async def _failed(self, claim: claims.Claim, failure: errors.CaptureFailed) -> None:
        if isinstance(failure, _DEAD) and claim.generation_id is not None and self._tools.providers is not None:
            try:
                if (fresh := await self._tools.providers.renew(claim)) is not None:
                    await self._renewed(claim, fresh)
                    return
            except errors.CaptureFailed as problem:
                if problem.retry:  # the provider can't say just now, whatever the old URL's deadline
                    await self._later(claim, problem)
                    return
                failure = problem
            except errors.Unavailable as problem:
                await self._later(claim, problem)
                return
        after = retry.after(failure, attempts=claim.attempts)
        now = datetime.datetime.now(datetime.UTC)
        left = (accept.gives_up_at(claim) - now).total_seconds()
        shown = {"media_id": str(claim.media_id), "code": failure.code, "detail": failure.detail}
        try:
            async with self._tools.data.transaction(database.WORKER) as tx:
                if failure.retry and left > 0:
                    after = min(after, left)
                    await captures.again(tx, media_id=claim.media_id, lease=claim.lease, failure=failure, after=after)
                    asyncio.get_running_loop().call_later(after, self.wake)
                    log.info("capture failed, tried again", seconds=round(after, 1), **shown)
                elif await captures.lost(tx, media_id=claim.media_id, lease=claim.lease, failure=failure):
                    log.warning("lost", **shown)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)

    async def _renewed(self, claim: claims.Claim, fresh: pipeline.Renewed) -> None:
        source = dataclasses.asdict(fresh.origin)
        try:
            async with self._tools.data.transaction(database.WORKER) as tx:
                await captures.renewed(tx, media_id=claim.media_id, lease=claim.lease, source=source, after=fresh.after)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)
        else:
            log.info("source renewed", media_id=str(claim.media_id), source=sources.shown(fresh.origin.url))
            asyncio.get_running_loop().call_later(fresh.after, self.wake)

    async def _later(self, claim: claims.Claim, problem: errors.AmbrotypeError) -> None:
        """Not the source's fault: tried again whatever its deadline. Where the database is away, the lease runs out."""
        after = min(retry.after(problem, attempts=claim.attempts), OURS_MOST)
        try:
            async with self._tools.data.transaction(database.WORKER) as tx:
                await captures.again(tx, media_id=claim.media_id, lease=claim.lease, failure=problem, after=after)
        except errors.Unavailable as unavailable:
            log.warning("not possible just now", detail=unavailable.detail)
        else:
            asyncio.get_running_loop().call_later(after, self.wake)

    async def _over(self, claim: claims.Claim) -> None:
        try:
            async with self._tools.data.transaction(database.WORKER) as tx:
                await captures.over(tx, media_id=claim.media_id, lease=claim.lease)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)

    async def _return(self, unfinished: Sequence[claims.Claim]) -> None:
        try:
            async with self._tools.data.transaction(database.WORKER) as tx:
                await claims.hand_back(tx, lease=self._lease, media=[claim.media_id for claim in unfinished], attempt=1)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)

    async def _hand_back(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)
        unfinished = dict(self._running)
        await tasks.ended(*unfinished)
        if unfinished:
            await self._return(list(unfinished.values()))
        try:
            async with self._tools.data.transaction(database.WORKER) as tx:
                await workers.left(tx, self._lease)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)

    async def _beat(self) -> None:
        """Holds on to what is running, says that this worker lives, and mends timetables that somebody removed."""
        while True:
            try:
                await self._tell()
                async with self._tools.data.transaction(database.WORKER) as tx:
                    held = [claim.media_id for claim in self._running.values()]
                    if held:
                        await claims.extend(tx, lease=self._lease, media=held, seconds=LEASE)
                    await reschedule(tx, self._rules)
                self.wake()
            except errors.Unavailable as problem:
                log.warning("not possible just now", detail=problem.detail)
            except Exception:
                log.exception("worker's round failed")
            await asyncio.sleep(BEAT)

    async def _tell(self) -> None:
        async with self._tools.data.transaction(database.WORKER) as tx:
            await workers.seen(
                tx,
                worker=self._lease,
                host=socket.gethostname(),
                pid=os.getpid(),
                state="paused" if self._paused else "running",
                detail=self._paused,
            )


async def reschedule(tx: database.Transaction, rules: accept.Rules) -> int:
    """Makes the timetables of promised items again that have none, whoever removed them; how many."""
    now = datetime.datetime.now(datetime.UTC)
    found = await captures.unscheduled(tx, most=1000)
    for row in found:
        end = expiry.read(row["source_url"], now=now, told=row["source_expires_at"], retention=rules.retention)
        assumed = row["source_expiry_rule"].startswith("provider-policy")
        await captures.reschedule(
            tx,
            media_id=row["id"],
            owner_id=row["owner_id"],
            url=row["source_url"],
            host=sources.host(row["source_url"]),
            deadline=row["source_expires_at"] or end.at or now + accept.NEVER,
            assumed=assumed,
        )
    return len(found)
