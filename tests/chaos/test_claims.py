"""Who is next: the claim, against queues that are made to starve somebody."""

import asyncio
import collections
import uuid

import pytest

from ambrotype.core import errors
from ambrotype.records import claims, database
from tests.chaos import queue


@pytest.fixture
def line(admin: str) -> queue.Queue:
    return queue.Queue(admin)


class Claimer:
    """A worker as far as claims go."""

    def __init__(self, data: database.Database, *, per_host: int = 8, seconds: float = 300) -> None:
        self.lease = uuid.uuid4()
        self._data, self._per_host, self._seconds = data, per_host, seconds
        self._around = claims.Round()

    async def claim(self, most: int) -> list[claims.Claim]:
        async with claims.claiming(self._data) as tx:
            return await claims.claim(
                tx, most=most, per_host=self._per_host, lease=self.lease, seconds=self._seconds, turn=self._around
            )

    async def end(self, claims: list[claims.Claim]) -> None:
        async with self._data.transaction(database.WORKER) as tx:
            ids = [claim.media_id for claim in claims]
            await tx.run("delete from ambrotype.capture where media_id = any(%(ids)s)", ids=ids)


async def test_of_one_owner_what_dies_first_is_claimed_first(data: database.Database, line: queue.Queue) -> None:
    (owner,) = line.owners(1)
    line.add(owner, 500, deadline=9000)
    soon = line.add(owner, 4, deadline=600)
    line.add(owner, 500, deadline=4000)
    assert {claim.media_id for claim in await Claimer(data).claim(4)} == soon


async def test_one_at_a_time_they_come_by_deadline(data: database.Database, line: queue.Queue) -> None:
    (owner,) = line.owners(1)
    line.add(owner, 3, deadline=9000)
    line.add(owner, 3, deadline=600, host="other.test")
    claimer = Claimer(data)
    deadlines = []
    for _ in range(6):
        (claim,) = await claimer.claim(1)
        deadlines.append(claim.deadline)
    assert deadlines == sorted(deadlines)


