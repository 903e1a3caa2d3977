"""A store on a local disk: one file an object, at `root/{bucket}/{path}`.

A write goes to `root/.tmp` first, is flushed, renamed to its final name, and the folder of that name flushed:
after a power cut an object is whole or not there. No link is followed, nothing outside of `root` is touched.
"""

import asyncio
import contextlib
import datetime
import itertools
import os
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent import futures
from pathlib import Path
from typing import TypeVar

from ambrotype.core import errors
from ambrotype.storage import contract, keys, local_draft, local_staged, local_tree

THREADS = 16
PIECE = 1 << 20
"""Bytes read at once, and the most that a writer collects of small pieces before it writes them."""
_DIRECT = 256 << 10
_BATCH = 1000
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

T = TypeVar("T")


class Local:
    """Files below `root`, which is made at first use. Writes stop while fewer than `min_free` bytes are free.

    `memory` is a folder elsewhere that remembers which roots were in use, see `local_tree.Tree`.
    """

    def __init__(self, root: Path, *, min_free: int, memory: Path | None = None) -> None:
        self._tree = local_tree.Tree(root, memory=memory)
        self._min_free = min_free
        self._threads = futures.ThreadPoolExecutor(THREADS, thread_name_prefix="store")

    async def create(
        self,
        key: contract.Key,
        *,
        content_type: str,
        size: int | None = None,
    ) -> "LocalWriter":
        """Begins an object; the disk is first touched by the first 256 KiB, or by `seal`."""
        draft = local_draft.Draft(self._tree, key, size=size, min_free=self._min_free)
        return LocalWriter(draft, self._threads)

    async def open(
        self, key: contract.Key, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Pieces of up to 1 MiB. Nothing from beyond the end."""
        keys.require_range(start, length)
        reader = await self._run(lambda: _Reader(self._tree, key, start, length))
        try:
            while piece := await self._run(reader.read):
                yield piece
        finally:
            # Not awaited: a cancelled read may still be running, and the lock inside makes this wait for it.
            self._threads.submit(reader.close)

    async def head(self, key: contract.Key) -> contract.Entry | None:
        return await self._run(lambda: _head(self._tree, key))

    async def delete(self, key: contract.Key) -> None:
        """Folders that become empty stay: removing them would race with writers, and they cost nothing."""
        await self._run(lambda: _delete(self._tree, key))

    async def list(self, bucket: str, prefix: str = "") -> AsyncIterator[contract.Entry]:
        """Walks the folders; links and names that are no keys are left out."""
        walk = _walk(self._tree, bucket, prefix)
        while batch := await self._run(lambda: list(itertools.islice(walk, _BATCH))):
            for entry in batch:
                yield entry

    async def resume(
        self,
        staging: contract.Key,
        mark: contract.Mark,
        *,
        size: int,
        place: Callable[[bytes], tuple[contract.Key, str]],
    ) -> local_staged.LocalResumable:
        """Grows one file in the store's file system; publishing gives it its name there."""
        staged = local_staged.Staged(self._tree, _staged_name(staging), size=size, min_free=self._min_free)
        await self._run(lambda: staged.open(mark.size))
        return local_staged.LocalResumable(staged, self._threads)

    async def forget(self, staging: contract.Key, mark: contract.Mark, *, kept: contract.Key | None = None) -> None:
        await self._run(lambda: local_staged.remove(self._tree, _staged_name(staging)))

    async def check(self) -> None:
        await self._run(self._check)

    async def sweep(self, older_than: float) -> int:
        return await self._run(lambda: local_draft.sweep(self._tree, older_than))

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    def path(self, key: contract.Key) -> Path:
        """The absolute path of the object's file, there or not; refuses one behind a symbolic link."""
        path = self._tree.root.joinpath(*keys.segments(key))
        if os.path.realpath(path) != str(path):
            raise errors.InvalidRequest(f"{str(key)!r} lies behind a symbolic link, which no store follows.")
        return path

    def _check(self) -> None:
        with self._tree.folder([local_tree.DRAFTS], make=True) as at:
            local_draft.require_free(self._tree.root, at, needed=0, min_free=self._min_free)
            local_draft.probe(at)

    async def _run(self, work: Callable[[], T]) -> T:
        return await _in_thread(self._threads, self._tree.root, work)


def _staged_name(staging: contract.Key) -> str:
    return f"{staging.path.rpartition('/')[2]}{local_draft.SUFFIX}"


class LocalWriter:
    """A `contract.Writer`. Small pieces are collected, so that a step to a thread moves 256 KiB or more."""

    def __init__(self, draft: local_draft.Draft, threads: futures.ThreadPoolExecutor) -> None:
        self._draft = draft
        self._threads = threads
        self._small = bytearray()

    @property
    def file(self) -> Path:
        """The temporary file. Once sealed it holds all bytes; it is gone after `publish` or `abort`."""
        return self._draft.file

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        self._draft.require_unsealed()
        view = memoryview(data).cast("B")
        if len(view) < _DIRECT and len(self._small) + len(view) <= PIECE:
            self._small += view
            return
        small, self._small = self._small, bytearray()
        await self._run(lambda: self._draft.write(small, view))

    async def seal(self, tail: bytes = b"") -> None:
        small, self._small = self._small, bytearray()
        await self._run(lambda: self._draft.seal(small, tail))

    async def publish(self, key: contract.Key | None = None) -> None:
        await self._run(lambda: self._draft.publish(key))

    async def publish_with(self, others: Sequence[contract.Writer]) -> list[BaseException | None]:
        """One step to a thread, and one flush of each folder."""
        drafts = [writer._draft for writer in (self, *others) if isinstance(writer, LocalWriter)]
        return await asyncio.get_running_loop().run_in_executor(self._threads, local_draft.publish_all, drafts)

    async def abort(self) -> None:
        self._small = bytearray()
        if self._draft.over:
            return
        await self._run(self._draft.abort)

    async def _run(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def _in_thread(threads: futures.ThreadPoolExecutor, root: Path, work: Callable[[], T]) -> T:
    def guarded() -> T:
        with local_tree.failures(root):
            return work()

    return await asyncio.get_running_loop().run_in_executor(threads, guarded)


class _Reader:
    """An open file and what is left of the range."""

    def __init__(self, tree: local_tree.Tree, key: contract.Key, start: int, length: int | None) -> None:
        self._fd = _open_file(tree, key)
        self._at = start
        self._left = length
        self._turn = threading.Lock()

    def read(self) -> bytes:
        with self._turn:
            wanted = PIECE if self._left is None else min(PIECE, self._left)
            piece = os.pread(self._fd, wanted, self._at)
            self._at += len(piece)
            if self._left is not None:
                self._left -= len(piece)
            return piece

    def close(self) -> None:
        with self._turn:
            os.close(self._fd)


def _not_found(key: contract.Key) -> errors.NotFound:
    return errors.NotFound(f"The store holds no object {str(key)!r}.")


def _open_file(tree: local_tree.Tree, key: contract.Key) -> int:
    *folder, name = keys.segments(key)
    try:
        with tree.folder(folder) as at:
            fd = _open_below(at, name)
    except FileNotFoundError as error:
        raise _not_found(key) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _not_found(key)
    return fd


def _open_below(at: int, name: str) -> int:
    try:
        return os.open(name, _READ, dir_fd=at)
    except OSError:
        local_tree.refuse_link(at, name)
        raise


def _head(tree: local_tree.Tree, key: contract.Key) -> contract.Entry | None:
    *folder, name = keys.segments(key)
    try:
        with tree.folder(folder) as at:
            local_tree.refuse_link(at, name)
            status = os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return _entry(key, status) if stat.S_ISREG(status.st_mode) else None


def _delete(tree: local_tree.Tree, key: contract.Key) -> None:
    *folder, name = keys.segments(key)
    with contextlib.suppress(FileNotFoundError), tree.folder(folder) as at:
        status = os.stat(name, dir_fd=at, follow_symlinks=False)
        local_tree.refuse_link(at, name)
        if stat.S_ISREG(status.st_mode):
            os.unlink(name, dir_fd=at)
            os.fsync(at)


def _walk(tree: local_tree.Tree, bucket: str, prefix: str) -> Iterator[contract.Entry]:
    folder, _, _ = prefix.rpartition("/")
    start = [bucket, *folder.split("/")] if folder else [bucket]
    if not keys.valid(contract.Key("/".join(start[:1]), "/".join([*start[1:], "x"]))):
        return
    try:
        with tree.folder(start):
            pass
    except FileNotFoundError:
        return
    home = tree.root / bucket
    waiting = [tree.root.joinpath(*start)]
    while waiting:
        with contextlib.suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = entry.path[len(str(home)) + 1 :]
                if entry.is_dir(follow_symlinks=False):
                    if f"{path}/".startswith(prefix) or prefix.startswith(f"{path}/"):
                        waiting.append(Path(entry.path))
                elif path.startswith(prefix):
                    yield from _listed(contract.Key(bucket, path), entry)


def _listed(key: contract.Key, entry: os.DirEntry[str]) -> Iterator[contract.Entry]:
    if keys.valid(key) and entry.is_file(follow_symlinks=False):
        with contextlib.suppress(FileNotFoundError):
            yield _entry(key, entry.stat(follow_symlinks=False))


def _entry(key: contract.Key, status: os.stat_result) -> contract.Entry:
    modified = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC)
    return contract.Entry(key=key, size=status.st_size, modified=modified)
