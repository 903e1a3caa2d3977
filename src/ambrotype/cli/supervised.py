"""A child process that is started again when it dies."""

import subprocess
import threading
import time
from collections.abc import Sequence

import structlog

_LONGEST_PAUSE = 30.0
_STEADY = 60.0
"""Seconds after which a process counts as having worked."""

log = structlog.get_logger("ambrotype.cli")


class Supervised:
    """Keeps one process of a command running, with growing pauses between starts that fail.

    The child's standard input is a pipe of ours that nobody writes to: it ends when this process does, however that
    comes about. In a session of its own, so that a terminal's Ctrl-C reaches it through us alone.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self._name = name
        self._command = command
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name=f"watch {name}", daemon=True)

    def start(self) -> None:
        """Starts the first one."""
        self._thread.start()

    def stop(self) -> None:
        """Asks it to end; returns at once. May be called from a signal handler of the main thread."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()

    def kill(self) -> None:
        """Ends it now."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()

    def join(self, seconds: float) -> None:
        """Waits for its end after `stop`; ends it when it has not come within so many seconds."""
        self._thread.join(max(seconds, 0.01))
        if self._thread.is_alive():
            log.warning("ended by force", process=self._name)
            self.kill()
            self._thread.join()

    def _watch(self) -> None:
        pause = 0.5
        while not self._stopping.is_set():
            begun = time.monotonic()
            code = self._once()
            if self._stopping.is_set():
                return
            if time.monotonic() - begun > _STEADY:
                pause = 0.5
            log.error("process ended, is started again", process=self._name, exit_code=code, seconds=pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _once(self) -> int:
        with subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        ) as process:
            self._process = process
            if self._stopping.is_set():  # asked between the look at it and the start
                process.terminate()
            return process.wait()
