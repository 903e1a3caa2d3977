"""Runs the real commands."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

AMBROTYPE = [sys.executable, "-m", "ambrotype.cli"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The whole of stdout."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one line that an error is."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("Error: ")
        return lines[0].removeprefix("Error: ")


def environment(**settings: str) -> dict[str, str]:
    """The test's own, without settings, and with these."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AMBROTYPE_")}
    return plain | {f"AMBROTYPE_{name.upper()}": value for name, value in settings.items()}


def run(*arguments: str | Path, cwd: Path, given: str = "", **settings: str) -> Ended:
    """One command to its end, in the folder `cwd`; `given` is its standard input."""
    ended = subprocess.run(
        [*AMBROTYPE, *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(**settings),
        timeout=120,
    )
    return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)


async def ran(*arguments: str | Path, cwd: Path, given: str = "", **settings: str) -> Ended:
    """The same while this event loop goes on: the simulator lives in it."""
    return await asyncio.to_thread(run, *arguments, cwd=cwd, given=given, **settings)


class Running:
    """A command that goes on until it is told to end."""

    def __init__(self, *arguments: str | Path, cwd: Path, **settings: str) -> None:
        self.log = cwd / f"stderr-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*AMBROTYPE, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=cwd,
                env=environment(**settings),
                start_new_session=True,
            )

    def line(self) -> str:
        """The next line of stdout; fails with what the command said if there is none."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return line

    def family(self) -> list[psutil.Process]:
        """Its processes, itself included."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def end(self) -> None:
        """After the test, whatever came of it; politely first, so that no PostgreSQL stays."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                for member in self.family():
                    member.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def left_of(family: Sequence[psutil.Process], *, patience: float = 0) -> list[str]:
    """The command lines of those that still live after so many seconds; who only waits to be reaped does not."""
    until = time.monotonic() + patience
    while True:
        alive = [process for process in family if _lives(process)]
        if not alive or time.monotonic() > until:
            return [" ".join(_arguments(process)) for process in alive]
        time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def of_folder(folder: Path) -> list[psutil.Process]:
    """The processes that were started for a data folder: PostgreSQL's above all."""
    return [
        process
        for process in psutil.process_iter()
        if any(str(folder) in argument for argument in _arguments(process)) and process.pid != os.getpid()
    ]


def _arguments(process: psutil.Process) -> Sequence[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return ()
