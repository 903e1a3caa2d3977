"""Giving out: permanent URLs of private items, by key and by signed URL, against nginx; and seeks."""

import contextlib
import http.client
import re
import shutil
import subprocess
import time
import urllib.parse

from bench import server
from bench.place import Place
from bench.report import Figure, median, spread
from bench.server import KEY
from bench.source import MIB

SEEKS = 300


def measure(place: Place) -> list[Figure]:
    """All figures of this part."""
    if shutil.which("wrk") is None:
        raise FileNotFoundError("wrk is not installed (Debian: wrk); delivery is measured with it.")
    with place.server("delivery") as ours:
        return [
            *_compared(place, ours, place.source.pictures(1)[0], size=MIB, at_once=8, least=0.6),
            *_compared(place, ours, place.source.video(100 * MIB), size=100 * MIB, at_once=2, least=0.9),
            *_seeks(place, ours),
        ]


def _compared(place: Place, ours: server.Server, url: str, *, size: int, at_once: int, least: float) -> list[Figure]:
    found = ours.keep(url)
    ways = {
        "nginx": (url, ()),
        "API key": (found["url"], (f"Authorization: Bearer {KEY}",)),
        "signed URL": (found["access_url"], ()),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(place.rounds):
        for way, (address, headers) in ways.items():
            rates[way].append(_wrk(address, headers, at_once=at_once, seconds=place.seconds))
    figures = []
    for way in ("API key", "signed URL"):
        ratio = median(rates[way]) / median(rates["nginx"])
        figures.append(
            Figure(
                measure=f"GET {size // MIB} MiB, private, by {way}, {at_once} at once",
                ours=_shown(rates[way], size),
                baseline=f"nginx {_shown(rates['nginx'], size)}",
                ratio=ratio,
                target=f"≥ {least}",
                reached=ratio >= least,
            )
        )
    return figures


def _shown(rates: list[float], size: int) -> str:
    if size <= MIB:
        return spread([rate / size for rate in rates], "/s")
    return spread([rate / 1e6 for rate in rates], "MB/s")


def _wrk(url: str, headers: tuple[str, ...], *, at_once: int, seconds: float) -> float:
    """Bytes a second."""
    given = [part for header in headers for part in ("-H", header)]
    done = subprocess.run(
        ["wrk", "-t1", f"-c{at_once}", f"-d{seconds:.0f}s", *given, url], capture_output=True, text=True, check=True
    )
    found = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"wrk: {done.stdout} {done.stderr}")
    return float(found[1]) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[found[2]]


def _seeks(place: Place, ours: server.Server) -> list[Figure]:
    url = place.source.video(place.large)
    found = ours.keep(url)
    last = place.large - 1
    _seek(found["url"], [0, last] * 20)
    first_ones, last_ones = _seek(found["url"], [0, last] * SEEKS)
    _, theirs = _seek(url, [0, last] * SEEKS)
    ratio = median(last_ones) / median(first_ones)
    return [
        Figure(
            measure=f"one byte of {place.large // MIB:,} MiB by Range: the last one, compared with the first",
            ours=f"{median(last_ones) * 1e3:.2f} ms",
            baseline=f"the first {median(first_ones) * 1e3:.2f} ms (nginx, the last {median(theirs) * 1e3:.2f} ms)",
            ratio=ratio,
            target="≤ 1.2",
            reached=ratio <= 1.2,
        )
    ]


def _seek(url: str, offsets: list[int]) -> tuple[list[float], list[float]]:
    """Seconds to the byte at each offset over one connection: those at even places, and those at odd ones."""
    target = urllib.parse.urlsplit(url)
    took = []
    with contextlib.closing(http.client.HTTPConnection(target.netloc)) as connection:
        for offset in offsets:
            headers = {"Authorization": f"Bearer {KEY}", "Range": f"bytes={offset}-{offset}"}
            began = time.perf_counter()
            connection.request("GET", target.path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            took.append(time.perf_counter() - began)
            if response.status != 206 or len(body) != 1:
                raise RuntimeError(f"Byte {offset} of {target.path} was answered with {response.status}.")
    return took[::2], took[1::2]
