"""Runs a command's coroutine so that signals and closed pipes end it tidily."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer
import uvloop

from ambrotype.cli import exits

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in which SIGTERM unwinds as Ctrl-C does: what is open is closed, and the exit code tells.

    On uvloop: a worker spends much of its time in the event loop.
    """

    async def guarded() -> T:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _current().cancel)
        return await main

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(guarded())
    except asyncio.CancelledError:
        raise typer.Exit(exits.TERMINATED) from None
    except BaseExceptionGroup as group:
        raise _first(group) from None
    except BrokenPipeError:
        exits.silence()
        raise typer.Exit(exits.BROKEN_PIPE) from None


def on_stop(act: Callable[[], None]) -> None:
    """Calls `act` at the first SIGTERM or SIGINT, and cancels the running task at the second."""
    loop, task = asyncio.get_running_loop(), _current()
    asked = False

    def handle() -> None:
        nonlocal asked
        if asked:
            task.cancel()
        asked = True
        act()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle)


def _first(problem: BaseException) -> BaseException:
    """What went wrong first, of tasks that failed together."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return problem


def _current() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("Only a coroutine can ask which task it runs in.")
    return task
