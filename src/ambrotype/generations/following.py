"""The follower: submits what is queued and asks how the rest stands, each job at its provider's pace, until told to stop.

One claim for all that is due, and one statement for all that has not changed: following a thousand jobs is mostly the
requests themselves. A webhook makes a job due earlier; where webhooks are expected the polls below them are fewer.
"""

import asyncio
import contextlib
import datetime
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from ambrotype import tasks
from ambrotype.core import errors, ids
from ambrotype.generations import calling, configured, ending, submitting
from ambrotype.generations import inputs as inputs_
from ambrotype.providers import contract
from ambrotype.records import database, generations
from ambrotype.records import following as rows

LEASE = 60.0
"""Seconds that a claim holds without a sign of life."""
BEAT = 15.0
POLL = 2.0
TICK = 0.2
"""Seconds between two claims at the least, while nothing new is told: what is due meanwhile is claimed together."""
GATHER = 0.05
"""Seconds in which jobs that go on are gathered into one statement."""
SUBMITS, POLLS = 32, 64
"""At once to one provider, of one worker."""
GRACE = 8.0
SLOWEST = 60.0
"""Seconds between two polls at the most: a job that has run for long is asked for less often."""
HOOKED = 6.0
"""By how much polls are fewer where webhooks are expected."""
MOST_WAIT = 300.0
RESUBMITS = 8
SETTLING_IN = 60.0
"""Seconds in which a provider may not know yet what it has just taken."""
GONE = 24 * 3600.0
"""Seconds without a good answer after which a provider counts as gone."""
OURS_MOST = 15.0
_ENDED = ("completed", "failed", "cancelled")
_PASSING = ("unauthenticated", "forbidden", "rate_limited", "quota_exceeded", "unavailable", "timeout", "invalid_reply")
"""Failures of asking that say nothing about the job."""

log = structlog.get_logger("ambrotype.generations")

Price = Callable[[contract.Provider, rows.Held, contract.Progress], Mapping[str, Any] | None]


