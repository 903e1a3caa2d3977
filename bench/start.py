"""From starting the process to the first kept URL: on an empty folder, and on one that has been used."""

import time
import urllib.parse
from pathlib import Path

from bench import server
from bench.place import Place
from bench.report import Figure, spread


def measure(place: Place) -> list[Figure]:
    """All figures of this part."""
    cold, warm = [], []
    for turn in range(place.rounds):
        data = place.folder / f"start{turn}"
        cold.append(_to_first_kept(place, data, f"cold{turn}"))
        warm.append(_to_first_kept(place, data, f"warm{turn}"))
    return [
        Figure(
            measure=f"start on {what}, to the first kept URL",
            ours=spread(took, "s", digits=2),
            target=f"< {most} s",
            reached=sorted(took)[len(took) // 2] < most,
        )
        for what, took, most in (("an empty folder", cold, 5), ("a used folder", warm, 2))
    ]


def _to_first_kept(place: Place, data: Path, version: str) -> float:
    url = place.source.pictures(1, version=version)[0]
    began = time.perf_counter()
    with server.launched(data, place.source, command=place.command) as ours:
        server.await_ready(ours)
        found = ours.keep(url)
        took = time.perf_counter() - began
        _served(ours, found["url"])
    return took


def _served(ours: server.Server, url: str) -> None:
    """Raises RuntimeError unless the permanent URL works."""
    status, body = ours.get(urllib.parse.urlsplit(url).path)
    if status != 200 or not body:
        raise RuntimeError(f"{url} answered {status}.")
