"""ThumbHash: a picture in about 25 bytes, for the blink until it has loaded.

From the published algorithm (https://evanw.github.io/thumbhash/). The package of that name on PyPI fails on pictures
with
transparency.
"""

import math
from collections.abc import Sequence
from operator import mul

MOST_SIDE = 100


def encode(width: int, height: int, rgba: bytes) -> bytes:
    """The hash of `width` × `height` pixels, at most 100 each way, four bytes a pixel, not premultiplied."""
    count = width * height
    alphas = [value / 255 for value in rgba[3::4]]
    covered = sum(alphas)
    reds, greens, blues = (_over_mean(rgba[n::4], alphas, covered) for n in range(3))
    transparent = covered < count
    most = 5 if transparent else 7
    across = max(1, _round(most * width / max(width, height)))
    down = max(1, _round(most * height / max(width, height)))

    lightness = [(r + g + b) / 3 for r, g, b in zip(reds, greens, blues, strict=True)]
    yellow_blue = [(r + g) / 2 - b for r, g, b in zip(reds, greens, blues, strict=True)]
    red_green = [r - g for r, g in zip(reds, greens, strict=True)]

    size = (width, height)
    l_dc, l_ac, l_scale = _channel(lightness, size, max(3, across), max(3, down))
    p_dc, p_ac, p_scale = _channel(yellow_blue, size, 3, 3)
    q_dc, q_ac, q_scale = _channel(red_green, size, 3, 3)

    landscape = width > height
    first = (
        _round(63 * l_dc)
        | _round(31.5 + 31.5 * p_dc) << 6
        | _round(31.5 + 31.5 * q_dc) << 12
        | _round(31 * l_scale) << 18
        | transparent << 23
    )
    second = (down if landscape else across) | _round(63 * p_scale) << 3 | _round(63 * q_scale) << 9 | landscape << 15
    head = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    waves = l_ac + p_ac + q_ac
    if transparent:
        a_dc, a_ac, a_scale = _channel(alphas, size, 5, 5)
        head += bytes([_round(15 * a_dc) | _round(15 * a_scale) << 4])
        waves += a_ac
    nibbles = [_round(15 * wave) for wave in waves] + [0] * (len(waves) % 2)
    return head + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _over_mean(values: bytes, alphas: Sequence[float], covered: float) -> list[float]:
    """A colour's channel on its own mean: what is transparent shows the mean."""
    mean = sum(map(mul, values, alphas)) / 255 / covered if covered else 0.0
    return [mean * (1 - alpha) + alpha * value / 255 for value, alpha in zip(values, alphas, strict=True)]


def _channel(
    values: Sequence[float], size: tuple[int, int], across: int, down: int
) -> tuple[float, list[float], float]:
    """The cosine transform's constant, its waves scaled to 0…1 in a triangle of frequencies, and their scale."""
    width, height = size
    rows = [values[y * width : (y + 1) * width] for y in range(height)]
    cosines_down = [[math.cos(math.pi / height * cy * (y + 0.5)) for y in range(height)] for cy in range(down)]
    by_column: list[list[float]] = []
    for cx in range(across):
        cosines = [math.cos(math.pi / width * cx * (x + 0.5)) for x in range(width)]
        by_column.append([sum(map(mul, row, cosines)) for row in rows])
    waves = []
    for cy in range(down):
        cx = 0
        while cx * down < across * (down - cy):
            waves.append(sum(map(mul, by_column[cx], cosines_down[cy])) / (width * height))
            cx += 1
    constant, *rest = waves
    scale = max(map(abs, rest), default=0.0)
    return constant, [0.5 + 0.5 / scale * wave if scale else wave for wave in rest], scale


def _round(value: float) -> int:
    """Halves up, as the reference does; Python's own rounds them to even."""
    return math.floor(value + 0.5)
