"""An owner has room for so many items and bytes, also when many callers put in at once."""

import asyncio

import psycopg
import pytest

from ambrotype.accounts import guests
from ambrotype.capture import accept
from ambrotype.core import errors, owners, quotas
from ambrotype.maintenance import sweep
from ambrotype.records import database
from tests.accounts import libraries

THREE = quotas.Quota(items=3)


def used(admin: str, owner: str = "user") -> tuple[int, int]:
    """Items and bytes, as they are counted."""
    with psycopg.connect(admin) as connection:
        row = connection.execute(
            "select u.items, u.bytes from ambrotype.used(array(select id from ambrotype.owner where kind = %s)) as u",
            [owner],
        ).fetchone()
    assert row is not None
    return row


def truly(admin: str) -> tuple[int, int]:
    """The same, counted from the rows themselves."""
    with psycopg.connect(admin) as connection:
        row = connection.execute(
            "select count(*) filter (where status in ('temporary', 'keeping', 'kept')),"
            " coalesce(sum(size) filter (where status = 'kept'), 0)::bigint from ambrotype.media"
        ).fetchone()
    assert row is not None
    return row


async def test_what_is_over_the_quota_fails_alone_and_leaves_nothing(data: database.Database, admin: str) -> None:
    me = libraries.user()
    done = await libraries.keep(data, me, *map(libraries.url, range(5)), quota=THREE)
    assert [one.outcome for one in done] == ["new", "new", "new", "over_quota", "over_quota"]
    assert len(await libraries.seen(data, me)) == 3
    assert used(admin) == truly(admin) == (3, 0)


async def test_what_is_known_is_no_item_more(data: database.Database) -> None:
    me = libraries.user()
    await libraries.keep(data, me, *map(libraries.url, range(3)), quota=THREE)
    (again,) = await libraries.keep(data, me, libraries.url(1), quota=THREE)
    assert again.outcome == "known"


async def test_a_refused_item_takes_no_version_of_its_slot_and_leaves_no_parent(
    data: database.Database, admin: str
) -> None:
    me = libraries.user()
    place = {"project": "film", "slot": "hero"}
    await libraries.keep(data, me, *map(libraries.url, range(2)), quota=THREE)
    parent = [{"url": libraries.url("parent"), "role": "reference"}]
    (refused,) = await libraries.keep(data, me, libraries.url("child"), quota=THREE, parents=parent, **place)
    assert refused.outcome == "over_quota"
    assert len(await libraries.seen(data, me)) == 2
    await libraries.keep(data, me, libraries.url("other"), quota=THREE, **place)
    with psycopg.connect(admin) as connection:
        assert connection.execute("select last_version from ambrotype.slot").fetchall() == [(1,)]


async def test_of_many_at_once_no_more_than_the_quota_get_in(data: database.Database, admin: str) -> None:
    me = libraries.user()
    done = await asyncio.gather(*(libraries.keep(data, me, libraries.url(n), quota=THREE) for n in range(20)))
    assert sorted(one[0].outcome for one in done) == ["new"] * 3 + ["over_quota"] * 17
    assert used(admin) == truly(admin) == (3, 0)


async def test_one_owners_quota_is_not_anothers(data: database.Database) -> None:
    await libraries.keep(data, libraries.user("a"), *map(libraries.url, range(3)), quota=THREE)
    (other,) = await libraries.keep(data, libraries.user("b"), libraries.url(1), quota=THREE)
    assert other.outcome == "new"


async def test_bytes_count_from_when_they_are_kept_until_they_are_purged(data: database.Database, admin: str) -> None:
    me = libraries.user()
    room = quotas.Quota(bytes=1000)
    (item,) = await libraries.ids(data, me, libraries.url(1))
    libraries.arrive(admin, [item], size=1000)
    assert used(admin) == (1, 1000)
    (over,) = await libraries.keep(data, me, libraries.url(2), quota=room)
    assert over.outcome == "over_quota"
    async with data.transaction(me) as tx:
        await tx.run("update ambrotype.media set deleted_at = now() where id = %(id)s", id=item)
    assert used(admin) == (1, 1000), "the trash takes room"
    async with data.transaction(me) as tx:
        await tx.run("select ambrotype.purge_item(%(id)s, 'user:42', interval '7 days')", id=item)
    assert used(admin) == (0, 0)
    (fits,) = await libraries.keep(data, me, libraries.url(2), quota=room)
    assert fits.outcome == "new"


async def test_a_lost_item_takes_no_room_until_it_is_tried_again(data: database.Database, admin: str) -> None:
    me = libraries.user()
    (lost,) = await libraries.ids(data, me, libraries.url("lost"))
    async with data.transaction(database.WORKER) as tx:
        await tx.run(
            "update ambrotype.media set status = 'lost', lost_code = 'truncated', lost_detail = 'x',"
            " lost_retryable = true"
        )
    await libraries.keep(data, me, *map(libraries.url, range(3)), quota=THREE)
    assert used(admin) == (3, 0)
    source = accept.origin(libraries.url("lost"), rules=libraries.RULES, trusted=False)
    with pytest.raises(errors.QuotaExceeded):
        await accept.keep_again(data, me, lost, source, quota=THREE)
    (again,) = await libraries.keep(data, me, libraries.url("lost"), quota=THREE)
    assert again.outcome == "over_quota"
    assert used(admin) == truly(admin) == (3, 0)
    assert await accept.keep_again(data, me, lost, source) == "lost"
    assert used(admin) == truly(admin) == (4, 0)


async def test_counts_are_the_same_before_during_and_after_they_are_added_up(
    data: database.Database, admin: str
) -> None:
    users = [libraries.user(str(n)) for n in range(3)]

    async def keeps() -> None:
        for n in range(20):
            await asyncio.gather(*(libraries.keep(data, who, libraries.url(n)) for who in users))

    async def adds_up() -> None:
        for _ in range(20):
            await sweep.fold(data)
            assert used(admin)[0] <= 60

    await asyncio.gather(keeps(), adds_up(), adds_up())
    assert used(admin) == truly(admin) == (60, 0)
    await sweep.fold(data)
    assert used(admin) == (60, 0)
    with psycopg.connect(admin) as connection:
        assert connection.execute("select count(*) from ambrotype.usage_change").fetchall() == [(0,)]


async def test_a_linked_guests_items_count_for_the_user_and_none_is_refused(
    data: database.Database, admin: str
) -> None:
    token, guest = await libraries.guest(data)
    items = await libraries.ids(data, guest, *map(libraries.url, range(3)))
    libraries.arrive(admin, items[:1], size=10)
    me = libraries.user()
    await libraries.keep(data, me, libraries.url("mine"), quota=THREE)
    await guests.link(data, me, token)
    for _ in range(2):
        (more,) = await libraries.keep(data, me, libraries.url("more"), quota=THREE)
        assert more.outcome == "over_quota"
        assert len(await libraries.seen(data, me)) == 4
        await libraries.move_all(data)
    assert used(admin, "user") == (4, 10)
    assert used(admin, "guest") == (0, 0)


async def test_nobody_can_ask_what_others_use(data: database.Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with data.transaction(libraries.user()) as tx:
            await tx.run("select ambrotype.used('{}')")


def test_the_service_has_no_quota() -> None:
    some = quotas.Quotas(users=THREE, guests=quotas.Quota(bytes=1))
    assert some.of(None) == some.of(owners.SERVICE) == quotas.NONE
    assert some.of(owners.parse("user:1")) == THREE
    assert some.of(owners.parse("guest:1")) == quotas.Quota(bytes=1)
