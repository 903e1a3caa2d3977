"""Figures, and the page that shows them."""

import dataclasses
import datetime
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parent / "RESULTS.md"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    measure: str
    ours: str
    baseline: str = "–"
    ratio: float | None = None
    target: str = "–"
    reached: bool | None = None
    """None where nothing was promised."""


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], unit: str, *, digits: int = 0) -> str:
    """The median, and from where to where the values go."""
    low, high = min(values), max(values)
    return f"{median(values):,.{digits}f} {unit} ({low:,.{digits}f}–{high:,.{digits}f})"


def table(figures: Sequence[Figure]) -> str:
    """Markdown."""
    head = [
        "| measure | Ambrotype | baseline, same run | ratio | target | reached |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *(_line(figure) for figure in figures)])


def write(figures: Sequence[Figure], *, load: tuple[float, float, float]) -> str:
    """Writes the page; returns the table."""
    PAGE.write_text(
        "# Measured\n\n"
        f"By `make bench` on {datetime.date.today().isoformat()}: {_machine()}. Client, source and server share it; "
        f"load average before the run {load[0]:.1f}. Medians, in brackets lowest to highest; compare ratios, "
        "absolute figures move from run to run.\n\n"
        f"{(lines := table(figures))}\n\n"
        "The bare client is `bench/bare.py`: the same HTTP client, 8 at once, SHA-256, write, fsync, and nothing else: "
        "no look into the file, no database, no rename. The bare receiver is `bench/receiver.py`: Granian, one process, a raw "
        "body, SHA-256, write, fsync, and nothing else. nginx and Ambrotype are asked by the same wrk.\n"
    )
    return lines


def _line(figure: Figure) -> str:
    ratio = "–" if figure.ratio is None else f"{figure.ratio:.2f}"
    reached = {None: "–", True: "yes", False: "**no**"}[figure.reached]
    return f"| {figure.measure} | {figure.ours} | {figure.baseline} | {ratio} | {figure.target} | {reached} |"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip()
    return (
        f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}, {nginx.removeprefix('nginx version: ')}"
    )
