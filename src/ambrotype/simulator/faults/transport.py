"""Faults of the connection: slow, broken, silent, or of another length than announced."""

import itertools
import random
from collections.abc import Iterator

from ambrotype.core import errors
from ambrotype.simulator import answers, exchange


def drip(of: exchange.Exchange, *, piece: int = 512, pause: float = 0.05) -> answers.Answer:
    """The body comes `piece` bytes at a time, with `pause` seconds before each."""
    if piece < 1 or pause < 0:
        raise errors.InvalidRequest(f"A drip of {piece} bytes every {pause} s: use 1 or more and 0 or more.")
    honest = of.serve()
    return honest.but(body=answers.resized(honest.body, piece), pause=pause)


def cut(of: exchange.Exchange, *, at: int = 1000, ranges: bool = True) -> answers.Answer:
    """The connection is closed after `at` bytes of each answer; `ranges=no`: the rest can't be asked for."""
    honest = of.serve(ranged=ranges)
    return honest.but(body=answers.first(honest.body, at), end="cut")


def reset(of: exchange.Exchange, *, at: int = 0) -> answers.Answer:
    """The connection is reset (RST) after `at` bytes of the body; 0: before the status line."""
    honest = of.serve()
    return honest.but(body=answers.first(honest.body, at), end="reset", silent=at == 0)


def hang(of: exchange.Exchange, *, at: int = 0) -> answers.Answer:
    """Silence after `at` bytes of the body, for ever; 0: not even a status line."""
    honest = of.serve()
    return honest.but(body=answers.first(honest.body, at), end="hang", silent=at == 0)


def short(of: exchange.Exchange, *, by: int = 100) -> answers.Answer:
    """The whole body, but Content-Length announces `by` bytes more; then the connection is closed."""
    honest = of.serve()
    length = int(honest.headers.get("Content-Length", "0")) + by
    return honest.but(headers={"Content-Length": str(length)}, end="close")


def long(of: exchange.Exchange, *, by: int = 100) -> answers.Answer:
    """The whole body, but Content-Length announces `by` bytes less; then the connection is closed."""
    honest = of.serve()
    length = max(0, int(honest.headers.get("Content-Length", "0")) - by)
    return honest.but(headers={"Content-Length": str(length)}, end="close")


def chunked(of: exchange.Exchange, *, cut: int = -1) -> answers.Answer:
    """No Content-Length, but chunks; `cut` ≥ 0 closes after so many bytes, without the last chunk."""
    honest = of.serve().but(headers={"Content-Length": None}, framing="chunked")
    return honest if cut < 0 else honest.but(body=answers.first(honest.body, cut), end="cut")


def unsized(of: exchange.Exchange, *, cut: int = -1) -> answers.Answer:
    """No length at all: the body ends when the connection is closed, `cut` ≥ 0 after so many bytes."""
    honest = of.serve().but(headers={"Content-Length": None}, framing="close", end="close")
    return honest if cut < 0 else honest.but(body=answers.first(honest.body, cut))


def endless(of: exchange.Exchange, *, chunks: bool = True) -> answers.Answer:
    """The file, then noise without end; with `chunks=no` not even in chunks."""
    honest = of.serve(ranged=False)
    return honest.but(
        headers={"Content-Length": None},
        body=itertools.chain(honest.body, _noise()),
        framing="chunked" if chunks else "close",
        end="close",
    )


def headers(of: exchange.Exchange, *, size: int = 1 << 20, count: int = 1) -> answers.Answer:
    """Headers of `size` bytes in all, in `count` lines."""
    if not 1 <= count <= 100_000 or not 0 <= size <= 2**28:
        raise errors.InvalidRequest(f"{count} headers of {size} bytes: use 1 to 100000 and 0 to {2**28}.")
    return of.serve().but(headers={f"X-Padding-{number}": "x" * (size // count) for number in range(count)})


def _noise() -> Iterator[bytes]:
    return itertools.repeat(random.Random(0).randbytes(1 << 16))
