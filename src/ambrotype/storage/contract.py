"""What every store owes its callers, and they owe it. `tests/storage/contract.py` checks each promise."""

import dataclasses
import datetime
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


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

    async def publish(self, key: Key | None = None) -> None:
        """Makes the sealed bytes visible under the key, durably; replaces what was there. Quick: the slow work was `seal`.

        `key` instead of the one that it was created for may cost a copy within the store.
        """

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How many of an object's bytes are durable, and what its store needs to go on behind them. It goes into JSON."""

    size: int = 0
    state: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Whole(Protocol):
    """Bytes that are all there, but under no key of their own yet."""

    def read(self) -> AsyncGenerator[bytes, None]:
        """All of them, from the first."""
        ...

    async def publish(self, key: Key) -> None:
        """Makes them visible under the key, durably. They stay where they were too, so that this may run twice."""

    async def discard(self, *, kept: Key | None = None) -> None:
        """Removes them from where they were, but not what was published under `kept`. Harmless twice."""

    async def close(self) -> None:
        """Lets go, in this process; nothing is removed."""


class Resumable(Whole, Protocol):
    """One object that comes in over many requests, in whichever process. Only one has it at a time where the store can tell."""

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Takes the next bytes, in pieces of any size. The caller may reuse the buffer once this has returned."""

    async def so_far(self) -> Mark:
        """What is durable of the bytes taken, without sending more than is ready: for now and then."""
        ...

    async def pause(self) -> Mark:
        """Makes all bytes taken durable. Nothing is written afterwards; `resume` goes on from the mark."""
        ...

    async def tidy(self) -> None:
        """The last mark has been written down: what only earlier ones needed is removed."""

    async def seal(self) -> None:
        """No more bytes: makes them a `Whole`. May run again after a crash, from the same mark."""


@runtime_checkable
class Resumes(Protocol):
    """Optional power of a store: writes that outlive their process."""

    async def resume(
        self, staging: Key, mark: Mark, *, size: int, place: Callable[[bytes], tuple[Key, str]]
    ) -> Resumable:
        """Goes on behind `mark` (an empty one begins) with an object of `size` bytes in all.

        Until it is published it may use names that begin with `staging`, or the key that `place` answers with a content
        type for the first bytes. `errors.Locked` while another process writes it, `errors.Gone` where bytes of the mark
        are lost.
        """
        ...

    async def forget(self, staging: Key, mark: Mark, *, kept: Key | None = None) -> None:
        """Removes all that such an object holds in the store, but not what was published under `kept`. Harmless twice.

        `errors.Locked` while another process writes it.
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A request that puts an object straight into the store; `headers` are to be sent exactly so."""

    method: str
    url: str
    headers: Mapping[str, str]


@runtime_checkable
class Receives(Protocol):
    """Optional power of a store: it takes objects from anybody who has a ticket."""

    async def ticket(self, key: Key, *, content_type: str, size: int, expires_in: int) -> Ticket:
        """For one object of exactly this type and size, within `expires_in` seconds."""
        ...

    async def taken(self, key: Key) -> "tuple[int, Whole] | None":
        """Size and bytes of what came in, exactly as it is now: whatever is put there later is not it."""
        ...
