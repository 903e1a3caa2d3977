"""A media item changes only along the arrows, and a kept one can't lose its bytes: checked with raw SQL, around the API."""

import itertools
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from ambrotype.core import ids, owners
from ambrotype.records import captures, database, workers

STATUSES = ("temporary", "keeping", "kept", "lost", "expired", "tombstone")
ARROWS = {
    ("temporary", "keeping"),
    ("expired", "keeping"),
    ("lost", "keeping"),
    ("keeping", "kept"),
    ("keeping", "lost"),
    ("temporary", "expired"),
    ("temporary", "tombstone"),
    ("keeping", "tombstone"),
    ("lost", "tombstone"),
    ("expired", "tombstone"),
}
WAY = {
    "temporary": ["temporary"],
    "keeping": ["keeping"],
    "kept": ["keeping", "kept"],
    "lost": ["keeping", "lost"],
    "expired": ["temporary", "expired"],
}
SET = {
    "kept": ", bucket = 'media', path = id::text, size = 1, content_type = 'image/png', sha256 = sha256('x'), kept_at = now()",
    "lost": ", lost_code = 'truncated', lost_detail = 'short', lost_retryable = true",
    "tombstone": ", gone_at = now(), gone_reason = 'test', lost_code = null, lost_detail = null, lost_retryable = null",
    "keeping": ", lost_code = null, lost_detail = null, lost_retryable = null",
}


@pytest.fixture
def root(admin: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The database's superuser: not even it gets past the guards by ordinary statements."""
    with psycopg.connect(admin, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner_id(root: psycopg.Connection[tuple[object, ...]]) -> uuid.UUID:
    made = ids.new()
    root.execute("insert into ambrotype.owner (id, app, kind, subject) values (%s, 'default', 'user', '42')", [made])
    return made


def item(root: psycopg.Connection[tuple[object, ...]], owner_id: uuid.UUID, status: str) -> uuid.UUID:
    made = ids.new()
    first, *rest = WAY[status]
    root.execute(
        "insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout)"
        " values (%s, 'default', %s, %s, 'image', 'generation', 'private', 'a.png', 'default')",
        [made, owner_id, first],
    )
    root.execute("insert into ambrotype.media_text (media_id, owner_id) values (%s, %s)", [made, owner_id])
    for step in rest:
        move(root, made, step)
    return made


def move(root: psycopg.Connection[tuple[object, ...]], media_id: uuid.UUID, status: str) -> None:
    root.execute(
        f"update ambrotype.media set status = %s{SET.get(status, '')} where id = %s".encode(), [status, media_id]
    )


def as_role(service: str, role: str, claims: str, statement: str) -> tuple[list[tuple[object, ...]], int]:
    """Rows and their number, of a statement that the service's login runs in this role, committed."""
    with psycopg.connect(service) as connection:
        connection.execute(
            "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)", [role, claims]
        )
        cursor = connection.execute(statement.encode())
        return (cursor.fetchall() if cursor.description else []), cursor.rowcount


@pytest.mark.parametrize(("before", "after"), list(itertools.product(WAY, STATUSES)))
def test_states_change_only_along_the_arrows(
    root: psycopg.Connection[tuple[object, ...]], owner_id: uuid.UUID, before: str, after: str
) -> None:
    made = item(root, owner_id, before)
    if before == after:
        return
    if (before, after) in ARROWS:
        move(root, made, after)
        return
    with pytest.raises(psycopg.errors.RestrictViolation):
        move(root, made, after)


@pytest.mark.parametrize("status", ["lost", "expired", "tombstone"])
def test_no_item_begins_at_its_end(
    root: psycopg.Connection[tuple[object, ...]], owner_id: uuid.UUID, status: str
) -> None:
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.RestrictViolation)):
        root.execute(
            "insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout)"
            " values (%s, 'default', %s, %s, 'image', 'generation', 'private', 'a.png', 'default')",
            [ids.new(), owner_id, status],
        )


@pytest.mark.parametrize(
    "change",
    [
        "path = 'elsewhere'",
        "bucket = 'elsewhere'",
        "size = 2",
        "sha256 = sha256('y')",
        "kept_at = now() + interval '1 second'",
        "path = null, status = 'lost', lost_code = 'x'",
    ],
)
def test_a_kept_item_cannot_lose_or_change_its_bytes(
    root: psycopg.Connection[tuple[object, ...]], owner_id: uuid.UUID, change: str
) -> None:
    made = item(root, owner_id, "kept")
    with pytest.raises((psycopg.errors.RestrictViolation, psycopg.errors.CheckViolation)):
        root.execute(f"update ambrotype.media set {change} where id = %s".encode(), [made])


