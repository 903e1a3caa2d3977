"""A file on its way into a local store: a temporary name, bytes, flush, rename. Blocking: for a thread."""

import contextlib
import errno
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from ambrotype.core import errors
from ambrotype.storage import contract, keys, local_tree

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
MODE = 0o640
SUFFIX = ".part"
"""Of files that a sweep may take when nobody has touched them for long."""
_PROBE = ".probe"


class Draft:
    """The steps of one write. A lock keeps them in line also when a cancelled caller aborts while one runs.

    While the file has its temporary name, its descriptor holds a kernel lock, which dies with the process: so
    `sweep` tells a leftover from a living writer.
    """

    def __init__(self, tree: local_tree.Tree, key: contract.Key, *, size: int | None, min_free: int) -> None:
        self.tree = tree
        self._names = keys.segments(key)
        self._size = size or 0
        self._min_free = min_free
        self._name = f"{uuid.uuid4().hex}{SUFFIX}"
        self._fd: int | None = None
        self._written = 0
        self._sealed = False
        self._over = False
        self._failure: errors.StoreUnavailable | None = None
        self._turn = threading.Lock()

    @property
    def file(self) -> Path:
        """Where the bytes lie until they are published; all of them are there once sealed."""
        return self.tree.root / local_tree.DRAFTS / self._name

    @property
    def over(self) -> bool:
        """Whether it was published, or aborted: nothing of it is left to remove."""
        return self._over and self._fd is None

    def write(self, *pieces: bytes | bytearray | memoryview) -> None:
        """Appends. A failure is final: every later step raises it again."""
        with self._step() as fd:
            self.require_unsealed()
            for piece in pieces:
                self._append(fd, memoryview(piece).cast("B"))

    def seal(self, *tail: bytes | bytearray) -> None:
        """Appends the last bytes and flushes the file to the disk."""
        with self._step() as fd:
            self.require_unsealed()
            for piece in tail:
                self._append(fd, memoryview(piece))
            os.fsync(fd)
            self._sealed = True

    def publish(self, key: contract.Key | None = None) -> None:
        """Renames to the final name and flushes its folder; those above were flushed when made."""
        if key is not None:
            self._names = keys.segments(key)
        with (
            self._step(),
            self.tree.folder([local_tree.DRAFTS]) as drafts,
            self.tree.folder(self.folder, make=True) as target,
        ):
            self.rename(drafts, target)
            # Not the folder of drafts: a temporary name that a power cut brings back is swept.
            os.fsync(target)
            self._over = True
            self._close()

    @property
    def folder(self) -> tuple[str, ...]:
        """Names of the folders that lead to the final name."""
        return tuple(self._names[:-1])

    def published(self) -> None:
        """It has its final name, durably."""
        with self._turn:
            self._over = True
            self._close()

    def abort(self) -> None:
        """Removes the temporary file, if there is one."""
        with self._turn:
            if self._fd is None:
                self._over = True
                return
            try:
                if not self._over:
                    self._over = True
                    with contextlib.suppress(OSError, errors.StoreUnavailable):  # else the sweep takes it
                        self._remove()
            finally:
                self._close()

    @contextlib.contextmanager
    def _step(self) -> Iterator[int]:
        with self._turn:
            self._require_open()
            try:
                with local_tree.failures(self.tree.root):
                    if self._fd is None:
                        self._fd = self._create()
                    yield self._fd
            except errors.StoreUnavailable as error:
                self._failure = error
                raise

    def _create(self) -> int:
        with self.tree.folder([local_tree.DRAFTS], make=True) as at:
            while True:
                fd = os.open(self._name, _CREATE, MODE, dir_fd=at)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX)
                    swept = os.fstat(fd).st_nlink == 0  # in the instant between open and lock
                    if not swept:
                        require_free(self.tree.root, fd, needed=self._size, min_free=self._min_free)
                        return fd
                except BaseException:
                    os.close(fd)
                    os.unlink(self._name, dir_fd=at)
                    raise
                os.close(fd)

    def _append(self, fd: int, data: memoryview) -> None:
        if not data:
            return
        require_free(self.tree.root, fd, needed=len(data), min_free=self._min_free)
        self._written += len(data)
        while data:
            data = data[os.write(fd, data) :]

    def rename(self, drafts: int, target: int) -> None:
        """Gives the sealed file its final name; not durable before the folder is flushed."""
        self._require_open()
        if not self._sealed:
            raise RuntimeError("publish() before seal()")
        rename(self._name, self._names, drafts, target)

    def _require_open(self) -> None:
        if self._over:
            raise RuntimeError("the writer was published or aborted before")
        if self._failure is not None:
            raise self._failure

    def require_unsealed(self) -> None:
        """Raises what `write` would, without touching the disk."""
        self._require_open()
        if self._sealed:
            raise RuntimeError("write() or seal() after seal()")

    def _remove(self) -> None:
        with self.tree.folder([local_tree.DRAFTS]) as at:
            os.unlink(self._name, dir_fd=at)

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def publish_all(drafts: Sequence[Draft]) -> list[BaseException | None]:
    """Publishes drafts of one tree, each folder opened and flushed once; what kept each from it, in their order."""
    problems: dict[Draft, Exception] = {}
    groups: dict[tuple[str, ...], list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.folder, []).append(draft)
    for group in groups.values():
        _publish_folder(group, problems)
    return [problems.get(draft) for draft in drafts]


