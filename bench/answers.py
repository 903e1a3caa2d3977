"""How long `POST /v1/keep` takes to answer (wait=0), while what it promises is being captured."""

import asyncio
import statistics
import time

import aiohttp

from bench.place import Place
from bench.report import Figure
from bench.server import KEY

RATE = 50
"""Requests a second, begun by the clock and not when the one before has ended."""


def measure(place: Place) -> list[Figure]:
    """All figures of this part."""
    seconds = 4 * place.seconds
    with place.server("answers") as ours:
        asyncio.run(_asked(ours.base, place.source.pictures(50, version="warm"), pace=RATE))
        urls = [url for n in range(int(seconds * RATE / 50)) for url in place.source.pictures(50, version=f"answer{n}")]
        took = sorted(asyncio.run(_asked(ours.base, urls, pace=RATE)))
    middle = statistics.median(took)
    shares = {share: took[min(len(took) - 1, int(len(took) * share))] for share in (0.95, 0.99)}
    return [
        Figure(
            measure=f"`POST /v1/keep` at {RATE}/s, each captured (1 MiB): time to the answer",
            ours=f"{middle * 1e3:.1f} ms median, {shares[0.95] * 1e3:.1f} ms p95, {shares[0.99] * 1e3:.1f} ms p99",
            target="median < 10 ms",
            reached=middle < 0.010,
        )
    ]


async def _asked(base: str, urls: list[str], *, pace: float) -> list[float]:
    """Seconds of each answer."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(url: str, after: float) -> float:
            await asyncio.sleep(after)
            began = time.perf_counter()
            async with session.post(f"{base}/v1/keep", json={"url": url}) as response:
                await response.read()
                response.raise_for_status()
            return time.perf_counter() - began

        return await asyncio.gather(*(one(url, n / pace) for n, url in enumerate(urls)))
