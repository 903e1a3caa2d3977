"""The schema comes up once, in order, under a lock, and also where the database's owner is no superuser."""

import asyncio
import urllib.parse
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from ambrotype import app, settings
from ambrotype.core import errors, owners
from ambrotype.library import listing
from ambrotype.records import embedded, migrate


@pytest.fixture
def hosted(cluster: embedded.Cluster) -> Iterator[str]:
    """An empty database whose owner may create roles and is no superuser, as hosters give one."""
    name = f"h{uuid.uuid4().hex}"
    maintenance = conninfo.make_conninfo(cluster.dsn("postgres"), dbname="postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"create role {name} login createrole".encode())
        for role in ("ambrotype_owner", "ambrotype_app", "ambrotype_service", "ambrotype_worker", "ambrotype"):
            # Another database of this server made them before; on PostgreSQL 16 that keeps their admin.
            connection.execute(f"grant {role} to {name} with admin option".encode())
        connection.execute(f"create database {name} owner {name}".encode())
        try:
            yield conninfo.make_conninfo(cluster.dsn("postgres"), dbname=name, user=name)
        finally:
            connection.execute(f"drop database {name} with (force)".encode())
            for role in ("ambrotype_owner", "ambrotype_app", "ambrotype_service", "ambrotype_worker", "ambrotype"):
                connection.execute(f"revoke {role} from {name} cascade".encode())
            connection.execute(f"drop role {name}".encode())


def url(dsn: str) -> str:
    parts = conninfo.conninfo_to_dict(dsn)
    host = urllib.parse.quote(str(parts["host"]), safe="")
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={host}"


def test_applying_twice_changes_nothing(hosted: str) -> None:
    assert migrate.apply(hosted) == [f"{number:04}_{name}" for number, name, _ in migrate.migrations()]
    assert migrate.apply(hosted) == []


async def test_processes_that_start_at_once_apply_each_migration_once(hosted: str) -> None:
    done = await asyncio.gather(*(asyncio.to_thread(migrate.apply, hosted) for _ in range(4)))
    assert sorted(name for names in done for name in names) == [
        f"{number:04}_{name}" for number, name, _ in migrate.migrations()
    ]


def test_a_newer_schema_stops_the_start(hosted: str) -> None:
    migrate.apply(hosted)
    with psycopg.connect(hosted, autocommit=True) as connection:
        connection.execute("set role ambrotype_owner")
        connection.execute("insert into ambrotype.migration (number, name, digest) values (9999, 'future', 'x')")
    with pytest.raises(errors.InvalidSetting, match="newer Ambrotype"):
        migrate.apply(hosted)


def test_a_changed_migration_stops_the_start(hosted: str) -> None:
    migrate.apply(hosted)
    with psycopg.connect(hosted, autocommit=True) as connection:
        connection.execute("set role ambrotype_owner")
        connection.execute("update ambrotype.migration set digest = 'x' where number = 1")
    with pytest.raises(errors.InvalidSetting, match="0001 was changed"):
        migrate.apply(hosted)


async def test_a_hosted_database_serves_without_a_superuser(hosted: str, tmp_path: Path) -> None:
    given = settings.load(
        environment={"AMBROTYPE_DATABASE_URL": url(hosted), "AMBROTYPE_DATA": str(tmp_path), "AMBROTYPE_MIN_FREE": "0"}
    )
    async with app.opened(given) as opened:
        page = await listing.page(
            opened.data, owners.Principal(role="app", owner=owners.parse("user:1")), opened.addresses
        )
        assert page.items == []
    assert not (tmp_path / "postgres").exists()


async def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    given = settings.load(
        environment={"AMBROTYPE_DATABASE_URL": "postgresql://127.0.0.1:1/x", "AMBROTYPE_DATA": str(tmp_path)}
    )
    with pytest.raises(errors.Unavailable, match="The database does not answer"):
        async with app.opened(given):
            pass
