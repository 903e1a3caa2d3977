"""A hundred times as many items of other people cost an owner nothing: what a page reads does not grow with them.

Counted in pages of the database that a list touches, which is the same on every machine; `SOAK_ITEMS` asks for another size.
"""

import json
import os
from pathlib import Path

import psycopg
import pytest
from bench import library, shelves

from ambrotype.records import embedded, migrate

SMALL = 100_000
LARGE = int(os.environ.get("SOAK_ITEMS", "10000000"))
ORDERS = (("created_at", True), ("created_at", False), ("size", True), ("title", False), ("source_expires_at", False))
ROOM = 400
"""Pages that a statement may touch more in any case: an index is a level deeper, and a plan another one."""


def touched(folder: Path, n: int) -> dict[tuple[str, str, bool], int]:
    """Pages touched by the first page of an owner of a thousand items, for each filter and order, among `n` items."""
    folder.mkdir()
    cluster = embedded.Cluster(folder)
    cluster.join()
    try:
        migrate.apply(cluster.dsn("postgres"))
        shelves.fill(cluster.dsn("postgres"), n)
        with psycopg.connect(cluster.dsn("ambrotype")) as connection:
            found = {}
            for name, given in shelves.FILTERS.items():
                for column, down in ORDERS:
                    found[name, column, down] = _touched(connection, given, column, descending=down)
        with psycopg.connect(cluster.dsn("postgres")) as connection:
            row = connection.execute("select seq_tup_read from pg_stat_user_tables where relname = 'media'").fetchone()
        assert row is not None
        assert row[0] <= 3 * n  # filling reads it: nothing else does
    finally:
        cluster.leave()
    return found


def _touched(
    connection: psycopg.Connection[tuple[object, ...]], given: object, column: str, *, descending: bool
) -> int:
    with connection.transaction():
        connection.execute(
            "select set_config('role', 'ambrotype_app', true), set_config('request.jwt.claims', %s, true)",
            [json.dumps({"sub": library.SMALL})],
        )
        values = [json.dumps(given), column, descending]
        asked = "ambrotype.media_heads(%s::jsonb, %s, %s, null, null, 51)"
        connection.execute(f"select {asked}".encode(), values)  # what a session reads once
        row = connection.execute(f"explain (analyze, buffers, format json) select {asked}".encode(), values).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]  # type: ignore[index]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_a_page_reads_no_more_among_a_hundred_times_as_many_items(tmp_path: Path) -> None:
    among_few = touched(tmp_path / "few", SMALL)
    among_many = touched(tmp_path / "many", LARGE)
    worse = {
        case: (among_few[case], among_many[case])
        for case in among_few
        if among_many[case] > 1.5 * among_few[case] + ROOM
    }
    assert worse == {}
