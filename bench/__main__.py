"""`python -m bench [PART …]`: measures, and writes RESULTS.md after a whole run."""

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import answers, capture, delivery, library, renditions, report, server, source, start, uploads
from bench.place import Place

PARTS: dict[str, Callable[[Place], list[report.Figure]]] = {
    "start": start.measure,
    "capture": capture.measure,
    "uploads": uploads.measure,
    "answers": answers.measure,
    "delivery": delivery.measure,
    "library": library.measure,
    "renditions": renditions.measure,
}


def main() -> int:
    """The exit code: 1 where a figure does not reach its target."""
    asked = _arguments()
    load = os.getloadavg()
    figures: list[report.Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="ambrotype-bench-", dir=asked.folder) as folder,
        source.serving(Path(folder) / "source") as origin,
    ):
        place = Place(
            folder=Path(folder),
            source=origin,
            command=shlex.split(asked.command),
            rounds=1 if asked.small else 3,
            seconds=1 if asked.small else 3,
            large=64 * source.MIB if asked.small else 1024 * source.MIB,
        )
        for name in asked.parts or PARTS:
            began = time.perf_counter()
            figures += PARTS[name](place)
            print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    whole = not asked.parts and not asked.small
    print(report.write(figures, load=load) if whole else report.table(figures))
    return int(any(figure.reached is False for figure in figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--small", action="store_true", help="small files, one turn: whether it works, not how fast")
    parser.add_argument("--folder", help="where the files go (8 GiB); the disk that is measured")
    parser.add_argument(
        "--command", default=shlex.join(server.COMMAND), help="what is started; gets --data --host --port"
    )
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    return asked


if __name__ == "__main__":
    sys.exit(main())
