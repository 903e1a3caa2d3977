"""Taking in: many small files and one large one, against the bare client; memory while the large one passes."""

import asyncio
import gc
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import bare, processes, server
from bench.place import Place
from bench.report import Figure, median, spread
from bench.source import MIB, SMALL


def measure(place: Place) -> list[Figure]:
    """All figures of this part."""
    with place.server("capture") as ours:
        at_rest = processes.memory(ours.process, data=ours.data)
        figures = _small(place, ours)
        with processes.peak(ours.process, data=ours.data) as seen:
            figures += _large(place, ours)
        return [*figures, *_memory(at_rest, seen)]


def _small(place: Place, ours: server.Server) -> list[Figure]:
    def capture(turn: int) -> float:
        took = ours.keep_all(place.source.pictures(version=str(turn)))
        ours.drop_files()
        return took

    def download(turn: int) -> float:
        return asyncio.run(bare.take(place.source.pictures(version=f"bare{turn}"), _clean(place.folder / "bare")))

    mine, theirs = _in_turn(place.rounds + 2, capture, download)
    rates, baseline = [SMALL / took for took in mine], [SMALL / took for took in theirs]
    ratio = median(rates) / median(baseline)
    return [
        Figure(
            measure=f"{SMALL} × 1 MiB, 8 at once, from `POST /v1/keep/batch` to all kept",
            ours=spread(rates, "/s"),
            baseline=f"bare client {spread(baseline, '/s')}",
            ratio=ratio,
            target="≥ 0.5",
            reached=ratio >= 0.5,
        )
    ]


def _large(place: Place, ours: server.Server) -> list[Figure]:
    url = place.source.video(place.large)

    def capture(turn: int) -> float:
        began = time.perf_counter()
        ours.keep(url, again=True)
        took = time.perf_counter() - began
        ours.drop_files()
        return took

    def download(turn: int) -> float:
        folder = _clean(place.folder / "bare")
        took = asyncio.run(bare.take([f"{url}?{turn}"], folder))
        shutil.rmtree(folder)
        return took

    mine, theirs = _in_turn(place.rounds + 2, capture, download)
    rates, baseline = ([place.large / took / 1e6 for took in each] for each in (mine, theirs))
    ratio = median(rates) / median(baseline)
    return [
        Figure(
            measure=f"one file of {place.large // MIB:,} MiB, from `POST /v1/keep` to kept",
            ours=spread(rates, "MB/s"),
            baseline=f"bare client {spread(baseline, 'MB/s')}",
            ratio=ratio,
            target="≥ 0.8",
            reached=ratio >= 0.8,
        )
    ]


def _memory(at_rest: processes.Memory, seen: list[processes.Memory]) -> list[Figure]:
    def shown(pick: Callable[[processes.Memory], Any]) -> str:
        return f"{pick(at_rest) / MIB:.0f} MiB at rest, {max(map(pick, seen)) / MIB:.0f} at most"

    return [
        Figure(
            measure="memory while that passes: all our processes, resident", ours=shown(lambda m: sum(m.interpreters))
        ),
        Figure(measure="… the largest of them", ours=shown(lambda m: max(m.interpreters))),
        Figure(measure="… the children that read media", ours=shown(lambda m: sum(m.decoders))),
        Figure(measure="… the embedded PostgreSQL (proportional share)", ours=shown(lambda m: m.database)),
    ]


def _in_turn(
    turns: int, mine: Callable[[int], float], theirs: Callable[[int], float]
) -> tuple[list[float], list[float]]:
    """Seconds of both sides, one after the other, so that both meet the same weather; the first turn warms up."""
    pairs = []
    for turn in range(turns + 1):
        gc.collect()
        pairs.append((mine(turn), theirs(turn)))
    return [pair[0] for pair in pairs[1:]], [pair[1] for pair in pairs[1:]]


def _clean(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
