"""URLs of every temper, and how each may end."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterator

from ambrotype.simulator import assets, server

KEPT = frozenset({"kept"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """A URL, the file behind it, and the ends that are right: `kept`, or the code with which it is lost."""

    url: str
    file: str
    ends: frozenset[str] = KEPT


def mix(simulator: server.Simulator, n: int) -> Iterator[Source]:
    """`n` different URLs: fast, slow, cut off, broken for a while, several megabytes, missing, about to die.

    Each is signed when it is asked for: those that are about to die live from then on.
    """
    for number in range(n):
        yield _KINDS[number % len(_KINDS)](simulator, number)


def of(simulator: server.Simulator, file: str) -> Source:
    """Any file, without a fault."""
    return Source(url=simulator.sign(file), file=file)


def small(simulator: server.Simulator, number: int) -> Source:
    return of(simulator, simulator.image(number, width=16, height=16, format="png"))


def fast(simulator: server.Simulator, number: int) -> Source:
    return of(simulator, simulator.image(number, width=48, height=48))


def slow(simulator: server.Simulator, number: int, *, seconds: float = 1.5, times: int = 0) -> Source:
    file = simulator.blob(60_000, seed=number)
    pause = seconds / 15
    return Source(url=simulator.sign(file, fault="drip", piece=4096, pause=pause, times=times), file=file)


def cut(simulator: server.Simulator, number: int) -> Source:
    file = simulator.blob(300_000, seed=number)
    return Source(url=simulator.sign(file, style="gcs", fault="cut", at=100_000), file=file)


def reset(simulator: server.Simulator, number: int) -> Source:
    file = simulator.image(number, width=48, height=48, format="png")
    return Source(url=simulator.sign(file, style="cloudfront", fault="reset", times=1), file=file)


def failing(simulator: server.Simulator, number: int) -> Source:
    file = simulator.image(number, width=48, height=48, format="webp")
    return Source(url=simulator.sign(file, fault="status", code=500, times=2), file=file)


def large(simulator: server.Simulator, number: int) -> Source:
    file = simulator.big_video(5_000_000 + number)
    return Source(url=simulator.sign(file, style="azure"), file=file)


def missing(simulator: server.Simulator, number: int) -> Source:
    file = simulator.image(number, width=48, height=48)
    url = simulator.sign(file, fault="status", code=404)
    return Source(url=url, file=file, ends=frozenset({"source_not_found"}))


def dying(simulator: server.Simulator, number: int) -> Source:
    file = simulator.image(number, width=48, height=48)
    return Source(url=simulator.sign(file, ttl=2), file=file, ends=frozenset({"kept", "source_expired"}))


_KINDS = (fast, slow, cut, fast, failing, large, dying, reset, fast, missing)


@functools.lru_cache(maxsize=8192)
def sha256(file: str) -> str:
    """Of the file as the simulator serves it."""
    asset = assets.find(file)
    digest = hashlib.sha256()
    for piece in asset.pieces(0, asset.size):
        digest.update(piece)
    return digest.hexdigest()
