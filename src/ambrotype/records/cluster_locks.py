"""Kernel locks (`flock`) on files. A process that dies in any way gives its locks back."""

import fcntl
import os
import weakref
from pathlib import Path
from typing import Literal

_open: weakref.WeakSet["FileLock"] = weakref.WeakSet()


def open_own(path: Path, flags: int) -> int:
    """Opens a private file, made if missing, and never through a symbolic link.

    As root the new file gets the owner of its folder, who must be able to use it later without being root.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0 and os.fstat(descriptor).st_uid == 0:
        folder = path.parent.stat()
        if folder.st_uid != 0:
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


class FileLock:
    """One lock on one file. Child processes do not inherit it unless it is handed on to them."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = open_own(path, os.O_RDWR)
        self._handed_on = False
        _open.add(self)

    def take(self, kind: Literal["shared", "exclusive"]) -> bool:
        """Takes the lock without waiting; False if others hold it."""
        wanted = fcntl.LOCK_SH if kind == "shared" else fcntl.LOCK_EX
        try:
            fcntl.flock(self.fileno(), wanted | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self, kind: Literal["shared", "exclusive"]) -> None:
        """Takes the lock, however long others hold it."""
        fcntl.flock(self.fileno(), fcntl.LOCK_SH if kind == "shared" else fcntl.LOCK_EX)

    def hand_on(self) -> int:
        """The descriptor, for a child to inherit: the lock is held until the child, too, has closed it."""
        self._handed_on = True
        return self.fileno()

    def close(self) -> None:
        """Gives the lock back; harmless twice."""
        if self._descriptor is not None and not self._handed_on:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # at once, though a child just forked may have a copy
        self.forget()

    def forget(self) -> None:
        """Closes this process's descriptor only: a forked child must not give back its parent's lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def fileno(self) -> int:
        """Of the open file; ValueError once closed."""
        if self._descriptor is None:
            raise ValueError("The lock is closed.")
        return self._descriptor

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _forget_all() -> None:
    for lock in list(_open):
        lock.forget()


# A child made by a bare fork would share the parent's locks and keep them alive after the parent's death.
os.register_at_fork(after_in_child=_forget_all)
