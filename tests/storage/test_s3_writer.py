"""How bytes are cut into parts, and that memory stays bounded."""

import asyncio
import io

import pytest

from ambrotype.core import errors
from ambrotype.storage import s3_writer

MIB = 1 << 20
TIB = 1 << 40


class Slow:
    """A server that counts what it holds in flight, and fails at a given part."""

    def __init__(self, *, fails_at: int = 0) -> None:
        self.in_flight = 0
        self.most = 0
        self.sizes: dict[int, int] = {}
        self.dropped = False
        self.completed: list[str] = []
        self._fails_at = fails_at
        self.answers = asyncio.Event()
        self.answers.set()
        self.full = asyncio.Event()

    async def put(self, body: io.BytesIO, md5: str) -> None:
        self.sizes[0] = len(body.getvalue())

    async def begin(self) -> str:
        return "upload"

    async def part(self, upload: str, number: int, body: io.BytesIO, md5: str) -> str:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        if self.in_flight == 4:
            self.full.set()
        await self.answers.wait()
        self.in_flight -= 1
        if number == self._fails_at:
            raise errors.StoreUnavailable("part lost")
        self.sizes[number] = len(body.getvalue())
        return f"etag {number}"

    async def complete(self, upload: str, etags: list[str], size: int) -> None:
        self.completed = etags

    async def drop(self, upload: str) -> None:
        assert self.in_flight == 0, "a part was still on its way"
        self.dropped = True


@pytest.mark.parametrize("size", [None, 1, 8 * MIB, 80_000 * MIB, 5 * TIB])
def test_ten_thousand_parts_are_enough(size: int | None) -> None:
    parts = [s3_writer.part_size(number, size) for number in range(1, s3_writer.MAX_PARTS + 1)]
    assert sum(parts) >= (5 * TIB if size in {None, 1, 8 * MIB} else size)
    assert all(5 * MIB <= part <= 5 << 30 for part in parts)
    assert parts == sorted(parts)


@pytest.mark.parametrize("size", [80_000 * MIB, TIB, 5 * TIB])
def test_parts_of_a_known_size_are_alike(size: int) -> None:
    first = s3_writer.part_size(1, size)
    assert {s3_writer.part_size(number, size) for number in range(1, -(-size // first) + 1)} == {first}


async def test_at_most_four_parts_are_in_flight() -> None:
    server = Slow()
    writer = s3_writer.S3Writer(server, size=None)
    server.answers.clear()
    writing = asyncio.create_task(write_and_seal(writer))
    await server.full.wait()
    assert not writing.done()
    server.answers.set()
    await writing
    await writer.publish()
    assert server.most == 4
    assert server.sizes == dict.fromkeys(range(1, 11), 8 * MIB)
    assert server.completed == [f"etag {number}" for number in range(1, 11)]


@pytest.mark.parametrize(("size", "parts"), [(8 * MIB, 0), (8 * MIB + 1, 2), (16 * MIB, 2)])
async def test_up_to_eight_mebibytes_are_put_at_once(size: int, parts: int) -> None:
    server = Slow()
    writer = s3_writer.S3Writer(server, size=size)
    await writer.write(bytes(size))
    await writer.seal()
    await writer.publish()
    assert len(server.completed) == parts
    assert sum(server.sizes.values()) == size


@pytest.mark.parametrize("lost", [1, 3, 10])
async def test_a_lost_part_ends_the_upload(lost: int) -> None:
    server = Slow(fails_at=lost)
    writer = s3_writer.S3Writer(server, size=None)
    with pytest.raises(errors.StoreUnavailable, match="part lost"):
        await write_and_seal(writer)
    with pytest.raises(errors.StoreUnavailable, match="part lost"):
        await writer.publish()
    await writer.abort()
    assert server.dropped
    assert server.completed == []


async def write_and_seal(writer: s3_writer.S3Writer) -> None:
    for _ in range(80):
        await writer.write(bytes(MIB))
    await writer.seal()