@pytest.mark.parametrize("hosts", [1, 3])
async def test_ten_thousand_of_one_owner_do_not_starve_another(
    data: database.Database, line: queue.Queue, hosts: int
) -> None:
    crowd, one = line.owners(2)
    for host in range(hosts):
        line.add(crowd, 10_000 // hosts, host=f"h{host}.test", deadline=3600)
    (waiting,) = line.add(one, host="h0.test", deadline=80_000)
    assert waiting in {claim.media_id for claim in await Claimer(data).claim(2)}


async def test_every_owner_has_a_turn_however_many_there_are(data: database.Database, line: queue.Queue) -> None:
    (crowd,) = line.owners(1, prefix="crowd")
    line.add(crowd, 3000, deadline=3600)
    for owner in line.owners(200):
        line.add(owner, deadline=80_000)
    claimer = Claimer(data)
    served: collections.Counter[uuid.UUID] = collections.Counter()
    for _ in range(60):
        claims = await claimer.claim(8)
        served.update(claim.owner_id for claim in claims)
        await claimer.end(claims)
    assert len(served) == 201


async def test_limit_per_host_is_exact_among_concurrent_claimers(data: database.Database, line: queue.Queue) -> None:
    for owner in line.owners(5):
        for host in ("a.test", "b.test", "c.test"):
            line.add(owner, 30, host=host)
    claims = [
        claim
        for some in await asyncio.gather(*(Claimer(data, per_host=7).claim(6) for _ in range(9)))
        for claim in some
    ]
    hosts = collections.Counter(claim.url.split("/")[2] for claim in claims)
    assert hosts == {"a.test": 7, "b.test": 7, "c.test": 7}
    assert len({claim.media_id for claim in claims}) == 21


async def test_who_is_waited_for_comes_first(data: database.Database, line: queue.Queue) -> None:
    crowd, one = line.owners(2)
    line.add(crowd, 500, deadline=30)
    (waited_for,) = line.add(one, host="cdn.test", deadline=80_000, urgent=True)
    (claim,) = await Claimer(data).claim(1)
    assert claim.media_id == waited_for


async def test_what_dies_within_minutes_comes_before_turns(data: database.Database, line: queue.Queue) -> None:
    busy, idle = line.owners(2)
    claimer = Claimer(data)
    line.add(busy, 4, host="x.test")
    await claimer.claim(4)
    (dying,) = line.add(busy, deadline=60)
    line.add(idle, 4, deadline=3600)
    (claim,) = await claimer.claim(1)
    assert claim.media_id == dying


async def test_a_host_at_its_limit_hides_no_other_host(data: database.Database, line: queue.Queue) -> None:
    owner, other = line.owners(2)
    line.add(owner, 5000, host="full.test", deadline=60, urgent=False)
    line.add(owner, 300, host="full.test", deadline=60, urgent=True)
    claimer = Claimer(data)
    assert len(await claimer.claim(16)) == 8
    free = line.add(owner, host="zzz.test", deadline=80_000) | line.add(other, host="aaa.test", deadline=80_000)
    assert {claim.media_id for claim in await claimer.claim(16)} == free


async def test_captures_that_rest_starve_nobody(data: database.Database, line: queue.Queue) -> None:
    owner, other = line.owners(2)
    line.add(owner, 5000, host="broken.test", deadline=60, not_before=3600)
    line.add(owner, 300, host="broken.test", deadline=60, not_before=3600, urgent=True)
    ready = (
        line.add(owner, host="broken.test", deadline=80_000)
        | line.add(owner, host="fine.test", deadline=80_000)
        | line.add(other, host="broken.test", deadline=80_000)
    )
    assert {claim.media_id for claim in await Claimer(data).claim(16)} == ready


async def test_hundreds_of_broken_hosts_hide_no_working_one(data: database.Database, line: queue.Queue) -> None:
    (owner,) = line.owners(1)
    for host in range(150):
        line.add(owner, 2, host=f"broken{host:03}.test", deadline=60, not_before=3600)
    (ready,) = line.add(owner, host="fine.test", deadline=80_000)
    claimer = Claimer(data)
    found: list[claims.Claim] = []
    for _ in range(4):
        found += await claimer.claim(16)
    assert [claim.media_id for claim in found] == [ready]


async def test_a_lease_that_ran_out_is_claimable_and_frees_its_place(
    data: database.Database, line: queue.Queue
) -> None:
    (owner,) = line.owners(1)
    line.add(owner, 8)
    dead = Claimer(data, seconds=0)
    assert len(await dead.claim(8)) == 8
    alive = Claimer(data)
    assert len(await alive.claim(16)) == 8
    assert await Claimer(data).claim(16) == []


@pytest.mark.parametrize(("owners", "hosts", "each"), [(1, 1, 100_000), (20, 5, 200)])
async def test_a_long_queue_is_never_read_through(
    data: database.Database, line: queue.Queue, owners: int, hosts: int, each: int
) -> None:
    for owner in line.owners(owners):
        for host in range(hosts):
            line.add(owner, each, host=f"h{host}.test")
    line.analyzed()
    claimer = Claimer(data)
    before = await _scanned(data)
    for _ in range(12):
        claims = await claimer.claim(16)
        assert len(claims) == min(16, 8 * hosts)
        await claimer.end(claims)
    after = await _scanned(data)
    assert after["seq_scan"] == before["seq_scan"], "the claim reads a whole table"
    assert 0 < after["idx_tup_fetch"] - before["idx_tup_fetch"] < 12 * 3000


async def _scanned(data: database.Database) -> database.Row:
    """Sequential scans of the two long tables so far, and rows fetched by index; asked by the connection that claims."""
    async with data.transaction(database.WORKER) as tx:
        await tx.one("select pg_stat_force_next_flush()")
    async with data.transaction(database.WORKER) as tx:
        row = await tx.one(
            "select sum(seq_scan) as seq_scan, sum(idx_tup_fetch) as idx_tup_fetch from pg_stat_user_tables"
            " where schemaname = 'ambrotype' and relname in ('capture', 'media')"
        )
    assert row is not None
    return row


async def test_a_claimer_that_falls_silent_does_not_stop_the_others(data: database.Database, line: queue.Queue) -> None:
    (owner,) = line.owners(1)
    line.add(owner, 4)
    silent = Claimer(data)
    with pytest.raises(errors.Unavailable):
        async with claims.claiming(data) as tx:
            await claims.claim(tx, most=1, per_host=8, lease=silent.lease, seconds=30, turn=claims.Round())
            claimed = await Claimer(data).claim(4)  # waits until PostgreSQL has ended the silent one's transaction
            assert len(claimed) == 4
            await tx.one("select 1")


async def test_a_row_that_somebody_holds_does_not_stop_claims(data: database.Database, line: queue.Queue) -> None:
    (owner,) = line.owners(1)
    (one,) = line.add(owner)
    dead = Claimer(data, seconds=0)
    await dead.claim(1)
    rest = line.add(owner, 3)
    async with data.transaction(database.WORKER) as tx:
        await claims.extend(tx, lease=dead.lease, media=[one], seconds=30)
        assert {claim.media_id for claim in await Claimer(data).claim(4)} == rest
