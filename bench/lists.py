"""Lists over HTTP: pages a second beside a bare route on the same rows, and a guest whose library changes hands."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg

from bench import bare_list, processes, server, shelves
from bench.place import Place
from bench.report import Figure, median, spread

AT_ONCE = 8
GUEST = "bench"
MOVED = 10_000


def measure(place: Place, folder: Path, admin: str, *, subject: str) -> list[Figure]:
    """Of the owner with this subject, on the filled data folder."""
    with psycopg.connect(admin, autocommit=True) as connection:
        row = connection.execute("select id from ambrotype.owner where subject = %s", [subject]).fetchone()
    with (
        server.serving(folder, place.source, command=place.command) as ours,
        processes.started(
            [sys.executable, "-m", "bench.bare_list", str(port := processes.free_port())],
            log=folder.with_suffix(".bare.log"),
            environment=os.environ | {"BARE_DSN": admin, "BARE_OWNER": str(row[0] if row else "")},
        ),
    ):
        _await(f"http://127.0.0.1:{port}/")
        figures = [_order(place, ours, f"http://127.0.0.1:{port}/", subject, sort) for sort in bare_list.ORDERS]
        return [*figures, *_linked(ours, admin)]


def _order(place: Place, ours: server.Server, bare: str, subject: str, sort: str) -> Figure:
    who = (f"Authorization: Bearer {server.KEY}", f"Ambrotype-Owner: user:{subject}")
    rates: tuple[list[float], list[float]] = [], []
    for _ in range(place.rounds):
        rates[0].append(_wrk(f"{ours.base}/v1/media?limit=50&sort={sort}", who, seconds=place.seconds))
        rates[1].append(_wrk(f"{bare}?sort={sort}", (), seconds=place.seconds))
    ratio = median(rates[0]) / median(rates[1])
    return Figure(
        measure=f"GET /v1/media, 50 items by `{sort}`, {AT_ONCE} at once, one API process",
        ours=spread(rates[0], "/s"),
        baseline=f"bare route {spread(rates[1], '/s')}",
        ratio=ratio,
        target="≥ 0.6, and > 1,100 /s",
        reached=ratio >= 0.6 and median(rates[0]) > 1100,
    )


def _wrk(url: str, headers: tuple[str, ...], *, seconds: float) -> float:
    """Requests a second."""
    given = [part for header in headers for part in ("-H", header)]
    done = subprocess.run(
        ["wrk", "-t1", f"-c{AT_ONCE}", f"-d{seconds:.0f}s", *given, url], capture_output=True, text=True, check=True
    )
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"wrk: {done.stdout} {done.stderr}")
    return float(found[1])


def _linked(ours: server.Server, admin: str) -> list[Figure]:
    """A guest of `MOVED` items is linked: the call, what a list shows at once, and when the last row has moved."""
    token = ours.ask("POST", "/v1/guests", {"session_id": GUEST})["token"]
    shelves.give(admin, GUEST, MOVED)
    user = {"Ambrotype-Owner": "user:linked"}
    began = time.perf_counter()
    told = ours.ask("POST", "/v1/guests/link", {"guest_token": token}, headers=user)
    took = time.perf_counter() - began
    seen = {_count(ours, user)}
    with psycopg.connect(admin, autocommit=True) as connection:
        moving = "select count(*) from ambrotype.owner where merged_into is not null and moved_at is null"
        while (connection.execute(moving).fetchone() or [0])[0]:
            seen.add(_count(ours, user))
            time.sleep(0.2)
    whole = time.perf_counter() - began
    seen.add(_count(ours, user))
    right = told["moved"] == MOVED and seen == {MOVED}
    return [
        Figure(
            measure=f"linking a guest of {MOVED:,} items: the call; all are in the user's list from then on",
            ours=f"{took * 1e3:.0f} ms; {'always' if right else f'saw {sorted(seen)} of'} {MOVED:,}",
            target="< 2 s",
            reached=took < 2 and right,
        ),
        Figure(measure="… until the last row has moved behind it", ours=f"{whole:.1f} s"),
    ]


def _count(ours: server.Server, user: dict[str, str]) -> int:
    return sum(ours.ask("GET", "/v1/media/facets", headers=user)["kind"].values())


def _await(url: str) -> None:
    end = time.monotonic() + server.PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
