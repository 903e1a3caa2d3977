"""Brings the schema up to date: numbered plain SQL files, each once, in order, under a lock.

Runs as the database's owner, on a direct connection: a transaction pooler does not keep the lock.
"""

import hashlib
import importlib.resources
import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from ambrotype.core import errors

ROLES = ("ambrotype_app", "ambrotype_service", "ambrotype_worker")
"""What the service runs as. `ambrotype_owner` owns the tables and is nobody's; `ambrotype` may log in and become one of these."""

_LOCK = 0x616D6272  # "ambr"; advisory locks are a namespace shared with the database's other users


def migrations() -> Iterator[tuple[int, str, str]]:
    """(number, name, SQL) of each migration, in order."""
    folder = importlib.resources.files("ambrotype.records") / "migrations"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        found = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if found:
            yield int(found[1]), found[2], file.read_text()


def apply(conninfo: str) -> list[str]:
    """Applies what is missing and returns the names of what it applied. Safe to call from many processes at once."""
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=30) as connection:
            if connection.info.server_version < 150000:
                raise errors.InvalidSetting(
                    "AMBROTYPE_DATABASE_URL: Ambrotype needs PostgreSQL 15 or newer, this is"
                    f" {connection.info.server_version // 10000}."
                )
            connection.execute("select pg_advisory_lock(%s)", [_LOCK])
            return _apply(connection)
    except psycopg.OperationalError as problem:
        raise errors.Unavailable(f"The database does not answer: {str(problem).strip().splitlines()[0]}") from problem
    except psycopg.errors.InsufficientPrivilege as problem:
        raise errors.InvalidSetting(
            f"The database user may not set up Ambrotype ({problem.diag.message_primary}); it needs CREATEROLE and CREATE "
            "on the database, or name such a user in AMBROTYPE_DATABASE_DIRECT_URL."
        ) from problem


def _apply(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    if connection.execute("select to_regclass('ambrotype.migration') is not null").fetchone() != (True,):
        with connection.transaction():
            _prepare(connection)
    known: dict[int, str] = dict(connection.execute("select number, digest from ambrotype.migration").fetchall())
    ours = list(migrations())
    if known and max(known) > max(number for number, _, _ in ours):
        raise errors.InvalidSetting(
            f"The database was made by a newer Ambrotype (schema {max(known)}); this one knows {ours[-1][0]}. Update Ambrotype."
        )
    done = []
    for number, name, text in ours:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if number in known:
            if known[number] != digest:
                raise errors.InvalidSetting(
                    f"Migration {number:04} was changed after it had been applied to this database."
                )
            continue
        with connection.transaction():
            connection.execute("set local role ambrotype_owner")
            connection.execute(text.encode())
            connection.execute(
                "insert into ambrotype.migration (number, name, digest) values (%s, %s, %s)",
                [number, name, digest],
            )
        done.append(f"{number:04}_{name}")
    return done


def _prepare(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Roles (they belong to the whole server, and may be there from another database), schema, the jobs' tables."""
    for role in ("ambrotype_owner", *ROLES):
        connection.execute(
            sql.SQL(
                "do $$ begin create role {} nologin nobypassrls; exception when duplicate_object then null; end $$"
            ).format(sql.Identifier(role))
        )
    connection.execute(
        "do $$ begin create role ambrotype login noinherit nobypassrls; exception when duplicate_object then null; end $$"
    )
    me = sql.Identifier(connection.info.user)
    for role in ("ambrotype_owner", *ROLES):
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), me))
    for role in ROLES:
        connection.execute(sql.SQL("grant {} to ambrotype").format(sql.Identifier(role)))
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("grant create on database {} to ambrotype_owner").format(database))
    connection.execute("set local role ambrotype_owner")
    connection.execute("create schema ambrotype")
    connection.execute(
        "create table ambrotype.migration (number integer primary key, name text not null, digest text not null,"
        " applied_at timestamptz not null default now())"
    )
    connection.execute("create schema ambrotype_jobs")
    connection.execute("set local search_path = ambrotype_jobs")
    import procrastinate.schema  # needed once in a database's life

    connection.execute(procrastinate.schema.SchemaManager.get_schema().encode())
    for statement in (
        "grant usage on schema ambrotype_jobs to ambrotype_app, ambrotype_service, ambrotype_worker",
        "grant select, insert, update, delete on all tables in schema ambrotype_jobs"
        " to ambrotype_app, ambrotype_service, ambrotype_worker",
        "grant usage on all sequences in schema ambrotype_jobs to ambrotype_app, ambrotype_service, ambrotype_worker",
    ):
        connection.execute(statement.encode())
