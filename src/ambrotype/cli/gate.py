"""Holds a server's children back until it has prepared everything: they load their code meanwhile.

A kernel lock on a file of the data folder. A parent whose start fails ends its children while they are held; one that is
killed opens the gate, and its children then see by themselves that it has gone.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ambrotype.records import cluster_locks

_NAME = "starting"


class Gate:
    """The parent's side."""

    def __init__(self, lock: cluster_locks.FileLock) -> None:
        self._lock = lock

    def open(self) -> None:
        """Lets the children go on."""
        self._lock.close()


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[Gate]:
    """Shut within the block, unless `Gate.open` is called."""
    with cluster_locks.FileLock(folder / _NAME) as lock:
        lock.wait("exclusive")
        yield Gate(lock)


def passed(folder: Path) -> None:
    """Waits until the gate opens."""
    with cluster_locks.FileLock(folder / _NAME) as lock:
        lock.wait("shared")
