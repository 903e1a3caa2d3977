"""A real PostgreSQL for tests: one embedded cluster a test process, a migrated database of its own for each test."""

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from ambrotype.records import database, embedded, migrate


@pytest.fixture(scope="session")
def cluster() -> Iterator[embedded.Cluster]:
    """An embedded cluster with a migrated template."""
    folder = Path(tempfile.mkdtemp(prefix="ambrotype-test-"))
    made = embedded.Cluster(folder)
    made.join()
    try:
        migrate.apply(made.dsn("postgres"))
        yield made
    finally:
        made.leave()
        shutil.rmtree(folder)


@pytest.fixture
def admin(cluster: embedded.Cluster) -> Iterator[str]:
    """Connection string of the database's owner, on a fresh migrated database."""
    name = f"t{uuid.uuid4().hex}"
    maintenance = conninfo.make_conninfo(cluster.dsn("postgres"), dbname="postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"create database {name} template ambrotype".encode())
        try:
            yield conninfo.make_conninfo(cluster.dsn("postgres"), dbname=name)
        finally:
            connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def service(admin: str) -> str:
    """Connection string of what the service logs in as: no superuser, owner of nothing."""
    return conninfo.make_conninfo(admin, user="ambrotype")


@pytest.fixture
async def data(service: str) -> AsyncIterator[database.Database]:
    """The database as the service sees it."""
    opened = database.Database(service)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