def test_a_kept_item_ends_only_from_the_trash_and_by_a_recorded_purge(
    root: psycopg.Connection[tuple[object, ...]], owner_id: uuid.UUID
) -> None:
    made = item(root, owner_id, "kept")
    with pytest.raises(psycopg.errors.RestrictViolation):
        move(root, made, "tombstone")
    root.execute("update ambrotype.media set deleted_at = now() where id = %s", [made])
    with pytest.raises(psycopg.errors.RestrictViolation):
        move(root, made, "tombstone")
    root.execute(
        "insert into ambrotype.purge (media_id, bucket, path, decided_by, remove_after)"
        " values (%s, 'media', 'x', 'user:42', now() + interval '7 days')",
        [made],
    )
    move(root, made, "tombstone")
    with pytest.raises(psycopg.errors.RestrictViolation):
        root.execute("update ambrotype.media set name = 'other' where id = %s", [made])


@pytest.mark.parametrize("table", ["media", "media_text", "event", "purge"])
def test_nobody_truncates(root: psycopg.Connection[tuple[object, ...]], table: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation):
        root.execute(f"truncate ambrotype.{table} cascade".encode())


def test_nobody_deletes_a_media_row(root: psycopg.Connection[tuple[object, ...]], owner_id: uuid.UUID) -> None:
    made = item(root, owner_id, "temporary")
    root.execute("delete from ambrotype.media_text where media_id = %s", [made])
    with pytest.raises(psycopg.errors.RestrictViolation):
        root.execute("delete from ambrotype.media where id = %s", [made])


FORBIDDEN = (
    "delete from ambrotype.media",
    "truncate ambrotype.media",
    "delete from ambrotype.media_text",
    "delete from ambrotype.event",
    "update ambrotype.event set type = 'x'",
    "delete from ambrotype.purge",
    "insert into ambrotype.purge (media_id, bucket, path, decided_by, remove_after)"
    " select id, bucket, path, 'me', now() from ambrotype.media",
    "alter table ambrotype.media disable trigger all",
    "drop table ambrotype.media cascade",
    "set role ambrotype_owner",
    "create table ambrotype.mine (x int)",
    "set session_replication_role = replica",
    "select pg_read_file('/etc/passwd')",
    "copy ambrotype.media to program 'cat'",
    "alter role ambrotype superuser",
)


@pytest.mark.parametrize("role", ["ambrotype_app", "ambrotype_service", "ambrotype_worker"])
@pytest.mark.parametrize("statement", FORBIDDEN)
def test_no_role_of_the_service_can_destroy(
    root: psycopg.Connection[tuple[object, ...]], service: str, owner_id: uuid.UUID, role: str, statement: str
) -> None:
    item(root, owner_id, "kept")
    with pytest.raises(
        (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation, psycopg.errors.InvalidParameterValue)
    ):
        as_role(service, role, '{"sub": "42"}', statement)


@pytest.mark.parametrize("role", ["ambrotype_app", "ambrotype_service"])
def test_who_asks_cannot_say_where_bytes_lie(
    root: psycopg.Connection[tuple[object, ...]], service: str, owner_id: uuid.UUID, role: str
) -> None:
    """Else a row of one's own could point at another's object."""
    item(root, owner_id, "kept")
    made = item(root, owner_id, "keeping")
    for statement in (
        f"update ambrotype.media set path = 'theirs', bucket = 'media' where id = '{made}'",
        "insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout, bucket, path)"
        f" values (gen_random_uuid(), 'default', '{owner_id}', 'keeping', 'image', 'upload', 'private', 'a', 'default', 'b', 'p')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(service, role, '{"sub": "42"}', statement)


TABLES = ("media", "media_text", "media_parent", "slot", "capture", "event", "owner")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "claims",
    ['{"sub": "43"}', '{"sub": "42", "ambrotype_app": "other"}', '{"sub": "42", "ambrotype_kind": "guest"}', "{}", ""],
)
def test_strangers_see_and_count_nothing(
    root: psycopg.Connection[tuple[object, ...]], service: str, owner_id: uuid.UUID, table: str, claims: str
) -> None:
    item(root, owner_id, "kept")
    assert as_role(service, "ambrotype_app", claims, f"select count(*) from ambrotype.{table}")[0] == [(0,)]