def _publish_folder(group: Sequence[Draft], problems: dict[Draft, Exception]) -> None:
    tree = group[0].tree
    renamed: list[Draft] = []
    try:
        with (
            local_tree.failures(tree.root),
            tree.folder([local_tree.DRAFTS]) as drafts,
            tree.folder(group[0].folder, make=True) as target,
        ):
            for draft in group:
                try:
                    with local_tree.failures(tree.root):
                        draft.rename(drafts, target)
                except Exception as problem:
                    problems[draft] = problem
                else:
                    renamed.append(draft)
            if renamed:
                os.fsync(target)
    except Exception as problem:
        problems |= {draft: problem for draft in group if draft not in problems}
    else:
        for draft in renamed:
            draft.published()


def rename(draft: str, names: Sequence[str], drafts: int, target: int) -> None:
    """Gives a temporary file its final name, the last of `names`. Both folders are open."""
    try:
        os.rename(draft, names[-1], src_dir_fd=drafts, dst_dir_fd=target)
    except OSError as error:
        if error.errno not in {errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST}:
            raise
        raise errors.InvalidRequest(
            f"{'/'.join(names)!r} is a folder in this store, not a file; choose another path."
        ) from error


def require_free(root: Path, fd: int, *, needed: int, min_free: int) -> None:
    """`errors.StoreUnavailable` if `needed` more bytes would take the disk of `fd` below `min_free`."""
    if min_free <= 0:
        return
    disk = os.fstatvfs(fd)
    free = disk.f_bavail * disk.f_frsize
    if free - needed < min_free:
        raise errors.StoreUnavailable(
            f"The disk of {root} has {free} bytes free, {needed} are needed and"
            f" AMBROTYPE_MIN_FREE={min_free} are to stay free; free some space, move the"
            " store to a larger disk or lower AMBROTYPE_MIN_FREE."
        )


def sweep(tree: local_tree.Tree, older_than: float) -> int:
    """Removes temporary files that no living process holds and nobody wrote to for `older_than` seconds."""
    with tree.folder([local_tree.DRAFTS], make=True) as at:
        names = [name for name in os.listdir(at) if name.endswith((SUFFIX, _PROBE))]
        return sum(_sweep_one(at, name, older_than) for name in names)


def _sweep_one(at: int, name: str, older_than: float) -> bool:
    try:
        fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    except FileNotFoundError:
        return False
    try:
        if time.time() - os.fstat(fd).st_mtime < older_than:
            return False
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_nlink == 0:
            return False
        os.unlink(name, dir_fd=at)
    except (BlockingIOError, FileNotFoundError):
        return False
    else:
        return True
    finally:
        os.close(fd)


def probe(at: int) -> None:
    """Makes and removes an empty file: rights, quotas and read-only disks show in no cheaper way."""
    name = f"{uuid.uuid4().hex}{_PROBE}"
    os.close(os.open(name, _CREATE, MODE, dir_fd=at))
    with contextlib.suppress(FileNotFoundError):  # a sweep took it
        os.unlink(name, dir_fd=at)
