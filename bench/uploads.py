"""Uploading: many small files and one large one, against a bare receiver; memory while that passes."""

import gc
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from bench import processes, receiver, sending, server
from bench.place import Place
from bench.report import Figure, median, spread
from bench.source import MIB, SMALL

GROWTH = 64 * MIB
QUIET = 0.1
"""The share of a core below which our processes count as done with what an upload leaves them to do."""
PATIENCE = 120.0

PEERS = (
    ("200 × 1 MiB, 8 at once", "Directus 12.4 (import from URL) 70–94 /s; Supabase Storage (upload) 97–177 /s"),
    (
        "one file of 1,024 MiB",
        "Directus 12.4 in 2.1–6.2 s (173–511 MB/s); Supabase Storage in 3.1–8.3 s (129–346 MB/s)",
    ),
)
"""Measured in another run, on such a machine of 2 cores, with client and server on it: no ratio can be made of them."""


def measure(place: Place) -> list[Figure]:
    """All figures of this part."""
    received = place.folder / "received"
    with place.server("uploads") as ours, receiver.serving(received) as bare:
        at_rest = processes.memory(ours.process, data=ours.data)
        with processes.peak(ours.process, data=ours.data) as seen:
            figures = [
                *_small(place, ours, bare, received),
                *_large(place, ours, bare, received),
            ]
    return [*figures, *_memory(at_rest, seen), *_peers()]


def _small(place: Place, ours: server.Server, bare: str, received: Path) -> list[Figure]:
    files = [place.source.files / f"{n}.png" for n in range(SMALL)]
    took = _in_turn(place.rounds + 2, {"form": sending.form, "raw": sending.raw}, files, ours, bare, received)
    rates = {way: [SMALL / seconds for seconds in each] for way, each in took.items()}
    return [_against(f"{SMALL} × 1 MiB, 8 at once, by `POST /v1/uploads`", rates["form"], rates["raw"], "/s")]


def _large(place: Place, ours: server.Server, bare: str, received: Path) -> list[Figure]:
    place.source.video(place.large)
    files = [place.source.files / f"{place.large}.mp4"]
    ways = {"form": sending.form, "resumable": sending.resumable, "raw": sending.raw}
    took = _in_turn(place.rounds, ways, files, ours, bare, received)
    rates = {way: [place.large / seconds / 1e6 for seconds in each] for way, each in took.items()}
    measure = f"one file of {place.large // MIB:,} MiB"
    return [
        _against(f"{measure}, by `POST /v1/uploads`", rates["form"], rates["raw"], "MB/s"),
        _against(f"{measure}, resumably (TUS), in one PATCH", rates["resumable"], rates["raw"], "MB/s"),
    ]


def _in_turn(
    turns: int,
    ways: Mapping[str, sending.Way],
    files: Sequence[Path],
    ours: server.Server,
    bare: str,
    received: Path,
) -> dict[str, list[float]]:
    """Seconds of each way, one after the other; the first turn warms up. Pictures that are made of what came in are
    waited for, so that they take nothing from the next way, and files removed, as new memory is slow."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, way in ways.items():
            gc.collect()
            took = sending.took(way, bare if way is sending.raw else ours.base, files)
            if turn:
                seconds[name].append(took)
            if way is sending.raw:
                shutil.rmtree(received)
                received.mkdir()
            else:
                _until_quiet(ours)
                ours.drop_files()
    return seconds


def _until_quiet(ours: server.Server) -> None:
    end, before = time.monotonic() + PATIENCE, _worked(ours)
    while time.monotonic() < end:
        time.sleep(1)
        now = _worked(ours)
        if now - before < QUIET:
            return
        before = now


def _worked(ours: server.Server) -> float:
    """Seconds of CPU that its processes have had."""
    top = psutil.Process(ours.process.pid)
    total = 0.0
    for one in (top, *top.children(recursive=True)):
        try:
            spent = one.cpu_times()
        except psutil.Error:
            continue
        total += spent.user + spent.system
    return total


def _against(measure: str, mine: Sequence[float], bare: Sequence[float], unit: str) -> Figure:
    return Figure(
        measure=measure,
        ours=spread(mine, unit),
        baseline=f"bare receiver {spread(bare, unit)}",
        ratio=median(mine) / median(bare),
    )


def _memory(at_rest: processes.Memory, seen: Sequence[processes.Memory]) -> list[Figure]:
    rest, most = sum(at_rest.interpreters), max(sum(one.interpreters) for one in seen)
    decoders = max(sum(one.decoders) for one in seen)
    return [
        Figure(
            measure="memory while all that is uploaded: all our processes, resident",
            ours=f"{rest / MIB:.0f} MiB at rest, {most / MIB:.0f} at most",
            target="< 64 MiB more",
            reached=most - rest < GROWTH,
        ),
        Figure(measure="… the children that read media", ours=f"{decoders / MIB:.0f} MiB at most"),
    ]


def _peers() -> list[Figure]:
    return [
        Figure(measure=f"{what}: peers, **absolute, from another run**: {figures}", ours="–") for what, figures in PEERS
    ]
