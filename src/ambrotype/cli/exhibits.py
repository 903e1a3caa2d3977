"""What the demo keeps: media at URLs that die within seconds, in the ways of several providers."""

import dataclasses
import hashlib
import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from ambrotype.core import media
from ambrotype.simulator import server
from ambrotype.simulator.providers import control


@dataclasses.dataclass(slots=True, kw_only=True)
class Exhibit:
    """One item: its provider's URL, what became of it, and what both URLs answer."""

    provider: str
    path: str
    source: str
    """Empty where the provider answered with the bytes."""
    dies_at: float
    """Epoch seconds."""
    doomed: bool = False
    """Dead before it could be kept: it has to end as lost, with the reason."""
    item: media.Media | None = None
    source_status: int | None = None
    """HTTP status of the provider's URL once its time was over."""
    source_digest: str | None = None
    """SHA-256 of what it served while it lived."""
    permanent_status: int | None = None
    permanent_digest: str | None = None

    @property
    def left(self) -> float:
        """Seconds that the provider's URL has to live."""
        return self.dies_at - time.time()

    @property
    def dead(self) -> bool:
        """The provider's URL was tried after its time, and refused."""
        return not self.source or (self.source_status is not None and self.source_status >= 400)

    @property
    def alive(self) -> bool:
        """The permanent URL served the same bytes after that."""
        return self.permanent_status == 200 and self.permanent_digest == self.source_digest is not None

    @property
    def as_promised(self) -> bool:
        """Kept and alive, or lost with the true reason."""
        if self.item is None or not self.dead:
            return False
        if self.doomed:
            return self.item.lost is not None and self.item.lost.code == "source_expired"
        return self.item.status == "kept" and self.alive and self.item.sha256 == self.source_digest

    @property
    def done(self) -> bool:
        """Nothing more will be learnt of it."""
        return (not self.source or self.source_status is not None) and self.permanent_status is not None


_COLLECTION = (
    ("Amazon S3", "s3", "image/1024x1024/1.jpeg", 10),
    ("CloudFront", "cloudfront", "video/640x360-24fps-2s-audio/2.mp4", 11),
    ("Azure", "azure", "image/768x768/3.png", 10),
    ("Google", "gcs", "image/1024x576/4.webp", 12),
    ("BytePlus TOS", "tos", "video/480x480-24fps-2s/5.mp4", 13),
    ("Replicate", "replicate", "image/512x512/6.webp", 9),
    ("fal", "fal", "image/640x640/7.jpeg", 12),
    ("Amazon S3", "s3", "audio/2s/8.mp3", 11),
)


async def drawn(simulator: server.Simulator, session: aiohttp.ClientSession) -> None:
    """Has the simulator make the files, which takes a while, before any URL begins to run out."""
    for _, _, path, _ in _COLLECTION:
        await _get(session, f"{simulator.url}/public/{path}")


def hung(simulator: server.Simulator) -> list[Exhibit]:
    """The collection, signed now, and one URL that was dead before anybody asked."""
    shown = [
        Exhibit(
            provider=provider,
            path=path,
            source=simulator.sign(path, style=style, ttl=ttl),
            dies_at=simulator.now() + ttl,
        )
        for provider, style, path, ttl in _COLLECTION
    ]
    path = "image/512x512/9.jpeg"
    dead = simulator.sign(path, style="s3", ttl=-5)
    shown.append(Exhibit(provider="(dead before)", path=path, source=dead, dies_at=simulator.now() - 5, doomed=True))
    return shown


JOBS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "fal": ("fal-ai/flux/dev", {"image_size": "square"}),
    "openai": ("gpt-image-1", {}),
    "ark": ("seedance-2-0", {}),
    "replicate": ("black-forest-labs/flux-schnell", {}),
}
"""What is generated besides, through the adapters: provider → model and settings."""
LIFE = 12
"""Seconds that a generated output lives at its provider."""


def engaged(simulator: server.Simulator) -> dict[str, tuple[str, str]]:
    """The simulated providers' base URLs and keys, their jobs quick and their outputs short-lived."""
    for name in JOBS:
        simulator.book.expect(f"run=0.5,life={LIFE}", provider=name)
    return {name: (simulator.url + control.BASES[name], simulator.book.account(name).keys[0]) for name in JOBS}


def made(name: str, item: media.Media, simulator: server.Simulator) -> Exhibit:
    """One output of a generation that has just ended."""
    return Exhibit(
        provider=f"{name} job",
        path=f"{item.kind}/{JOBS[name][0]}",
        source=item.source_url or "",
        dies_at=simulator.now() + LIFE,
        item=item,
        source_digest=item.sha256,
    )


async def look(exhibit: Exhibit, session: aiohttp.ClientSession) -> None:
    """Fetches from the provider while that works, to compare with later."""
    status, digest = await _get(session, exhibit.source)
    if status == 200:
        exhibit.source_digest = digest


async def compare(exhibit: Exhibit, session: aiohttp.ClientSession) -> None:
    """Fetches from the provider, who should refuse by now, and then from the permanent URL."""
    if exhibit.item is None:
        return
    if exhibit.source:
        exhibit.source_status, _ = await _get(session, exhibit.source)
    exhibit.permanent_status, exhibit.permanent_digest = await _get(session, exhibit.item.url)


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as answer:
        digest = hashlib.sha256()
        async for piece in answer.content.iter_chunked(1 << 16):
            digest.update(piece)
        return answer.status, digest.hexdigest()
