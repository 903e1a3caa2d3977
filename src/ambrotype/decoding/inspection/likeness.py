"""A 64-bit perceptual hash: pictures that look alike differ in few bits, whatever their size or compression.

The pHash of the literature: 32 × 32 grey pixels, their cosine transform, its 8 × 8 lowest frequencies, and for each
whether it
is above the median (the constant one counts as below). Resized and recompressed pictures stay within a few bits;
crops and
mirror images do not.
"""

import math
import statistics
from operator import mul

SIDE, KEPT = 32, 8
_COSINES = [[math.cos(math.pi / SIDE * n * (x + 0.5)) for x in range(SIDE)] for n in range(KEPT)]


def of(grey: bytes) -> int:
    """The hash of 32 × 32 bytes; the first bit is the lowest frequency's."""
    rows = [grey[y * SIDE : (y + 1) * SIDE] for y in range(SIDE)]
    by_column = [[sum(map(mul, row, cosines)) for row in rows] for cosines in _COSINES]
    waves = [sum(map(mul, by_column[x], _COSINES[y])) for y in range(KEPT) for x in range(KEPT)]
    waves[0] = -math.inf
    middle = statistics.median(waves[1:])
    # Flat pictures have no waves, only rounding errors, which must not make them differ.
    bits = "".join("1" if wave - middle > 1e-6 else "0" for wave in waves)
    return int(bits, 2)
