"""Holds a server's children back until it has prepared everything: they load their code meanwhile.

A kernel lock on a file of the data folder, with one word in it. A parent that dies opens the gate; its children then see
by themselves that it has gone.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ambrotype.records import cluster_locks

OPEN = b"open"
_NAME = "starting"


class Gate:
    """The parent's side."""

    def __init__(self, lock: cluster_locks.FileLock) -> None:
        self._lock = lock

    def open(self) -> None:
        """Lets the children go on."""
        self._lock.write(OPEN)
        self._lock.close()


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[Gate]:
    """Shut within the block, unless `Gate.open` is called; children that are still held at its end go home."""
    with cluster_locks.FileLock(folder / _NAME) as lock:
        lock.wait("exclusive")
        lock.write(b"")
        yield Gate(lock)


def passed(folder: Path) -> None:
    """Waits until the gate opens; ends this process where the server did not come up."""
    with cluster_locks.FileLock(folder / _NAME) as lock:
        lock.wait("shared")
        said = os.pread(lock.fileno(), len(OPEN), 0)
    if said != OPEN:
        sys.exit(0)
