"""One statement in one round trip: as whom it runs, what stays of that, and what a dead connection does to it."""

import psycopg
import pytest

from ambrotype.core import owners
from ambrotype.records import database

_ME = "select current_user as role, ambrotype.claims() ->> 'sub' as sub, %(word)s::text as word"


def _principal(subject: str) -> owners.Principal:
    return owners.Principal(role="app", app="default", owner=owners.parse(f"user:{subject}"), key_id=None)


async def test_it_runs_as_the_one_it_is_for(data: database.Database) -> None:
    tricky = "o'brien\\ %s %(id)s \u00e9;--"

    found = await data.lookup(_principal(tricky)).one(_ME, word=tricky)

    assert found == {"role": "ambrotype_app", "sub": tricky, "word": tricky}


async def test_nothing_of_it_stays_on_the_connection(data: database.Database) -> None:
    await data.lookup(owners.ADMINISTRATOR).one(_ME, word="")

    found = await data.lookup(database.NOBODY).one(_ME, word="")
    async with data._pool.connection() as connection:
        rest = await (
            await connection.execute("select current_user as role, current_setting('request.jwt.claims', true) as c")
        ).fetchone()

    assert found is not None
    assert (found["role"], found["sub"]) == ("ambrotype_app", None)
    assert rest is not None
    assert rest["role"] not in ("ambrotype_app", "ambrotype_service")
    assert not rest["c"]


async def test_a_connection_that_died_unnoticed_is_replaced(data: database.Database, admin: str) -> None:
    await data.lookup(database.NOBODY).one(_ME, word="")
    with psycopg.connect(admin, autocommit=True) as boss:
        boss.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

    found = await data.lookup(database.NOBODY).one(_ME, word="still there")

    assert found is not None
    assert found["word"] == "still there"


async def test_a_mistake_in_the_statement_is_raised(data: database.Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        await data.lookup(database.NOBODY).one("select from ambrotype.no_such_table")
    assert await data.lookup(database.NOBODY).one(_ME, word="goes on") is not None