def test_postgrest_claims_show_an_owner_their_own(
    root: psycopg.Connection[tuple[object, ...]], service: str, owner_id: uuid.UUID
) -> None:
    made = item(root, owner_id, "kept")
    claims = '{"sub": "42", "role": "authenticated", "aud": "authenticated"}'
    assert as_role(service, "ambrotype_app", claims, "select id from ambrotype.media")[0] == [(made,)]


def test_strangers_cannot_write_into_a_library(
    root: psycopg.Connection[tuple[object, ...]], service: str, owner_id: uuid.UUID
) -> None:
    theirs = item(root, owner_id, "kept")
    stranger = ids.new()
    root.execute(
        "insert into ambrotype.owner (id, app, kind, subject) values (%s, 'default', 'user', '43')", [stranger]
    )
    mine = item(root, stranger, "kept")
    claims = '{"sub": "43"}'
    assert (
        as_role(service, "ambrotype_app", claims, f"update ambrotype.media set name = 'x' where id = '{theirs}'")[1]
        == 0
    )
    for statement in (
        "insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout)"
        f" values (gen_random_uuid(), 'default', '{owner_id}', 'keeping', 'image', 'upload', 'private', 'a', 'default')",
        "insert into ambrotype.media_parent (media_id, parent_id, role, owner_id, position)"
        f" values ('{mine}', '{theirs}', 'reference', '{stranger}', 1)",
        f"insert into ambrotype.slot (owner_id, project, name, current_id) values ('{stranger}', 'p', 's', '{theirs}')",
        "insert into ambrotype.capture (media_id, owner_id, url, host, deadline)"
        f" values ('{theirs}', '{stranger}', 'http://x', 'x', now())",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(service, "ambrotype_app", claims, statement)


def test_deliverable_shows_the_source_only_to_its_owner(
    root: psycopg.Connection[tuple[object, ...]], service: str, owner_id: uuid.UUID
) -> None:
    made = item(root, owner_id, "keeping")
    root.execute("update ambrotype.media_text set source_url = 'https://x/?sig=1' where media_id = %s", [made])
    ask = f"select source_url, mine from ambrotype.deliverable('{made}')"
    assert as_role(service, "ambrotype_app", '{"sub": "42"}', ask)[0] == [("https://x/?sig=1", True)]
    assert as_role(service, "ambrotype_app", '{"sub": "43"}', ask)[0] == [(None, False)]
    assert as_role(service, "ambrotype_app", "{}", ask)[0] == [(None, False)]


def test_discard_and_purge_are_for_the_owner_alone(
    root: psycopg.Connection[tuple[object, ...]], service: str, owner_id: uuid.UUID
) -> None:
    waiting, kept = item(root, owner_id, "keeping"), item(root, owner_id, "kept")
    root.execute("update ambrotype.media set deleted_at = now() where id = %s", [kept])
    discard = f"select ambrotype.discard('{waiting}', 'deleted')"
    purge = f"select ambrotype.purge_item('{kept}', 'user:42', interval '7 days')"
    for statement in (discard, purge):
        assert as_role(service, "ambrotype_app", '{"sub": "43"}', statement)[0] == [(False,)]
        assert as_role(service, "ambrotype_app", '{"sub": "42"}', statement)[0] == [(True,)]
    assert root.execute("select distinct status from ambrotype.media").fetchall() == [("tombstone",)]


async def test_the_sweep_of_expired_rows_spares_parents_and_the_young(
    root: psycopg.Connection[tuple[object, ...]], data: database.Database, owner_id: uuid.UUID
) -> None:
    old, parent, child, kept = (item(root, owner_id, status) for status in ("expired", "expired", "keeping", "kept"))
    root.execute(
        "insert into ambrotype.media_parent (media_id, parent_id, role, owner_id, position) values (%s, %s, 'mask', %s, 1)",
        [child, parent, owner_id],
    )
    async with data.transaction(database.WORKER) as tx:
        assert await workers.sweep_expired(tx, days=30) == 0
    root.execute("alter table ambrotype.media disable trigger guard")
    root.execute("update ambrotype.media set updated_at = now() - interval '31 days'")
    root.execute("alter table ambrotype.media enable trigger guard")
    async with data.transaction(database.WORKER) as tx:
        assert await workers.sweep_expired(tx, days=30) == 1
    found = dict(root.execute("select id, status from ambrotype.media").fetchall())
    assert found == {old: "tombstone", parent: "expired", child: "keeping", kept: "kept"}


async def test_every_change_of_state_is_an_event_in_order(
    root: psycopg.Connection[tuple[object, ...]], owner_id: uuid.UUID
) -> None:
    made = item(root, owner_id, "lost")
    move(root, made, "keeping")
    move(root, made, "kept")
    root.execute("update ambrotype.media set deleted_at = now() where id = %s", [made])
    root.execute("update ambrotype.media set deleted_at = null where id = %s", [made])
    found = root.execute("select type from ambrotype.event where media_id = %s order by id", [made]).fetchall()
    assert [kind for (kind,) in found] == [
        "media.keeping", "media.lost", "media.keeping", "media.kept", "media.trashed", "media.restored",
    ]  # fmt: skip


async def test_concurrent_callers_put_one_source_in_once(data: database.Database) -> None:
    import asyncio

    from ambrotype.capture import accept, network, request
    from ambrotype.core import expiry, layout

    rules = accept.Rules(
        allowed_for_keys=network.NOTHING, allowed_for_all=network.NOTHING, visibility="private", layout="default",
        layouts=layout.PRESETS, retention=expiry.POLICY,
    )  # fmt: skip
    who = owners.Principal(role="app", owner=owners.parse("user:7"))

    async def keep(n: int) -> tuple[str, uuid.UUID | None]:
        asked = request.KeepRequest(url=f"https://example.com/{n % 3}.png", project="p", slot=f"s{n % 2}")
        (done,) = await accept.accept(data, who, [accept.acceptance(asked, rules=rules, trusted=True)])
        return f"{n % 3}/{n % 2}", done.id

    done = await asyncio.gather(*(keep(n) for n in range(48)))
    by_place = {place: {media_id for other, media_id in done if other == place} for place, _ in done}
    assert {len(found) for found in by_place.values()} == {1}
    assert len(by_place) == 6
    async with data.transaction(who) as tx:
        rows = await tx.all(
            "select slot, array_agg(version order by version) as versions from ambrotype.media group by slot"
        )
    assert {row["slot"]: row["versions"] for row in rows} == {"s0": [1, 2, 3], "s1": [1, 2, 3]}


async def test_an_owners_date_moves_an_item_to_the_trash_and_its_slot_to_the_version_before(
    root: psycopg.Connection[tuple[object, ...]], data: database.Database, owner_id: uuid.UUID
) -> None:
    root.execute("insert into ambrotype.slot (owner_id, project, name) values (%s, 'p', 's')", [owner_id])
    versions = []
    for number in (1, 2):
        made = ids.new()
        root.execute(
            "insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout, project, slot,"
            " version) values (%s, 'default', %s, 'keeping', 'image', 'upload', 'private', 'a', 'default', 'p', 's', %s)",
            [made, owner_id, number],
        )
        async with data.transaction(database.WORKER) as tx:
            await captures.kept(
                tx,
                made,
                captures.Bytes(
                    bucket="media",
                    path=str(made),
                    size=1,
                    sha256=b"x" * 32,
                    kind="image",
                    content_type="image/png",
                    width=1,
                    height=1,
                    duration=None,
                ),
            )
        versions.append(made)

    def current() -> object:
        found = root.execute("select current_id from ambrotype.slot").fetchone()
        assert found is not None
        return found[0]

    assert current() == versions[1]
    root.execute("update ambrotype.media set expires_at = now() - interval '1 day' where id = %s", [versions[1]])
    async with data.transaction(database.WORKER) as tx:
        assert await workers.trash_due(tx) == 1
        assert await workers.trash_due(tx) == 0
    assert current() == versions[0]
    root.execute("update ambrotype.media set deleted_at = now() where id = %s", [versions[0]])
    assert current() is None
    root.execute("update ambrotype.media set deleted_at = null where id = %s", [versions[1]])
    assert current() == versions[1]
