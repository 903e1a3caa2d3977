"""Keeping many: accepted in batches as they are read, then waited for, with what was lost told at the end."""

import asyncio
import dataclasses
import itertools
import sys
import time
from typing import Any

import typer

from ambrotype.cli import connect, exits, inputs, options, output, progress
from ambrotype.core import errors, media, sources

BATCH = 200
WAITERS = 64
"""Items looked after at once; they settle roughly in the order of their acceptance."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options of `keep` say. `wait` is in seconds; 0 does not wait, infinity waits for all."""

    where: options.Where
    urls: tuple[str, ...]
    file: str | None
    common: dict[str, Any]
    wait: float
    as_json: bool


@dataclasses.dataclass(slots=True, kw_only=True)
class Outcome:
    """What has become of one input so far."""

    item: inputs.Item
    found: media.Media | None = None
    problem: errors.AmbrotypeError | None = None

    @property
    def source(self) -> str:
        """Which one it is, without what its URL is signed with."""
        url = self.item.fields.get("url")
        return sources.shown(url) if isinstance(url, str) else f"line {self.item.line}"

    @property
    def failure(self) -> tuple[str, str] | None:
        """Code and sentence of what went wrong."""
        if self.problem is not None:
            return self.problem.code, self.problem.detail
        if self.found is not None and self.found.lost is not None:
            return self.found.lost.code, self.found.lost.detail
        return ("expired", "Its source has died.") if self.found and self.found.status == "expired" else None


async def run(asked: Asked) -> None:
    """Keeps, prints, waits, and raises `typer.Exit` with 1 where anything failed or was not done in time."""
    if not asked.urls and asked.file is None:
        raise exits.WrongUse("Nothing to keep: give a URL, or a file of them with --from.")
    begun = time.monotonic()
    async with connect.library(asked.where, work=asked.wait > 0) as library:
        with progress.Bar() as bar:
            keeping = Keeping(library, asked, bar)
            await keeping.run()
    keeping.report(time.monotonic() - begun)


class Keeping:
    """One run of the command."""

    def __init__(self, library: connect.Library, asked: Asked, bar: progress.Bar) -> None:
        self._library = library
        self._asked = asked
        self._bar = bar
        self._outcomes: list[Outcome] = []
        self._failed: list[Outcome] = []
        self._count = self._kept = self._bytes = self._open = 0
        self._waiting: asyncio.Queue[Outcome | None] = asyncio.Queue()

    async def run(self) -> None:
        """Accepts and waits at the same time; the time to wait begins when all have been accepted."""
        async with asyncio.TaskGroup() as group:
            waiters = [group.create_task(self._look_after()) for _ in range(WAITERS if self._asked.wait else 0)]
            await self._accept_all()
            for _ in waiters:
                self._waiting.put_nowait(None)
            if waiters:
                await asyncio.wait(waiters, timeout=min(self._asked.wait, 10**8))
                for waiter in waiters:
                    waiter.cancel()
        if self._asked.as_json:
            output.json([_shown(outcome) for outcome in self._outcomes])

    async def _accept_all(self) -> None:
        items = inputs.read(self._asked.urls, self._asked.file)
        while batch := await asyncio.to_thread(lambda: list(itertools.islice(items, BATCH))):
            await self._accept([Outcome(item=item, problem=item.problem) for item in batch])

    async def _accept(self, batch: list[Outcome]) -> None:
        good = [outcome for outcome in batch if outcome.problem is None]
        found = await self._library.keep_many([outcome.item.fields for outcome in good], **self._asked.common)
        for outcome, result in zip(good, found, strict=True):
            if isinstance(result, media.Media):
                outcome.found = result
            else:
                outcome.problem = result
        self._count += len(batch)
        self._bar.expect(self._count)
        if self._asked.as_json:
            self._outcomes += batch
        else:
            self._bar.around(lambda: _print(batch))
        for outcome in batch:
            if outcome.found is not None and outcome.found.status == "keeping":
                self._open += 1
                if self._asked.wait:
                    self._waiting.put_nowait(outcome)
            else:
                self._note(outcome)

    async def _look_after(self) -> None:
        while (outcome := await self._waiting.get()) is not None:
            try:
                if outcome.found is not None:
                    outcome.found = await self._library.settled(outcome.found.id)
            except (errors.NotFound, errors.Gone) as problem:  # somebody deleted it meanwhile
                outcome.problem = problem
            self._open -= 1
            self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._failed.append(outcome)
        elif outcome.found is not None and outcome.found.status == "kept":
            self._kept += 1
            self._bytes += outcome.found.size or 0
        self._bar.settled(bytes_in=self._bytes, failed=len(self._failed), done=self._count_done())

    def _count_done(self) -> int:
        return self._count - self._open

    def report(self, seconds: float) -> None:
        """What was lost, and what is still to be done; the exit code."""
        if self._failed:
            rows = [(outcome.source, *(outcome.failure or ("", ""))) for outcome in self._failed]
            table = output.table(("source", "code", "why"), rows, grows="source")
            table.columns[2].no_wrap = False
            output.console("err").print(table)
        if self._asked.wait and (self._count > 1 or self._failed):
            output.say(
                f"{self._kept} of {self._count} kept ({output.size(self._bytes)} in {output.span(seconds)})"
                + (f", {len(self._failed)} failed." if self._failed else ".")
            )
        if self._open:
            output.say(f"{self._open} not captured yet: {self._who_goes_on()}")
        if self._failed or (self._open and self._asked.wait):
            raise typer.Exit(exits.FAILED)

    def _who_goes_on(self) -> str:
        if self._asked.where.url is not None:
            return "the server goes on with it."
        return "the worker of a running `ambrotype serve`, or else the next one, goes on with it."


def _print(batch: list[Outcome]) -> None:
    sys.stdout.writelines(f"{outcome.found.url if outcome.found else ''}\n" for outcome in batch)
    sys.stdout.flush()


def _shown(outcome: Outcome) -> dict[str, Any]:
    if outcome.problem is not None:
        return {"problem": {"code": outcome.problem.code, "detail": outcome.problem.detail}, "line": outcome.item.line}
    return {"media": outcome.found}
