"""A bar on stderr, where that is a terminal."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich import console as consoles
from rich import progress

from ambrotype.cli import output


class Bar:
    """How many of how many, how fast, how long yet, and how many failed. Without a terminal it shows nothing."""

    def __init__(self) -> None:
        console = consoles.Console(stderr=True)
        self._live = progress.Progress(
            progress.BarColumn(bar_width=None),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rates]}"),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("[red]{task.fields[failed]}"),
            console=console,
            disable=not console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )
        self._task = self._live.add_task("", total=None, rates="", failed="")
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def expect(self, total: int) -> None:
        """So many there are, as far as is known."""
        self._live.update(self._task, total=total)

    def settled(self, *, done: int, bytes_in: int, failed: int) -> None:
        """So many are settled, with so many bytes in all."""
        seconds = max(time.monotonic() - self._begun, 0.001)
        self._live.update(
            self._task,
            completed=done,
            rates=f"{done / seconds:.1f}/s {output.size(round(bytes_in / seconds))}/s",
            failed=f"{failed} failed" if failed else "",
        )

    def around(self, act: Callable[[], None]) -> None:
        """Does what prints to a terminal that the bar may be on."""
        if not sys.stdout.isatty() or self._live.disable:
            act()
            return
        self._live.stop()
        act()
        self._live.start()
