"""Brings webhooks, each when it is due by the simulator's clock. One task waits for the next of all jobs."""

import asyncio
import contextlib
import dataclasses
import heapq
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

import aiohttp
import orjson

from ambrotype.core import errors
from ambrotype.simulator.providers import book, plan

AGE = 900
"""Seconds that an old webhook is behind: three times what receivers allow."""

TRIES = 5
PAUSE = 1.0
"""Seconds before the second try; each further one waits twice as long. The vendors' first pauses are longer."""

AT_ONCE = 64
"""Deliveries under way."""


class Seal(Protocol):
    """A vendor's signature: headers."""

    def __call__(self, *, secret: str, id: str, stamp: int, body: bytes) -> Mapping[str, str]: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Letter:
    """What a provider tells of an event: to where, what, and how it signs. `forge` gives what a liar would sign with."""

    url: str
    id: str
    document: Mapping[str, Any]
    seal: Seal
    secret: str
    forge: Callable[[], str]
    lie: Mapping[str, Any] | None = None
    """What a liar would tell where nothing is signed."""


Compose = Callable[[book.Job, str], list[Letter]]
"""Job and event into letters; none where the job has no receiver."""


class Courier:
    """Works while `open` lasts."""

    def __init__(self, records: book.Book) -> None:
        self._book = records
        self._due: list[tuple[float, int, book.Job, str, Compose]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Delivers while the block runs; what is under way at its end is dropped."""
        connector = aiohttp.TCPConnector(limit=AT_ONCE, ssl=False)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15)) as session:
            self._session, self._loop = session, asyncio.get_running_loop()
            waiting = asyncio.create_task(self._wait())
            try:
                yield
            finally:
                tasks = {waiting, *self._under_way}
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._session = self._loop = None

    def wake(self) -> None:
        """The clock has been moved; says so from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._changed.set)

    def schedule(self, job: book.Job, when: float, event: str, compose: Compose) -> None:
        """Tells `event` at `when` (the simulator's clock). The last word on a job, `completed`, is told once only."""
        heapq.heappush(self._due, (when, next(self._order), job, event, compose))
        self._changed.set()

    async def until(self, job: book.Job, seconds: float) -> None:
        """Waits until the job has ended, at most so many seconds by the simulator's clock."""
        until = self._book.now() + seconds
        while not job.over(self._book.now()) and self._book.now() < until:
            await asyncio.sleep(max(0.005, min(0.1, min(job.ends, until) - self._book.now())))

    async def tell(self, job: book.Job, event: str, compose: Compose) -> None:
        """Delivers one event now, every delivery of the job's plan in turn."""
        if event == "completed":
            if job.told:
                return
            job.told = True
        letters = compose(job, event)
        job.about["letters"] = letters
        for letter in letters:
            for kind in job.plan.webhook:
                await self.send(job, event, kind, letter)

    async def repeat(self, job: book.Job, deliveries: str) -> None:
        """Sends the last letters of the job again, with the same ids; `errors.InvalidRequest` where it had none yet."""
        kinds = plan.read({"webhook": deliveries})["webhook"]
        if not job.about.get("letters"):
            raise errors.InvalidRequest("This job has told nobody anything yet.")
        for letter in job.about["letters"]:
            for kind in kinds:
                await self.send(job, "completed", kind, letter)

    async def send(self, job: book.Job, event: str, kind: str, letter: Letter) -> None:
        """One delivery, tried again while the receiver fails. A forged one is not: liars do not insist."""
        for attempt in range(TRIES):
            told = book.Delivery(at=self._book.real(), event=event, kind=kind, id=letter.id)
            job.deliveries.append(told)
            async with self._room:
                told.status = await self._post(letter, kind)
            if 200 <= told.status < 300 or kind != "normal" or job.deleted:
                return
            await asyncio.sleep(PAUSE * 2**attempt)

    async def _post(self, letter: Letter, kind: str) -> int:
        assert self._session is not None
        body = orjson.dumps(letter.lie if kind == "forged" and letter.lie is not None else letter.document)
        stamp = int(self._book.real()) - (AGE if kind == "old" else 0)
        secret = letter.forge() if kind == "forged" else letter.secret
        sealed = {} if kind == "unsigned" else letter.seal(secret=secret, id=letter.id, stamp=stamp, body=body)
        headers = {"Content-Type": "application/json", "User-Agent": "simulated-provider/1.0", **sealed}
        try:
            async with self._session.post(letter.url, data=body, headers=headers, allow_redirects=False) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0

    async def _wait(self) -> None:
        while True:
            self._changed.clear()
            now = self._book.now()
            while self._due and self._due[0][0] <= now:
                _, _, job, event, compose = heapq.heappop(self._due)
                if not job.deleted and self._holds(job, event, now):
                    self._start(self.tell(job, event, compose))
            pause = min(3600.0, max(0.005, self._due[0][0] - now)) if self._due else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for of Python 3.11 can swallow the cancellation
                    await self._changed.wait()

    def _holds(self, job: book.Job, event: str, now: float) -> bool:
        """What was to be told of a job at work is not told of one that was cancelled."""
        return event == "completed" or job.cancelled is None or now < job.cancelled

    def _start(self, telling: Any) -> None:
        task = asyncio.ensure_future(telling)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


def letter_id() -> str:
    """Of a message; repetitions of a message keep it."""
    return f"msg_{uuid.uuid4().hex}"
