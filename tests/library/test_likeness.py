"""Near-duplicates: all whose hash differs in at most seven bits, wherever those lie; none that differs in more than ten."""

import random
import uuid

import psycopg

from ambrotype.records import database
from ambrotype.records import media as items
from tests.library import shelf


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


async def test_all_that_differ_in_seven_bits_are_found_and_none_beyond_ten(data: database.Database, admin: str) -> None:
    chance = random.Random(3)
    mine, theirs = await shelf.kept(data), await shelf.kept(data, shelf.BERT)
    phash = chance.getrandbits(64)
    distances: dict[uuid.UUID, int] = {}
    with psycopg.connect(admin, autocommit=True) as connection:

        def put(media_id: uuid.UUID, value: int) -> None:
            connection.execute("update ambrotype.media set phash = %s where id = %s", [_signed(value), media_id])

        put(mine, phash)
        put(theirs, phash)
        for n in range(45):
            bits = n % 15
            # Spread over the bands as evenly as can be, which is the hardest to find; or anywhere.
            spread = [16 * (k % 4) + k // 4 for k in range(bits)]
            turned = spread if n < 15 else chance.sample(range(64), bits)
            other = await shelf.kept(data)
            put(other, phash ^ sum(1 << bit for bit in turned))
            distances[other] = bits
    async with data.transaction(shelf.ANNA) as tx:
        found = await items.similar(tx, mine)
    assert {one for one, bits in distances.items() if bits <= 7} <= set(found)
    assert all(distances[one] <= items.NEAR for one in found)
    assert [distances[one] for one in found] == sorted(distances[one] for one in found)
    async with data.transaction(shelf.BERT) as tx:
        assert await items.similar(tx, mine) == []
        assert await items.similar(tx, theirs) == []