class Follower:
    """Follows until told to stop. `wake` may be called from anywhere."""

    def __init__(
        self,
        *,
        providers: configured.Providers,
        caller: calling.Caller,
        outputs: ending.Tools,
        inputs: inputs_.Tools,
        price: Price,
    ) -> None:
        self._data = outputs.capture.data
        self._providers, self._caller = providers, caller
        self._outputs, self._inputs, self._price = outputs, inputs, price
        self._lease = ids.new()
        self._running: dict[asyncio.Task[None], rows.Held] = {}
        self._turns: list[dict[str, Any]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._seen: dict[uuid.UUID, frozenset[str]] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then finishes or hands back what is running, within `GRACE` seconds."""
        beating = asyncio.create_task(self._beat(), name="followings")
        try:
            while not stop.is_set():
                self._woken.clear()
                due_in = await self._round()
                await tasks.either(self._woken, stop, timeout=due_in)
        finally:
            await tasks.ended(beating)
            await self._hand_back()

    async def _round(self) -> float:
        """Claims what there is room for; seconds until the next look."""
        room = self._room()
        names = list(self._providers.adapters)
        if not names:
            return MOST_WAIT
        try:
            async with self._data.transaction(database.WORKER) as tx:
                held = await rows.claim(tx, room=room, lease=self._lease, seconds=LEASE)
                due_in = await rows.next_due(tx, names)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)
            return POLL
        except Exception:
            log.exception("follower's round failed")
            return POLL
        for one in held:
            work = self._submit(one) if one.phase == "submit" else self._follow(one)
            task = asyncio.create_task(self._guarded(one, work), name=f"generation {one.id}")
            self._running[task] = one
            task.add_done_callback(self._ended)
        return POLL if due_in is None else min(max(due_in, TICK), POLL)

    def _room(self) -> list[tuple[rows.Phase, str, int]]:
        busy: dict[tuple[str, str], int] = {}
        for one in self._running.values():
            busy[one.phase, one.provider] = busy.get((one.phase, one.provider), 0) + 1
        room: list[tuple[rows.Phase, str, int]] = []
        for name in self._providers.adapters:
            room.append(("submit", name, SUBMITS - busy.get(("submit", name), 0)))
            room.append(("poll", name, POLLS - busy.get(("poll", name), 0)))
        return [one for one in room if one[2] > 0]

    def _ended(self, task: asyncio.Task[None]) -> None:
        one = self._running.pop(task)
        if len(self._running) in (SUBMITS - 1, POLLS - 1) or one.phase == "submit":
            self.wake()
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("following crashed", exc_info=problem)

    async def _guarded(self, held: rows.Held, work: Any) -> None:
        try:
            await work
        except errors.AmbrotypeError as problem:
            log.warning("generation put off", generation_id=str(held.id), detail=problem.detail)
            await self._again(held, min(2.0**held.attempts, OURS_MOST))
        except Exception:
            log.exception("generation failed unexpectedly", generation_id=str(held.id))
            await self._again(held, MOST_WAIT)

    # Submitting

    async def _submit(self, held: rows.Held) -> None:
        provider = self._providers.adapters[held.provider]
        if held.begun_at is not None:
            if await submitting.unanswered(self._data, self._outputs, held):
                self.wake()
            return
        try:
            inputs = await submitting.prepare(self._data, self._inputs, provider, held)
        except inputs_.NotYet:
            await self._again(held, 1.0)
            return
        except inputs_.Unusable as problem:
            await submitting.fail(self._outputs, held, problem.failure)
            return
        token = await submitting.begin(self._data, held)
        if token is None:
            await self._release(held)
            return
        public_url = self._inputs.public_url
        job = submitting.job_of(held, inputs, provider=provider, public_url=public_url, token=token)
        try:
            progress = await submitting.send(self._caller, provider, job)
        except contract.Refused as refused:
            await self._refused_submission(held, refused)
        except Exception:
            log.exception("submission failed unexpectedly", generation_id=str(held.id))
            await submitting.unanswered(self._data, self._outputs, held)
        else:
            log.info("submitted", generation_id=str(held.id), provider=held.provider)
            await self._written(held, provider, progress)

    async def _refused_submission(self, held: rows.Held, refused: contract.Refused) -> None:
        shown = {"generation_id": str(held.id), "code": refused.failure.code, "detail": refused.failure.detail}
        if refused.unknown:
            log.warning("submission unknown", **shown)
            await submitting.unanswered(self._data, self._outputs, held)
        elif refused.again and held.attempts < RESUBMITS:
            log.info("submission refused, tried again", **shown)
            async with self._data.transaction(database.WORKER) as tx:
                await generations.not_begun(tx, held.id)
            await self._again(held, max(refused.after or 0.0, min(2.0**held.attempts, MOST_WAIT)))
        else:
            log.info("submission refused", **shown)
            await submitting.fail(self._outputs, held, refused.failure)

    # Following

    async def _follow(self, held: rows.Held) -> None:
        provider = self._providers.adapters[held.provider]
        job_id = held.provider_job_id
        assert job_id is not None
        try:
            if held.cancel_at is not None:
                stopped = await self._caller.run(
                    provider, provider.cancel(job_id, held.handle or {"model": held.model})
                )
                if stopped is not None:
                    await self._told(held, provider, stopped)
                else:
                    self._goes_on(held, provider, None)
                return
            progress = await self._caller.run(provider, provider.follow(job_id, held.handle or {"model": held.model}))
        except contract.Refused as refused:
            await self._refused(held, provider, refused)
        else:
            await self._told(held, provider, progress)

    async def _told(self, held: rows.Held, provider: contract.Provider, progress: contract.Progress) -> None:
        keys = frozenset(ending.keyed(progress.outputs))
        if progress.status in _ENDED or not keys <= self._seen.get(held.id, frozenset()):
            await self._written(held, provider, progress)
        else:
            self._goes_on(held, provider, progress)

    async def _refused(self, held: rows.Held, provider: contract.Provider, refused: contract.Refused) -> None:
        failure = refused.failure
        now = datetime.datetime.now(datetime.UTC)
        young = held.begun_at is not None and (now - held.begun_at).total_seconds() < SETTLING_IN
        passing = refused.again or failure.code in _PASSING or (failure.code == "provider_gone" and young)
        silent = (now - held.heard_at).total_seconds()
        if passing and silent < GONE:
            wait = max(
                refused.after or 0.0, provider.pace, min(provider.pace * 2.0 ** min(held.attempts, 10), MOST_WAIT)
            )
            await self._again(held, wait * random.uniform(1.0, 1.1))
            return
        if passing:
            failure = contract.Failure(
                code="provider_gone",
                detail=f"{provider.name} has not answered for {silent / 3600:.0f} hours. Its last words: {failure.detail}",
                retryable=True,
            )
        log.info("generation failed", generation_id=str(held.id), code=failure.code, detail=failure.detail)
        await submitting.fail(self._outputs, held, failure)

    async def _written(self, held: rows.Held, provider: contract.Provider, progress: contract.Progress) -> None:
        """Writes the provider's word down, however often that takes: the bytes in an answer are nowhere else."""
        word = ending.said(provider, progress, self._price(provider, held, progress))
        after = self._pause(held, provider)
        for tried in range(1_000_000):
            try:
                status = await ending.settle(self._outputs, held.id, word, after=after)
            except (errors.Unavailable, errors.StoreUnavailable) as problem:
                log.warning("an answer waits to be written", generation_id=str(held.id), detail=problem.detail)
                await asyncio.sleep(min(0.5 * 2.0 ** min(tried, 6), OURS_MOST))
                continue
            break
        if status in _ENDED or status is None:
            self._seen.pop(held.id, None)
            log.info("generation ended", generation_id=str(held.id), status=status)
        else:
            self._seen[held.id] = frozenset(ending.keyed(progress.outputs))

    # Turns

    def _goes_on(self, held: rows.Held, provider: contract.Provider, progress: contract.Progress | None) -> None:
        """Asked again later; written together with others."""
        told = progress.progress if progress is not None else None
        handle = {**held.handle, **progress.handle} if progress is not None and progress.handle else held.handle
        moves = progress is not None and progress.status == "processing" and held.status == "queued"
        self._turns.append(
            {
                "id": held.id,
                "after": self._pause(held, provider),
                "pace": provider.pace,
                "progress": min(max(told, 0.0), 1.0) if told is not None and told != held.progress else None,
                "status": "processing" if moves else None,
                "handle": dict(handle) if handle != held.handle else None,
            }
        )
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="following turns")

    async def _flush(self) -> None:
        await asyncio.sleep(GATHER)
        turns, self._turns, self._flushing = self._turns, [], None
        try:
            async with self._data.transaction(database.WORKER) as tx:
                await rows.unchanged(tx, lease=self._lease, turns=turns)
        except errors.Unavailable as problem:
            log.warning("not possible just now", detail=problem.detail)  # their leases run out
        except Exception:
            log.exception("following turns failed")

    def _pause(self, held: rows.Held, provider: contract.Provider) -> float:
        """Seconds until the job is asked for again: never less than the provider's pace."""
        age = (datetime.datetime.now(datetime.UTC) - held.created_at).total_seconds()
        hooked = provider.hooks and configured.reaches(provider, self._inputs.public_url)
        wait = max(provider.pace, min(age * 0.05, SLOWEST))
        if hooked:
            wait = max(wait, min(provider.pace * HOOKED, SLOWEST))
        return wait * random.uniform(1.0, 1.1)

    async def _again(self, held: rows.Held, after: float) -> None:
        with contextlib.suppress(errors.Unavailable):  # its lease runs out
            async with self._data.transaction(database.WORKER) as tx:
                await rows.again(tx, generation_id=held.id, lease=self._lease, after=after)

    async def _release(self, held: rows.Held) -> None:
        async with self._data.transaction(database.WORKER) as tx:
            await rows.hand_back(tx, lease=self._lease, ids=[held.id])

    async def _beat(self) -> None:
        """Holds on to what is running; frees what dead workers held; mends timetables; gives up on deserted jobs."""
        while True:
            try:
                async with self._data.transaction(database.WORKER) as tx:
                    held = [one.id for one in self._running.values()]
                    if held:
                        await rows.extend(tx, lease=self._lease, ids=held, seconds=LEASE)
                    freed = await rows.free(tx) + await rows.mend(tx)
                    await rows.forget_hooks(tx, seconds=GONE)
                    deserted = await rows.deserted(tx, list(self._providers.adapters), seconds=GONE, most=100)
                    for one in deserted:
                        await _desert(tx, one)
                if freed:
                    self.wake()
            except errors.Unavailable as problem:
                log.warning("not possible just now", detail=problem.detail)
            except Exception:
                log.exception("follower's beat failed")
            await asyncio.sleep(BEAT)

    async def _hand_back(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)
        unfinished = dict(self._running)
        await tasks.ended(*unfinished)
        if self._flushing is not None:
            await asyncio.wait([self._flushing], timeout=1.0)
        if unfinished:
            with contextlib.suppress(errors.Unavailable):
                async with self._data.transaction(database.WORKER) as tx:
                    await rows.hand_back(tx, lease=self._lease, ids=[one.id for one in unfinished.values()])


async def _desert(tx: database.Transaction, generation_id: uuid.UUID) -> None:
    row = await generations.lock(tx, generation_id)
    if row is not None and row["status"] in ("queued", "processing"):
        values = {
            "status": "failed",
            "error_code": "provider_gone",
            "error_detail": f"The provider {row['provider']!r} has not been configured here for a day.",
            "error_retryable": True,
        }
        await generations.end(tx, generation_id, values)
    await rows.over(tx, generation_id)
