"""Processes that are killed, and started again as a supervisor would."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 30.0


class Program:
    """`python -m …`, as often as it is started. Its output goes to the end of `log`."""

    def __init__(self, *command: str, environment: Mapping[str, str], log: Path) -> None:
        self.wanted = True
        """Whether a supervisor starts it again."""
        self._command = [sys.executable, "-m", *command]
        self._environment, self._log = environment, log
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as out:
            return subprocess.Popen(
                self._command,
                cwd=_ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def revive(self) -> None:
        """Starts it again if it has ended."""
        if self.wanted and not self.runs:
            self._forget()
            self.process = self._started()

    def tree(self) -> list[psutil.Process]:
        """It and its children, without PostgreSQL, which only happens to be started by it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            return [root, *(child for child in root.children(recursive=True) if not _postgres(child))]
        return []

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL for all of it, as for a container."""
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(_PATIENCE)

    def end(self) -> None:
        self.wanted = False
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_PATIENCE)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._forget()

    def _forget(self) -> None:
        self.process.wait(_PATIENCE)
        if self.process.stdin is not None:
            self.process.stdin.close()


def _postgres(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "postgres" in process.name()
    return False


def postgres(data: Path) -> list[psutil.Process]:
    """PostgreSQL's processes of a data folder, the postmaster first."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, FileNotFoundError):
            if process.cwd() == str(data / "postgres") and _postgres(process):
                found.append((process.cmdline()[0].startswith("postgres: "), process.pid, process))
    return [process for _, _, process in sorted(found)]
