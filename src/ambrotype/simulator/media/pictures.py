"""Pictures that a person can tell apart: a gradient, three discs, and the seed in large digits."""

import colorsys
import math
import random

import pyvips

from ambrotype.core import errors
from ambrotype.simulator.media import cache

FORMATS = {
    "jpeg": (".jpg[Q=88]", "image/jpeg"),
    "jpg": (".jpg[Q=88]", "image/jpeg"),
    "png": (".png[compression=3]", "image/png"),
    "webp": (".webp[Q=82,effort=2]", "image/webp"),
    "gif": (".gif[effort=2]", "image/gif"),
    "avif": (".avif[Q=60,effort=0]", "image/avif"),
}
"""Format → what libvips is asked for, and the media type."""

MAX_PIXELS = 64_000_000

# Rows of three bits from the top: a 3 × 5 font, so that no machine's fonts change the bytes.
DIGITS = {
    "0": (7, 5, 5, 5, 7),
    "1": (2, 6, 2, 2, 7),
    "2": (7, 1, 7, 4, 7),
    "3": (7, 1, 3, 1, 7),
    "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7),
    "6": (7, 4, 7, 5, 7),
    "7": (7, 1, 2, 2, 2),
    "8": (7, 5, 7, 5, 7),
    "9": (7, 5, 7, 1, 7),
    "-": (0, 0, 7, 0, 0),
}


@cache.kept
def picture(seed: int, *, format: str = "jpeg", width: int = 512, height: int = 512) -> bytes:
    """The picture of `seed` in one of `FORMATS`, `width` × `height` pixels, at most `MAX_PIXELS` in all."""
    if format not in FORMATS:
        raise errors.InvalidRequest(f"No picture format {format!r}: use one of {', '.join(FORMATS)}.")
    if min(width, height) < 1 or width * height > MAX_PIXELS:
        raise errors.InvalidRequest(f"A picture of {width} × {height}: use 1 to {MAX_PIXELS:,} pixels in all.")
    drawn = draw(seed, width=width, height=height)
    return bytes(drawn.write_to_buffer(FORMATS[format][0]))


def draw(seed: int, *, width: int, height: int, moment: float = 0.0) -> pyvips.Image:
    """An 8-bit sRGB image. `moment` in 0..1 moves the discs once round, for videos."""
    rng = random.Random(seed)
    hue = rng.random()
    image = _gradient(width, height, _colour(hue, 0.75, 0.30), _colour(hue + 0.12 + rng.random() / 5, 0.65, 0.95))
    for _ in range(3):
        image = _disc(image, rng, hue=hue + 0.35 + rng.random() / 3, moment=moment)
    return _label(image.cast("uchar").copy(interpretation="srgb"), str(seed))


def _colour(hue: float, saturation: float, value: float) -> list[float]:
    return [255 * part for part in colorsys.hsv_to_rgb(hue % 1, saturation, value)]


def _gradient(width: int, height: int, start: list[float], end: list[float]) -> pyvips.Image:
    at = pyvips.Image.xyz(width, height)
    share = (at[0] / width + at[1] / height) / 2
    bands = [share * (to - begin) + begin for begin, to in zip(start, end, strict=True)]
    return bands[0].bandjoin(bands[1:])


def _disc(image: pyvips.Image, rng: random.Random, *, hue: float, moment: float) -> pyvips.Image:
    width, height = image.width, image.height
    turn = 2 * math.pi * (moment + rng.random())
    x = width * (0.5 + (0.15 + rng.random() / 5) * math.cos(turn))
    y = height * (0.5 + (0.15 + rng.random() / 5) * math.sin(turn))
    radius = min(width, height) * (0.10 + rng.random() / 8)
    at = pyvips.Image.xyz(width, height)
    inside = (at[0] - x) ** 2 + (at[1] - y) ** 2 < radius**2
    blended = image * 0.3 + [0.7 * part for part in _colour(hue, 0.6, 1.0)]
    return inside.ifthenelse(blended, image)


def _label(image: pyvips.Image, text: str) -> pyvips.Image:
    columns = 4 * len(text) - 1
    scale = min(image.width // (columns + 6), image.height // 12)
    if scale < 1:  # an icon: too small to write on
        return image
    rows = ["0".join(f"{DIGITS[sign][row]:03b}" for sign in text) for row in range(5)]
    mask = pyvips.Image.new_from_array([[255 if bit == "1" else 0 for bit in row] for row in rows])
    mask = mask.cast("uchar").zoom(scale, scale)
    for offset, shade in ((max(1, scale // 3), 0), (0, 255)):
        x = image.width - mask.width - 2 * scale + offset
        y = image.height - mask.height - 2 * scale + offset
        placed = mask.embed(x, y, image.width, image.height)
        image = (placed > 127).ifthenelse([shade, shade, shade], image)
    return image.cast("uchar").copy(interpretation="srgb")
