"""The folders of a local store: reached name by name, never through a symbolic link, durable once made."""

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from ambrotype.core import errors

MARKER = ".ambrotype-store"
DRAFTS = ".tmp"
_NOTE = "Ambrotype keeps originals here. This file shows that the right disk is mounted: leave it.\n"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o750
_MAX_KNOWN = 100_000


@contextlib.contextmanager
def failures(root: Path) -> Iterator[None]:
    """Turns what the operating system says into `errors.StoreUnavailable`."""
    try:
        yield
    except OSError as error:
        raise errors.StoreUnavailable(_sentence(root, error)) from error


def _sentence(root: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC:
            return f"The disk of {root} is full; free some space or move the store to a larger disk."
        case errno.EDQUOT:
            return f"The disk quota of {root} is used up; raise it or free some space."
        case errno.EROFS:
            return f"The disk of {root} is read-only; look for disk errors and mount it writable."
        case errno.EIO:
            return f"The disk of {root} reports an input/output error; check the disk before going on."
        case errno.EACCES | errno.EPERM:
            return f"The store folder {root} may not be used by this user; give it to user {os.geteuid()}."
        case errno.EXDEV:
            return f"A folder in {root} lies on another disk than the rest; a store is one file system."
    return f"The store folder {root} can't be used: {os.strerror(error.errno or 0)}."


class Tree:
    """All folders below `root`. Blocking; safe to use from several threads and processes.

    `memory` is a folder outside of `root` that remembers that `root` was in use, so that an unmounted disk,
    whose empty mount point looks like a store that was never used, is noticed also after a restart.
    """

    def __init__(self, root: Path, *, memory: Path | None = None) -> None:
        self.root = Path(os.path.realpath(root))
        self._memory = memory and memory / hashlib.sha256(os.fsencode(self.root)).hexdigest()[:32]
        self._seen = False
        self._beginning = threading.Lock()
        self._durable: set[tuple[str, ...]] = set()

    @contextlib.contextmanager
    def entered(self) -> Iterator[int]:
        """The root's descriptor, its marker seen; begins the store at its very first use."""
        if not self._seen:
            self._begin()
        at = self._open_root()
        try:
            yield at
        finally:
            os.close(at)

    def _open_root(self) -> int:
        try:
            at = os.open(self.root, _FOLDER)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._missing() from error
        try:
            os.stat(MARKER, dir_fd=at, follow_symlinks=False)
        except OSError as error:
            os.close(at)
            if isinstance(error, FileNotFoundError):
                raise self._missing() from error
            raise
        return at

    def _missing(self) -> errors.StoreUnavailable:
        return errors.StoreUnavailable(
            f"The store folder {self.root} held a store before, but its marker is gone: mount its disk"
            f" (or, if the folder is the right one, create the empty file {self.root / MARKER})."
        )

    def _begin(self) -> None:
        with self._beginning:
            if self._seen:
                return
            marker = self.root / MARKER
            if not marker.exists():
                if self._memory is not None and self._memory.exists():
                    raise self._missing()
                _make_durably(self.root)
                _write_durably(marker, _NOTE)
            if self._memory is not None and not self._memory.exists():
                _make_durably(self._memory.parent)
                _write_durably(self._memory, f"{self.root}\n")
            self._seen = True

    @contextlib.contextmanager
    def folder(self, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """The descriptor of a folder below the root.

        With `make`, missing ones are made, and the whole way to it is durable. Else FileNotFoundError.
        """
        with self.entered() as root:
            at = os.dup(root)
            try:
                for depth in range(1, len(names) + 1):
                    below = self._step(at, tuple(names[:depth]), make=make)
                    os.close(at)
                    at = below
                yield at
            finally:
                os.close(at)

    def _step(self, at: int, trail: tuple[str, ...], *, make: bool) -> int:
        if make and trail not in self._durable:
            self._make(at, trail)
        try:
            return os.open(trail[-1], _FOLDER, dir_fd=at)
        except FileNotFoundError:
            if not make:
                raise
            self._make(at, trail)  # somebody removed it since
            return os.open(trail[-1], _FOLDER, dir_fd=at)
        except OSError as error:
            if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            refuse_link(at, trail[-1])
            if make:
                raise errors.InvalidRequest(
                    f"{'/'.join(trail)!r} is a file in this store and can't be a folder; choose another path."
                ) from error
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error

    def _make(self, at: int, trail: tuple[str, ...]) -> None:
        """Also for one that is there: another writer may have made it and not yet flushed the one above."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(trail[-1], _MODE, dir_fd=at)
        os.fsync(at)
        if len(self._durable) >= _MAX_KNOWN:
            self._durable.clear()
        self._durable.add(trail)


def refuse_link(at: int, name: str) -> None:
    """`errors.InvalidRequest` if `name` is a symbolic link: what it names may lie outside."""
    if stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
        raise errors.InvalidRequest(
            f"{name!r} is a symbolic link in the store, which follows none; replace it by what it names."
        )


def _make_durably(folder: Path) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=_MODE, exist_ok=True)
        _flush(path.parent)


def _write_durably(file: Path, text: str) -> None:
    with file.open("w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    _flush(file.parent)


def _flush(folder: Path) -> None:
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(at)
    finally:
        os.close(at)
