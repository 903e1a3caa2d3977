"""Lists, search and facets of a library of a million items: in the database, and over HTTP."""

import json
import statistics
import time
from typing import Any

import psycopg

from ambrotype.records import embedded, migrate
from bench import lists, report, shelves
from bench.place import Place

LARGE, MIDDLE, SMALL = "1", "2", "7"
"""Subjects of owners with three tenths, a tenth, and about a thousandth of all."""
_DOWN = True
"""Newest first."""

LISTED = (
    "select left(r, 36), v from ambrotype.media_heads(%s::jsonb, %s, %s, %s, %s::uuid, 51) as h,"
    " unnest(h.revisions, h.sort_values) as u (r, v)"
)


def measure(place: Place) -> list[report.Figure]:
    """The worst of the first pages, deep pages, facets and relevance, as the app's role under its policies."""
    n = 1_000_000 if place.rounds > 1 else 20_000
    folder = place.folder / "library"
    folder.mkdir()
    cluster = embedded.Cluster(folder)
    cluster.join()
    try:
        migrate.apply(cluster.dsn("postgres"))
        shelves.fill(cluster.dsn("postgres"), n)
        with psycopg.connect(cluster.dsn("ambrotype")) as connection:
            figures = [_first_pages(connection, subject, n) for subject in (LARGE, MIDDLE, SMALL)]
            figures.append(_deep(connection, n))
            for subject, size in ((MIDDLE, n // 10), (LARGE, n * 3 // 10)):
                figures += _counts(connection, subject, size)
            figures.append(_scans(cluster.dsn("postgres")))
        figures += lists.measure(place, folder, cluster.dsn("postgres"), subject=MIDDLE)
        return figures
    finally:
        cluster.leave()


def _timed(connection: psycopg.Connection[Any], subject: str, sql: str, *values: object) -> tuple[float, list[Any]]:
    """Milliseconds, the median of five, and the rows: as that user, as a request does it."""
    times, rows = [], []
    for _ in range(6):
        with connection.transaction():
            connection.execute(
                "select set_config('role', 'ambrotype_app', true), set_config('request.jwt.claims', %s, true)",
                [json.dumps({"sub": subject})],
            )
            began = time.perf_counter()
            rows = connection.execute(sql.encode(), values).fetchall()
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[1:]), rows


def _first_pages(connection: psycopg.Connection[Any], subject: str, n: int) -> report.Figure:
    worst, where = 0.0, ""
    orders = (
        ("created_at", True),
        ("created_at", False),
        ("size", True),
        ("title", False),
        ("source_expires_at", False),
    )
    cases = [
        (f"{name} by {column}{' down' if down else ''}", given, column, down)
        for name, given in shelves.FILTERS.items()
        for column, down in orders
    ]
    for name, given, column, down in cases:
        took, _ = _timed(connection, subject, LISTED, json.dumps(given), column, down, None, None)
        if took > worst:
            worst, where = took, name
    return report.Figure(
        measure=f"first page of 50, {len(cases)} filters and orders, owner {_size(subject, n):,} of {n:,} items: the slowest",
        ours=f"{worst:.1f} ms ({where})",
        target="≤ 5 ms in the database",
        reached=worst <= 5,
    )


def _deep(connection: psycopg.Connection[Any], n: int) -> report.Figure:
    first, rows = _timed(connection, LARGE, LISTED, "{}", "created_at", _DOWN, None, None)
    value, last = rows[-1][1], rows[-1][0]
    for _ in range(min(100, n // 1000)):
        _, rows = _once(connection, LARGE, LISTED, "{}", "created_at", _DOWN, value, last)
        value, last = rows[-1][1], rows[-1][0]
    deep, _ = _timed(connection, LARGE, LISTED, "{}", "created_at", _DOWN, value, last)
    return report.Figure(
        measure="page 100 against page 1, the large owner",
        ours=f"{deep:.2f} ms",
        baseline=f"{first:.2f} ms",
        ratio=deep / first,
        target="≤ 1.5 × the first",
        reached=deep <= 1.5 * first,
    )


def _once(connection: psycopg.Connection[Any], subject: str, sql: str, *values: object) -> tuple[float, list[Any]]:
    with connection.transaction():
        connection.execute(
            "select set_config('role', 'ambrotype_app', true), set_config('request.jwt.claims', %s, true)",
            [json.dumps({"sub": subject})],
        )
        return 0.0, connection.execute(sql.encode(), values).fetchall()


def _counts(connection: psycopg.Connection[Any], subject: str, size: int) -> list[report.Figure]:
    facets, found = _timed(connection, subject, "select ambrotype.media_facets(%s::jsonb)", "{}")
    query = json.dumps({"query": shelves.FILTERS["word, common"]["query"]})
    best, _ = _timed(
        connection, subject, "select * from ambrotype.relevant_media(%s::jsonb, null::real, null::uuid, 51)", query
    )
    exact = "estimates" if found[0][0]["approximate"] else "exact"
    promised = size <= 100_000
    return [
        report.Figure(
            measure=f"facets of {size:,} items ({exact})",
            ours=f"{facets:.0f} ms",
            target="≤ 50 ms" if promised else "–",
            reached=facets <= 50 if promised else None,
        ),
        report.Figure(
            measure=f"relevance of a common word among {size:,} items",
            ours=f"{best:.0f} ms",
            target="≤ 50 ms" if promised else "–",
            reached=best <= 50 if promised else None,
        ),
    ]


def _scans(admin: str) -> report.Figure:
    """Sequential scans of `media` that all of the above has made."""
    with psycopg.connect(admin) as connection:
        row = connection.execute("select seq_scan from pg_stat_user_tables where relname = 'media'").fetchone()
    before = 3  # filling: tags, and the two passes of vacuum analyze
    scans = max(0, (row[0] if row else 0) - before)
    return report.Figure(measure="sequential scans of media", ours=str(scans), target="0", reached=scans == 0)


def _size(subject: str, n: int) -> int:
    return {LARGE: n * 3 // 10, MIDDLE: n // 10}.get(subject, 1000)
