"""A file that grows over many requests and processes, in the folder of drafts; its final name is a second link to it.

A kernel lock on its descriptor lets one process write, and dies with it. What lies behind the mark was never
acknowledged, and is cut off when the next one goes on.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import TypeVar

from ambrotype.core import errors
from ambrotype.storage import contract, keys, local_draft, local_tree

PIECE = 1 << 20
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links say."""

T = TypeVar("T")


class Staged:
    """The steps, one at a time. Blocking: for a thread."""

    def __init__(self, tree: local_tree.Tree, name: str, *, size: int, min_free: int) -> None:
        self._tree = tree
        self._name = name
        self._size = size
        self._min_free = min_free
        self._fd = -1
        self._turn = threading.Lock()
        self.written = 0

    @property
    def file(self) -> Path:
        """Where the bytes lie."""
        return self._tree.root / local_tree.DRAFTS / self._name

    def open(self, size: int) -> None:
        """Takes the file with its first `size` bytes; makes it where that is none."""
        with self._tree.folder([local_tree.DRAFTS], make=True) as at:
            self._fd = self._locked(at, size)
            try:
                if os.fstat(self._fd).st_size < size:
                    raise _lost(size)
                os.ftruncate(self._fd, size)
                os.lseek(self._fd, size, os.SEEK_SET)
                if size == 0:
                    # The whole file at once: a disk that can't take it is told from now, not after hours.
                    local_draft.require_free(self._tree.root, self._fd, needed=self._size, min_free=self._min_free)
                    os.fsync(at)
            except BaseException:
                self.close()
                raise
        self.written = size

    def _locked(self, at: int, size: int) -> int:
        try:
            fd = os.open(self._name, _OPEN | (os.O_CREAT if size == 0 else 0), local_draft.MODE, dir_fd=at)
        except FileNotFoundError:
            raise _lost(size) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise _written() from None
        if os.fstat(fd).st_nlink == 0:
            os.close(fd)
            raise _lost(size)
        return fd

    def write(self, data: memoryview) -> None:
        """Appends."""
        with self._step():
            local_draft.require_free(self._tree.root, self._fd, needed=len(data), min_free=self._min_free)
            while data:
                done = os.write(self._fd, data)
                self.written += done
                data = data[done:]

    def flush(self) -> None:
        """Everything written is durable when this returns."""
        with self._step():
            os.fdatasync(self._fd)

    def piece(self, at: int) -> bytes:
        """Up to 1 MiB from there."""
        with self._step():
            return os.pread(self._fd, PIECE, at)

    def publish(self, key: contract.Key) -> None:
        """Gives it its final name, flushed; the temporary one stays until `discard`, where the file system can."""
        *folder, name = keys.segments(key)
        with (
            self._step(),
            self._tree.folder(folder, make=True) as target,
            self._tree.folder([local_tree.DRAFTS]) as drafts,
        ):
            try:
                self._link(name, drafts, target)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                local_draft.rename(self._name, (*folder, name), drafts, target)
            os.fsync(target)

    def _link(self, name: str, drafts: int, target: int) -> None:
        try:
            os.link(self._name, name, src_dir_fd=drafts, dst_dir_fd=target)
        except FileExistsError:
            if os.stat(name, dir_fd=target, follow_symlinks=False).st_ino == os.fstat(self._fd).st_ino:
                return
            local_draft.rename(self._name, (name,), drafts, target)

    def discard(self) -> None:
        """Takes the temporary name away."""
        with self._step(), contextlib.suppress(FileNotFoundError), self._tree.folder([local_tree.DRAFTS]) as at:
            os.unlink(self._name, dir_fd=at)

    def close(self) -> None:
        """Lets another process have it; harmless twice."""
        with self._turn:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        with self._turn:
            if self._fd < 0:
                raise RuntimeError("this upload was closed before")
            yield


def remove(tree: local_tree.Tree, name: str) -> None:
    """Removes the file, unless a process writes it: `errors.Locked`."""
    with contextlib.suppress(FileNotFoundError), tree.folder([local_tree.DRAFTS]) as at:
        fd = os.open(name, _OPEN, dir_fd=at)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=at)
        except BlockingIOError:
            raise _written() from None
        finally:
            os.close(fd)


class LocalResumable:
    """A `contract.Resumable`."""

    def __init__(self, staged: Staged, threads: futures.ThreadPoolExecutor) -> None:
        self._staged = staged
        self._threads = threads

    @property
    def file(self) -> Path:
        """A plain file with all bytes written."""
        return self._staged.file

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data).cast("B")
        await self._run(lambda: self._staged.write(view))

    async def so_far(self) -> contract.Mark:
        return await self.pause()

    async def pause(self) -> contract.Mark:
        await self._run(self._staged.flush)
        return contract.Mark(size=self._staged.written)

    async def tidy(self) -> None:
        """Nothing: there is one file."""

    async def seal(self) -> None:
        await self._run(self._staged.flush)

    async def read(self) -> AsyncGenerator[bytes, None]:
        at = 0
        while piece := await self._run(lambda: self._staged.piece(at)):  # noqa: B023  # awaited before it changes
            yield piece
            at += len(piece)

    async def publish(self, key: contract.Key) -> None:
        await self._run(lambda: self._staged.publish(key))

    async def discard(self, *, kept: contract.Key | None = None) -> None:
        await self._run(self._staged.discard)

    async def close(self) -> None:
        await self._run(self._staged.close)

    async def _run(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            with local_tree.failures(self._staged.file.parent.parent):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, guarded)


def _written() -> errors.Locked:
    return errors.Locked("This upload is being written by another request; wait for its end.")


def _lost(size: int) -> errors.Gone:
    return errors.Gone(f"The {size} bytes received of this upload are gone from the store; begin a new one.")
