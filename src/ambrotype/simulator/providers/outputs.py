"""What a job made: files of the simulator's CDN, seeded by the job, drawn when they are fetched."""

import asyncio
import base64
import dataclasses
import mimetypes
import re
from collections.abc import Mapping
from typing import Any

from ambrotype.simulator import assets
from ambrotype.simulator.media import pictures
from ambrotype.simulator.providers import book

LARGEST = 1024
"""Pixels a side: larger wishes are drawn at this size, so that a thousand jobs cost little. Replies say what was drawn."""

_VIDEO = re.compile(r"video|sora|veo|kling|seedance|hailuo|minimax|luma|wan-|wan/|ltx|pika|t2v|i2v|runway")
_AUDIO = re.compile(r"audio|music|tts|speech|voice|sound")
_PRESETS = {
    "square": (512, 512),
    "square_hd": (1024, 1024),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
    "1:1": (1024, 1024),
    "16:9": (1024, 576),
    "9:16": (576, 1024),
    "4:3": (1024, 768),
    "3:4": (768, 1024),
    "1K": (1024, 1024),
    "2K": (1024, 1024),
    "4K": (1024, 1024),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """One output. `path` is its path on the CDN."""

    index: int
    kind: str
    path: str
    content_type: str
    seed: int
    width: int = 0
    height: int = 0
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.seed}.{self.path.rpartition('.')[2]}"


def kind_of(model: str, planned: str = "") -> str:
    """image, video or audio, by what models are usually called."""
    if planned:
        return planned
    name = model.partition("~")[0].lower()
    return "video" if _VIDEO.search(name) else "audio" if _AUDIO.search(name) else "image"


def size_of(wish: Any, *, default: tuple[int, int] = (512, 512)) -> tuple[int, int]:
    """Width and height: of `1024x768`, `1024*768`, `2K`, `square_hd`, `16:9` or an object with both."""
    width, height = default
    if isinstance(wish, Mapping):
        width, height = (_side(wish.get(side), other) for side, other in (("width", width), ("height", height)))
    elif isinstance(wish, str) and wish in _PRESETS:
        width, height = _PRESETS[wish]
    elif isinstance(wish, str) and (found := re.fullmatch(r"(\d{1,5})[x*](\d{1,5})", wish)):
        width, height = int(found[1]), int(found[2])
    scale = min(1.0, LARGEST / max(width, height, 1))
    return max(16, round(width * scale)), max(16, round(height * scale))


def _side(value: Any, default: int) -> int:
    return int(value) if isinstance(value, int | float) and 0 < value < 100_000 else default


def make(
    job: book.Job,
    *,
    count: int = 1,
    size: tuple[int, int] = (512, 512),
    format: str = "jpeg",
    seconds: float = 2.0,
    kind: str = "",
) -> list[File]:
    """The job's outputs, `count` of them where its plan does not say. The plan's asset and fault are in their paths.
    Videos are drawn at most 320 wide or high, 1 s long and at 12 frames a second: drawing one is the dearest thing
    that happens here."""
    kind = kind or kind_of(job.model, job.plan.kind)
    given = job.body.get("seed")
    first = given if isinstance(given, int) and 0 <= given < 10**15 else job.number * 100
    return [_file(job, index, first + index, kind, size, format, seconds) for index in range(job.plan.outputs or count)]


def _file(job: book.Job, index: int, seed: int, kind: str, size: tuple[int, int], format: str, seconds: float) -> File:
    width, height = size
    seconds = min(seconds, 1.0)
    if kind == "video":
        scale = min(1.0, 320 / max(width, height))
        width, height = (max(16, 2 * round(side * scale / 2)) for side in (width, height))
        path, content_type = assets.video(seed, seconds=seconds, width=width, height=height, fps=12), "video/mp4"
    elif kind == "audio":
        path, content_type = assets.sound(seed, seconds=seconds), "audio/mpeg"
    else:
        drawn = format if format in pictures.FORMATS else "jpeg"
        path, content_type = assets.image(seed, format=drawn, width=width, height=height), pictures.FORMATS[drawn][1]
    if job.plan.asset:
        path = job.plan.asset.replace("{seed}", str(seed))
        content_type = mimetypes.guess_type(path)[0] or content_type
    if job.plan.fault:
        path = f"fault/{job.plan.fault}/{path}"
    return File(
        index=index,
        kind=kind,
        path=path,
        content_type=content_type,
        seed=seed,
        width=width,
        height=height,
        seconds=seconds,
    )


async def data(path: str) -> bytes:
    """The bytes of a path, drawn in a thread. A fault in it is left out: nothing goes over a wire here."""
    plain = path.split("/", 2)[2] if path.startswith("fault/") else path

    def work() -> bytes:
        found = assets.find(plain)
        return b"".join(found.pieces(0, found.size))

    return await asyncio.to_thread(work)


async def base64_of(file: File) -> str:
    return base64.b64encode(await data(file.path)).decode()


async def data_uri(file: File) -> str:
    return f"data:{file.content_type};base64,{await base64_of(file)}"
