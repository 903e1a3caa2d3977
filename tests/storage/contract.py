"""The promises of `ambrotype.storage.contract`, which every store keeps. Each store's test class inherits them."""

import asyncio
import contextlib
import datetime
import random
from typing import Protocol

import pytest

from ambrotype.core import errors
from ambrotype.storage import contract

MIB = 1 << 20
KEY = contract.Key("media", "generated/owner/images/one.png")

RANGES = [(0, 1), (0, 10), (3, None), (3, 4), (9, 100), (10, None), (10, 5), (99, 1), (0, 0), (5, 0)]
WRONG_PATHS = ["", "/etc/passwd", "../x", "a/../../x", "a/..", "./a", "a//b", "a/", "a\0b", "a\nb", "half\ud800"]
WRONG_BUCKETS = ["", ".", "..", "../x", "a/b", "/", ".tmp"]
WRONG_KEYS = [
    *(contract.Key("media", path) for path in (*WRONG_PATHS, "n" * 256, "m/" * 600 + "m")),
    *(contract.Key(bucket, "a") for bucket in WRONG_BUCKETS),
]


class Subject(Protocol):
    """A store under test, and what only its own kind can do."""

    store: contract.Store

    async def leftovers(self) -> int:
        """Unpublished writes that the store still holds."""
        ...

    async def die(self) -> None:
        """From now on the store can't be reached."""

    async def revive(self) -> None:
        """It can be reached again."""


