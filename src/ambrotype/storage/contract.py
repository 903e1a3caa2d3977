"""What every store owes its callers, and they owe it. `tests/storage/contract.py` checks each promise."""

import dataclasses
import datetime
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """Where an object lies: a logical bucket and a path in it, as recorded in the media row."""

    bucket: str
    path: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.path}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored object as `head` and `list` see it."""

    key: Key
    size: int
    modified: datetime.datetime


class Writer(Protocol):
    """One object on its way into the store. Nothing is visible under its key before `publish` has returned."""

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Takes bytes in order, in pieces of any size. The caller may reuse the buffer once this has returned."""

    async def seal(self, tail: bytes = b"") -> None:
        """No more bytes after `tail`: when this returns all of them are durable (flushed to the disk, or received by the
        store), or, for a small object of a remote store, ready to be sent by `publish`."""

    async def publish(self) -> None:
        """Makes the sealed bytes visible under the key, durably; replaces what was there. Quick: the slow work was `seal`."""

    async def abort(self) -> None:
        """Drops the bytes. Harmless at any time, also after `publish` (then it does nothing) and twice."""


class Store(Protocol):
    """Objects by key. Every method raises `errors.StoreUnavailable` when the store can't be reached or is full."""

    async def create(self, key: Key, *, content_type: str, size: int | None = None) -> Writer:
        """Begins an object. `size` in bytes is a hint where it is known."""
        ...

    def open(self, key: Key, *, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """The object's bytes from `start`, `length` of them or to the end. `errors.NotFound` where there is none."""
        ...

    async def head(self, key: Key) -> Entry | None:
        """What is there, or None."""
        ...

    async def delete(self, key: Key) -> None:
        """Removes the object durably; deleting what is not there succeeds."""

    def list(self, bucket: str, prefix: str = "") -> AsyncIterator[Entry]:
        """All objects whose path begins with `prefix`, in any order. Unpublished bytes are not among them."""
        ...

    async def check(self) -> None:
        """Returns if the store can take bytes now, else raises `errors.StoreUnavailable` with what to do."""

    async def sweep(self, older_than: float) -> int:
        """Removes leftovers of crashed writes that nobody has touched for `older_than` seconds; how many."""
        ...

    async def close(self) -> None:
        """Lets go of connections. The store is not used afterwards."""


@runtime_checkable
class OnDiskWriter(Protocol):
    """Optional power of a writer: its unpublished bytes are a plain file that can be looked at."""

    @property
    def file(self) -> Path:
        """The temporary file, readable from the first byte written until `publish` or `abort`."""
        ...


@runtime_checkable
class TogetherWriter(Protocol):
    """Optional power of a writer: several of one store are published at the price of one."""

    async def publish_with(self, others: "Sequence[Writer]") -> list[BaseException | None]:
        """Publishes this one and the others, all of one store; what kept each from it, in that order."""
        ...


@runtime_checkable
class OnDisk(Protocol):
    """Optional power of a store whose objects are plain files on this machine."""

    def path(self, key: Key) -> Path:
        """The absolute path of the object's file, whether it exists or not."""
        ...


@runtime_checkable
class Presigns(Protocol):
    """Optional power of a store that can hand out URLs of its own."""

    async def presign(self, key: Key, *, expires_in: int, content_type: str, disposition: str) -> str:
        """A GET URL that works for `expires_in` seconds and answers with these two headers, which it binds."""
        ...
