"""A guest's library becomes a user's: once, whole, and right at every moment of it."""

import asyncio
import datetime
import time
import uuid

import psycopg
import pytest

from ambrotype.accounts import guests
from ambrotype.core import errors, owners
from ambrotype.records import database
from ambrotype.records import media as rows
from tests.accounts import libraries

MANY = 10_000


def sql(admin: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(admin, autocommit=True) as connection:
        done = connection.execute(statement.encode(), values)
        return done.fetchall() if done.description else []


async def test_a_linked_guests_items_are_the_users_at_once_and_after_the_move(data: database.Database) -> None:
    token, guest = await libraries.guest(data)
    theirs = await libraries.ids(data, guest, *map(libraries.url, range(5)))
    me = libraries.user()
    mine = await libraries.ids(data, me, libraries.url("mine"))
    assert await guests.link(data, me, token) == guests.Linked(owner="user:42", linked=True, moved=5)
    assert set(await libraries.seen(data, me)) == {*theirs, *mine}
    await libraries.move_all(data)
    assert set(await libraries.seen(data, me)) == {*theirs, *mine}
    assert await libraries.seen(data, guest) == []


async def test_an_items_owner_is_shown_as_the_user_from_the_link_on(data: database.Database) -> None:
    token, guest = await libraries.guest(data)
    (item,) = await libraries.ids(data, guest, libraries.url(1))
    me = libraries.user()
    await guests.link(data, me, token)
    for _ in range(2):
        async with data.transaction(me) as tx:
            row = await rows.get(tx, item)
        assert row is not None
        assert (row["owner_kind"], row["owner_subject"]) == ("user", "42")
        await libraries.move_all(data)


async def test_the_guests_tokens_end_with_the_link(data: database.Database) -> None:
    token, _ = await libraries.guest(data, session_id="old")
    second, _ = await libraries.guest(data, session_id="old")
    await guests.link(data, libraries.user(), token)
    for ended in (token, second):
        with pytest.raises(errors.Unauthenticated):
            await guests.principal(data, ended, app=None, owner=None)


async def test_a_request_that_showed_the_token_just_before_the_link_sees_and_makes_nothing(
    data: database.Database,
) -> None:
    token, guest = await libraries.guest(data)
    await libraries.ids(data, guest, libraries.url(1))
    await libraries.ids(data, libraries.user(), libraries.url(2))
    await guests.link(data, libraries.user(), token)
    assert await libraries.seen(data, guest) == []
    with pytest.raises(errors.Unauthenticated):
        await libraries.keep(data, guest, libraries.url(3))


async def test_an_apps_key_that_still_names_the_guest_reaches_the_user(data: database.Database) -> None:
    token, guest = await libraries.guest(data, session_id="s1")
    (item,) = await libraries.ids(data, guest, libraries.url(1))
    await guests.link(data, libraries.user(), token)
    key = owners.Principal(role="app", owner=owners.parse("guest:s1"))
    (later,) = await libraries.ids(data, key, libraries.url(2))
    await libraries.move_all(data)
    assert await libraries.seen(data, libraries.user()) == [item, later]


async def test_the_same_user_gets_the_same_reply_again(data: database.Database) -> None:
    token, guest = await libraries.guest(data)
    await libraries.ids(data, guest, libraries.url(1), libraries.url(2))
    first = await guests.link(data, libraries.user(), token)
    await libraries.move_all(data)
    assert await guests.link(data, libraries.user(), token) == first


async def test_another_users_link_is_refused_and_changes_nothing(data: database.Database) -> None:
    token, guest = await libraries.guest(data)
    theirs = await libraries.ids(data, guest, libraries.url(1))
    await guests.link(data, libraries.user("a"), token)
    with pytest.raises(errors.AlreadyLinked):
        await guests.link(data, libraries.user("b"), token)
    await libraries.move_all(data)
    assert await libraries.seen(data, libraries.user("a")) == theirs
    assert await libraries.seen(data, libraries.user("b")) == []


@pytest.mark.parametrize(
    "who",
    [
        owners.ADMINISTRATOR,
        owners.Principal(role="guest", owner=owners.parse("guest:x")),
        owners.Principal(role="app", owner=owners.parse("guest:x")),
        owners.Principal(role="read", owner=owners.parse("user:x")),
    ],
    ids=["administrator", "guest", "key for a guest", "read key"],
)
async def test_only_a_user_takes_a_guest_over(data: database.Database, who: owners.Principal) -> None:
    token, _ = await libraries.guest(data)
    with pytest.raises(errors.Forbidden):
        await guests.link(data, who, token)


@pytest.mark.parametrize("how", ["unknown", "expired", "of another app"])
async def test_a_token_that_proves_nothing_links_nothing(data: database.Database, admin: str, how: str) -> None:
    token, guest = await libraries.guest(data)
    await libraries.ids(data, guest, libraries.url(1))
    me = libraries.user(app="other" if how == "of another app" else "default")
    if how == "expired":
        sql(admin, "update ambrotype.guest_token set expires_at = now()")
    with pytest.raises(errors.Forbidden):
        await guests.link(data, me, "gst_unknown" if how == "unknown" else token)
    assert await libraries.seen(data, me) == []


async def test_a_linked_guest_gets_no_new_token(data: database.Database) -> None:
    token, _ = await libraries.guest(data, session_id="old")
    await guests.link(data, libraries.user(), token)
    with pytest.raises(errors.AlreadyLinked):
        await guests.create(data, app="default", session_id="old")


async def test_of_two_users_at_once_exactly_one_gets_all(data: database.Database) -> None:
    for turn in range(10):
        token, guest = await libraries.guest(data)
        theirs = await libraries.ids(data, guest, *(libraries.url(f"{turn}-{n}") for n in range(5)))
        users = [libraries.user(f"{turn}-{n}") for n in range(4)]
        done = await asyncio.gather(*(guests.link(data, one, token) for one in users), return_exceptions=True)
        winners = [who for who, one in zip(users, done, strict=True) if isinstance(one, guests.Linked)]
        assert len(winners) == 1
        assert all(isinstance(one, guests.Linked | errors.AlreadyLinked) for one in done)
        assert [set(await libraries.seen(data, who)) for who in users if who in winners] == [set(theirs)]
        assert not any([await libraries.seen(data, who) for who in users if who not in winners])


async def test_two_guests_go_to_one_new_user_at_once(data: database.Database) -> None:
    for turn in range(10):
        made = [await libraries.guest(data) for _ in range(4)]
        theirs = [
            (await libraries.ids(data, guest, libraries.url(f"{turn}-{n}")))[0] for n, (_, guest) in enumerate(made)
        ]
        me = libraries.user(f"new-{turn}")
        await asyncio.gather(*(guests.link(data, me, token) for token, _ in made))
        assert set(await libraries.seen(data, me)) == set(theirs)
    await libraries.move_all(data)
    assert set(await libraries.seen(data, me)) == set(theirs)


async def test_what_a_guest_keeps_during_the_link_is_the_users_or_refused(data: database.Database, admin: str) -> None:
    for turn in range(10):
        token, guest = await libraries.guest(data)
        me = libraries.user(f"u{turn}")
        keeping = [libraries.keep(data, guest, libraries.url(f"{turn}-{n}")) for n in range(6)]
        *kept, linked = await asyncio.gather(*keeping, guests.link(data, me, token), return_exceptions=True)
        assert isinstance(linked, guests.Linked)
        promised = {one[0].id for one in kept if not isinstance(one, BaseException)}
        assert all(isinstance(one, list | errors.Unauthenticated) for one in kept)
        assert len(promised) == linked.moved
        await libraries.move_all(data)
        assert set(await libraries.seen(data, me)) == promised
    left = "select count(*) from ambrotype.media m join ambrotype.owner o on o.id = m.owner_id where o.kind = 'guest'"
    assert sql(admin, left) == [(0,)]


async def test_a_source_that_both_have_is_kept_twice(data: database.Database) -> None:
    token, guest = await libraries.guest(data)
    (theirs,) = await libraries.ids(data, guest, libraries.url(1))
    (mine,) = await libraries.ids(data, libraries.user(), libraries.url(1))
    await guests.link(data, libraries.user(), token)
    await libraries.move_all(data)
    assert await libraries.seen(data, libraries.user()) == [theirs, mine]
    (known,) = await libraries.keep(data, libraries.user(), libraries.url(1))
    assert (known.id, known.outcome) == (mine, "known")


async def test_a_slot_that_both_have_gets_the_guests_versions_behind_the_users(
    data: database.Database, admin: str
) -> None:
    place = {"project": "film", "slot": "scene_1"}
    token, guest = await libraries.guest(data)
    theirs = await libraries.ids(data, guest, libraries.url(1), libraries.url(2), **place)
    mine = await libraries.ids(data, libraries.user(), libraries.url(1), libraries.url(3), **place)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("update ambrotype.slot set current_id = %s where last_version = 2 and owner_id ="
                           " (select owner_id from ambrotype.media where id = %s)", [mine[0], mine[0]])  # fmt: skip
    await guests.link(data, libraries.user(), token)
    await libraries.move_all(data)
    versions = sql(admin, "select id, version from ambrotype.media order by version")
    assert versions == [(mine[0], 1), (mine[1], 2), (theirs[0], 3), (theirs[1], 4)]
    assert sql(admin, "select last_version, current_id from ambrotype.slot") == [(4, mine[0])]
    (later,) = await libraries.ids(data, libraries.user(), libraries.url(9), **place)
    assert sql(admin, "select version from ambrotype.media where id = %s", later) == [(5,)]


async def test_a_slot_of_the_guest_alone_comes_along_with_its_current_version(
    data: database.Database, admin: str
) -> None:
    token, guest = await libraries.guest(data)
    items = await libraries.ids(data, guest, libraries.url(1), libraries.url(2), project="film", slot="hero")
    libraries.arrive(admin, items)
    sql(admin, "update ambrotype.slot set current_id = %s", items[1])
    await guests.link(data, libraries.user(), token)
    await libraries.move_all(data)
    found = sql(
        admin,
        "select s.last_version, s.current_id, o.kind from ambrotype.slot s join ambrotype.owner o on o.id = s.owner_id",
    )
    assert found == [(2, items[1], "user")]


async def test_everything_that_hangs_on_an_item_comes_along(data: database.Database, admin: str) -> None:
    token, guest = await libraries.guest(data)
    (parent,) = await libraries.ids(data, guest, libraries.url("parent"))
    (child,) = await libraries.ids(
        data, guest, libraries.url("child"), title="a fox", parents=[{"id": str(parent), "role": "base_image"}]
    )
    (trashed,) = await libraries.ids(data, guest, libraries.url("trashed"))
    libraries.arrive(admin, [trashed])
    sql(admin, "update ambrotype.media set deleted_at = now() where id = %s", trashed)
    await guests.link(data, libraries.user(), token)
    await libraries.move_all(data)
    user_id = sql(admin, "select id from ambrotype.owner where kind = 'user'")[0][0]
    for table in ("media", "media_text", "media_parent", "capture"):
        assert sql(admin, f"select distinct owner_id from ambrotype.{table}") == [(user_id,)], table
    async with data.transaction(libraries.user()) as tx:
        row = await rows.get(tx, child)
    assert row is not None
    assert row["parents"] == [{"id": str(parent), "role": "base_image"}]
    assert trashed in await libraries.seen(data, libraries.user())


async def test_every_table_of_an_owners_things_is_moved_or_named_here(data: database.Database, admin: str) -> None:
    stays = {"event", "guest_token", "usage", "usage_change"}
    body = "".join(str(row[0]) for row in sql(admin, "select prosrc from pg_proc where starts_with(proname, 'move_')"))
    # By triggers on media_text, media and the upload; generations stay written for the guest, and are read by `former_owners()`.
    follows = {"media_tag", "rendition", "upload"}
    stays |= {"generation", "following"}
    tables = sql(
        admin,
        "select table_name from information_schema.columns"
        " join information_schema.tables using (table_schema, table_name)"
        " where table_schema = 'ambrotype' and column_name = 'owner_id' and table_type = 'BASE TABLE'",
    )
    assert {
        str(name) for (name,) in tables if f"update {name} " not in body and f"from {name} " not in body
    } - stays - follows == set()


async def test_collections_and_shares_come_along(data: database.Database, admin: str) -> None:
    token, guest = await libraries.guest(data)
    (alone,) = await libraries.ids(data, guest, libraries.url(1), project="film", slot="alone")
    (both,) = await libraries.ids(data, guest, libraries.url(2), project="film", slot="both")
    (mine,) = await libraries.ids(data, libraries.user(), libraries.url(3), project="film", slot="both")
    libraries.arrive(admin, [alone, both, mine])
    sql(
        admin,
        "update ambrotype.slot s set current_id = m.id from ambrotype.media m"
        " where (m.owner_id, m.slot) = (s.owner_id, s.name)",
    )
    guest_id = sql(admin, "select owner_id from ambrotype.media where id = %s", alone)[0][0]
    made = sql(
        admin,
        "insert into ambrotype.collection (id, owner_id, name) values (gen_random_uuid(), %s, 'mood') returning id",
        guest_id,
    )[0][0]
    sql(admin, "insert into ambrotype.collection_item values (%s, %s, %s, 1, null, now())", made, alone, guest_id)
    for place in ("alone", "both"):
        sql(
            admin,
            "insert into ambrotype.share (id, owner_id, app, project, slot, kid, token_hash)"
            " values (gen_random_uuid(), %s, 'default', 'film', %s, 'k', sha256(%s::bytea))",
            guest_id,
            place,
            place,
        )
    shown = (
        "select coalesce(s.media_id, sl.current_id) from ambrotype.share s left join ambrotype.slot sl"
        " on (sl.owner_id, sl.project, sl.name) = (s.owner_id, s.project, s.slot) order by s.token_hash = sha256('both')"
    )
    assert sql(admin, shown) == [(alone,), (both,)]
    await guests.link(data, libraries.user(), token)
    await libraries.move_all(data)
    assert sql(admin, shown) == [(alone,), (both,)]
    user_id = sql(admin, "select id from ambrotype.owner where kind = 'user'")[0][0]
    for table in ("collection", "collection_item", "share", "slot"):
        assert sql(admin, f"select distinct owner_id from ambrotype.{table}") == [(user_id,)], table


async def test_a_tombstone_and_its_events_stay_visible_to_the_user(data: database.Database, admin: str) -> None:
    token, guest = await libraries.guest(data)
    (item,) = await libraries.ids(data, guest, libraries.url(1))
    async with data.transaction(guest) as tx:
        await tx.run("select ambrotype.discard(%(id)s, 'deleted')", id=item)
    await guests.link(data, libraries.user(), token)
    for _ in range(2):
        async with data.transaction(libraries.user()) as tx:
            found = await rows.deliverable(tx, item)
            events = await rows.events(tx, item, after=0, most=10)
        assert found is not None
        assert found["mine"]
        assert [one["type"] for one in events] == ["media.keeping", "media.purged"]
        await libraries.move_all(data)


async def test_ten_thousand_items_are_linked_at_once_and_lists_are_right_all_the_while(
    data: database.Database, admin: str
) -> None:
    token, guest = await libraries.guest(data)
    await libraries.ids(data, guest, libraries.url("first"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            "with made as (insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name,"
            " layout, created_at) select gen_random_uuid(), 'default', o.id, 'keeping', 'image', 'generation',"
            " 'private', 'a.png',"
            " 'default', now() + n * interval '1 second' from ambrotype.owner o, generate_series(2, %s) as n"
            " where o.kind = 'guest' returning id, owner_id)"
            " insert into ambrotype.media_text (media_id, owner_id) select id, owner_id from made",
            [MANY],
        )
        connection.execute("analyze ambrotype.media")
    me = libraries.user()
    began = time.monotonic()
    linked = await guests.link(data, me, token)
    took = time.monotonic() - began
    assert linked.moved == MANY
    all_of_them = await libraries.seen(data, me)
    assert len(set(all_of_them)) == MANY
    moving = asyncio.create_task(libraries.move_all(data))
    looks = 0
    while not moving.done() or looks == 0:
        assert await libraries.seen(data, me) == all_of_them
        looks += 1
    await moving
    assert await libraries.seen(data, me) == all_of_them
    assert sql(admin, "select count(*) from ambrotype.owner where moved_at is not null") == [(1,)]
    assert took < 30, "not a measurement: a link must not take the time of a move"


@pytest.mark.parametrize(
    "statement",
    [
        "update ambrotype.owner set merged_into = null, linked_at = null where kind = 'guest'",
        "update ambrotype.owner set subject = 'x' where kind = 'guest'",
        "delete from ambrotype.owner where kind = 'guest'",
        "update ambrotype.owner set merged_into = (select id from ambrotype.owner where kind = 'guest'),"
        " linked_at = now() where kind = 'user'",
    ],
)
async def test_the_database_itself_refuses_to_undo_or_chain_links(
    data: database.Database, admin: str, statement: str
) -> None:
    token, _ = await libraries.guest(data)
    await guests.link(data, libraries.user(), token)
    with pytest.raises(psycopg.errors.IntegrityError):
        sql(admin, statement)


async def test_a_guests_token_is_stored_as_its_hash_only_and_ends_by_itself(
    data: database.Database, admin: str
) -> None:
    token, _ = await libraries.guest(data)
    ((row,),) = sql(admin, "select t::text from ambrotype.guest_token t")
    assert token.removeprefix(guests.PREFIX) not in str(row)
    (expires_at,) = sql(admin, "select expires_at from ambrotype.guest_token")[0]
    assert isinstance(expires_at, datetime.datetime)
    assert expires_at > datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=364)
    sql(admin, "update ambrotype.guest_token set expires_at = now()")
    with pytest.raises(errors.Unauthenticated):
        await guests.principal(data, token, app=None, owner=None)


async def test_a_guest_sees_neither_other_guests_nor_the_user_of_the_same_name(data: database.Database) -> None:
    _, one = await libraries.guest(data, session_id="42")
    _, other = await libraries.guest(data, session_id="43")
    mine = await libraries.ids(data, one, libraries.url(1))
    await libraries.ids(data, other, libraries.url(2))
    await libraries.ids(data, libraries.user("42"), libraries.url(3))
    assert await libraries.seen(data, one) == mine
    assert isinstance(mine[0], uuid.UUID)