def content(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


async def draft(
    store: contract.Store, key: contract.Key, data: bytes, *, piece: int = MIB, size: int | None = None
) -> contract.Writer:
    writer = await store.create(key, content_type="image/png", size=size)
    for start in range(0, len(data), piece):
        await writer.write(data[start : start + piece])
    return writer


async def put(store: contract.Store, key: contract.Key, data: bytes, *, size: int | None = None) -> None:
    writer = await draft(store, key, data, size=size)
    await writer.seal()
    await writer.publish()


async def read(store: contract.Store, key: contract.Key, *, start: int = 0, length: int | None = None) -> bytes:
    return b"".join([piece async for piece in store.open(key, start=start, length=length)])


async def listed(store: contract.Store, bucket: str, prefix: str = "") -> set[str]:
    return {entry.key.path async for entry in store.list(bucket, prefix)}


class StoreContract:
    """Subclasses give the fixture `subject`."""

    @pytest.fixture
    async def subject(self) -> Subject:
        raise NotImplementedError

    @pytest.fixture
    def store(self, subject: Subject) -> contract.Store:
        return subject.store

    @pytest.mark.parametrize("size", [0, 1, 5 * MIB, 8 * MIB, 20 * MIB])
    @pytest.mark.parametrize("told", [True, False])
    async def test_what_goes_in_comes_out(self, store: contract.Store, size: int, told: bool) -> None:
        data = content(size)
        await put(store, KEY, data, size=size if told else None)
        assert await read(store, KEY) == data
        entry = await store.head(KEY)
        assert entry is not None
        assert (entry.key, entry.size) == (KEY, size)
        assert entry.modified.utcoffset() == datetime.timedelta(0)

    @pytest.mark.parametrize("piece", [1000, 300_001, 3 * MIB + 1])
    async def test_pieces_of_any_size_keep_their_order(self, store: contract.Store, piece: int) -> None:
        data = content(9 * MIB + 17)
        writer = await draft(store, KEY, data, piece=piece, size=5)
        await writer.seal()
        await writer.publish()
        assert await read(store, KEY) == data

    @pytest.mark.parametrize("piece", [1000, 9 * MIB])
    async def test_the_callers_buffer_is_free_again_after_write(self, store: contract.Store, piece: int) -> None:
        buffer = bytearray(content(piece))
        writer = await store.create(KEY, content_type="image/png")
        await writer.write(memoryview(buffer))
        buffer[:] = bytes(piece)
        await writer.seal()
        await writer.publish()
        assert await read(store, KEY) == content(piece)

    async def test_pieces_read_are_large(self, store: contract.Store) -> None:
        await put(store, KEY, content(3 * MIB))
        sizes = [len(piece) async for piece in store.open(KEY)]
        assert all(size >= 256 << 10 for size in sizes[:-1])

    @pytest.mark.parametrize("size", [1, 20 * MIB])
    async def test_nothing_is_visible_before_publish(self, subject: Subject, size: int) -> None:
        writer = await draft(subject.store, KEY, content(size))
        await writer.seal()
        assert await subject.store.head(KEY) is None
        assert await listed(subject.store, KEY.bucket) == set()
        with pytest.raises(errors.NotFound):
            await read(subject.store, KEY)
        await writer.publish()
        assert await subject.store.head(KEY) is not None
        assert await subject.leftovers() == 0

    @pytest.mark.parametrize("size", [0, 1, 20 * MIB])
    @pytest.mark.parametrize("sealed", [True, False])
    async def test_abort_leaves_nothing(self, subject: Subject, size: int, sealed: bool) -> None:
        writer = await draft(subject.store, KEY, content(size))
        if sealed:
            await writer.seal()
        await writer.abort()
        await writer.abort()
        assert await subject.store.head(KEY) is None
        assert await subject.leftovers() == 0

    @pytest.mark.parametrize("size", [1, 20 * MIB])
    async def test_abort_after_publish_does_nothing(self, store: contract.Store, size: int) -> None:
        writer = await draft(store, KEY, content(size))
        await writer.seal()
        await writer.publish()
        await writer.abort()
        assert await read(store, KEY) == content(size)

    async def test_an_aborted_writer_takes_no_more(self, store: contract.Store) -> None:
        writer = await draft(store, KEY, b"x")
        await writer.abort()
        for step in (writer.write(b"x"), writer.seal(), writer.publish()):
            with pytest.raises(RuntimeError):
                await step
        assert await store.head(KEY) is None

    async def test_unsealed_bytes_are_not_published(self, store: contract.Store) -> None:
        writer = await draft(store, KEY, b"x")
        with pytest.raises(RuntimeError):
            await writer.publish()
        await writer.abort()
        assert await store.head(KEY) is None

    async def test_a_cancelled_write_can_be_aborted(self, subject: Subject) -> None:
        writer = await subject.store.create(KEY, content_type="video/mp4")
        data = content(24 * MIB)
        writing = asyncio.create_task(writer.write(data))
        await asyncio.sleep(0)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        await writer.abort()
        assert await subject.store.head(KEY) is None
        assert await subject.leftovers() == 0

    async def test_a_new_object_replaces_the_old_one(self, store: contract.Store) -> None:
        await put(store, KEY, content(20 * MIB))
        await put(store, KEY, b"new")
        assert await read(store, KEY) == b"new"
        await put(store, KEY, content(20 * MIB))
        assert await read(store, KEY) == content(20 * MIB)

    async def test_the_old_object_stays_whole_until_publish(self, store: contract.Store) -> None:
        await put(store, KEY, b"old")
        writer = await draft(store, KEY, content(20 * MIB))
        await writer.seal()
        assert await read(store, KEY) == b"old"
        await writer.abort()
        assert await read(store, KEY) == b"old"

    async def test_of_two_writers_one_whole_object_wins(self, store: contract.Store) -> None:
        candidates = [content(17 * MIB, seed) for seed in (1, 2)]
        await asyncio.gather(*(put(store, KEY, data) for data in candidates))
        assert await read(store, KEY) in candidates

    async def test_ranges(self, store: contract.Store) -> None:
        await put(store, KEY, b"0123456789")
        for start, length in RANGES:
            end = None if length is None else start + length
            assert await read(store, KEY, start=start, length=length) == b"0123456789"[start:end], (start, length)

    async def test_a_range_across_pieces(self, store: contract.Store) -> None:
        data = content(5 * MIB)
        await put(store, KEY, data)
        assert await read(store, KEY, start=MIB - 1, length=2 * MIB + 3) == data[MIB - 1 : 3 * MIB + 2]

    async def test_a_range_of_nothing(self, store: contract.Store) -> None:
        await put(store, KEY, b"")
        assert await read(store, KEY, length=5) == b""

    @pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
    async def test_negative_ranges_are_refused(self, store: contract.Store, start: int, length: int | None) -> None:
        await put(store, KEY, b"0123456789")
        with pytest.raises(errors.InvalidRequest):
            await read(store, KEY, start=start, length=length)

    async def test_a_reader_may_stop_early(self, store: contract.Store) -> None:
        await put(store, KEY, content(5 * MIB))
        pieces = store.open(KEY)
        assert content(5 * MIB).startswith(await anext(pieces))
        await pieces.aclose()  # type: ignore[attr-defined]
        assert await read(store, KEY, length=3) == content(5 * MIB)[:3]

    @pytest.mark.parametrize("length", [None, 0, 5])
    async def test_what_is_missing_is_not_found(self, store: contract.Store, length: int | None) -> None:
        with pytest.raises(errors.NotFound, match=r"media/generated/owner/images/one\.png"):
            await read(store, KEY, length=length)
        assert await store.head(KEY) is None
        assert await store.head(contract.Key("never-used", "x")) is None
        with pytest.raises(errors.NotFound):
            await read(store, contract.Key("never-used", "x"), length=length)

    async def test_deleting_twice_succeeds(self, store: contract.Store) -> None:
        await put(store, KEY, b"x")
        await store.delete(KEY)
        await store.delete(KEY)
        await store.delete(contract.Key("never-used", "x"))
        assert await store.head(KEY) is None

    async def test_list_by_prefix(self, store: contract.Store) -> None:
        paths = {"a", "ab/c", "ab/cd/e", "b/a", "abc"}
        for path in paths:
            await put(store, contract.Key("media", path), path.encode())
        await put(store, contract.Key("media2", "a"), b"")
        for prefix in ("", "a", "ab", "ab/", "ab/c", "ab/cd/", "ab/cd/e", "z", "ab/z/y", "../media2", "/"):
            expected = {path for path in paths if path.startswith(prefix)}
            assert await listed(store, "media", prefix) == expected, prefix
        sizes = {entry.key.path: entry.size async for entry in store.list("media")}
        assert sizes == {path: len(path) for path in paths}
        assert await listed(store, "never-used") == set()

    async def test_list_beyond_one_page(self, store: contract.Store) -> None:
        paths = [f"many/{number % 7}/{number:04}" for number in range(1105)]
        turns = asyncio.Semaphore(16)

        async def one(path: str) -> None:
            async with turns:
                await put(store, contract.Key("media", path), b"")

        await asyncio.gather(*(one(path) for path in paths))
        entries = [entry.key.path async for entry in store.list("media", "many/")]
        assert sorted(entries) == sorted(paths)

    @pytest.mark.parametrize(
        "path", ["ünï/日本語/🦊 fox.png", "a b+c%20d&e=f?g#h", "dots..in/.hidden", "quote'\"<x>\\y", "n" * 255]
    )
    async def test_unusual_names(self, store: contract.Store, path: str) -> None:
        key = contract.Key("media", path)
        await put(store, key, path.encode())
        assert await read(store, key) == path.encode()
        assert await listed(store, "media") == {path}
        await store.delete(key)
        assert await store.head(key) is None

    async def test_keys_that_mean_another_place_are_refused(self, store: contract.Store) -> None:
        for key in WRONG_KEYS:
            calls = (
                store.create(key, content_type="image/png"),
                store.head(key),
                store.delete(key),
                read(store, key),
            )
            for call in calls:
                with pytest.raises(errors.InvalidRequest):
                    await call

    async def test_a_failing_upload_stores_nothing(self, subject: Subject) -> None:
        await subject.store.check()
        writer = await draft(subject.store, KEY, content(9 * MIB))
        await subject.die()
        with pytest.raises(errors.StoreUnavailable):
            await self._finish(writer)
        await writer.abort()
        await subject.revive()
        with pytest.raises(RuntimeError):
            await writer.publish()
        assert await subject.store.head(KEY) is None
        assert await listed(subject.store, KEY.bucket) == set()

    async def test_a_failure_in_the_middle_is_final(self, subject: Subject) -> None:
        writer = await draft(subject.store, KEY, b"begin")
        await subject.die()
        with pytest.raises(errors.StoreUnavailable):
            await self._finish(writer)
        await subject.revive()
        with pytest.raises(errors.StoreUnavailable):
            await writer.publish()
        await writer.abort()
        assert await subject.store.head(KEY) is None

    async def test_a_dead_store_says_so_and_works_again_afterwards(self, subject: Subject) -> None:
        store = subject.store
        await put(store, KEY, b"before")
        await subject.die()
        for call in (
            store.head(KEY),
            store.delete(KEY),
            read(store, KEY),
            listed(store, KEY.bucket),
            put(store, KEY, b"during"),
            store.sweep(0),
        ):
            with pytest.raises(errors.StoreUnavailable) as caught:
                await call
            assert caught.value.retryable
        await subject.revive()
        assert await read(store, KEY) == b"before"
        await put(store, KEY, b"after")
        assert await read(store, KEY) == b"after"

    async def test_check_passes_while_the_store_works(self, store: contract.Store) -> None:
        await store.check()
        await store.check()

    async def test_a_dead_store_fails_its_check(self, subject: Subject) -> None:
        await subject.die()
        with pytest.raises(errors.StoreUnavailable):
            await subject.store.check()
        await subject.revive()
        await subject.store.check()

    async def test_sweep_spares_a_living_writer(self, subject: Subject) -> None:
        writer = await draft(subject.store, KEY, content(20 * MIB))
        assert await subject.store.sweep(0) == 0
        await writer.seal()
        await writer.publish()
        assert await read(subject.store, KEY) == content(20 * MIB)

    async def _finish(self, writer: contract.Writer) -> None:
        await writer.write(content(9 * MIB))
        await writer.seal()
        await writer.publish()
