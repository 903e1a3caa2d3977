"""Short sounds: a chord that belongs to the seed, as WAV or MP3, and as the sound of videos."""

import array
import io
import math
import random
import sys
import wave
from collections.abc import Iterator

import av

from ambrotype.core import errors
from ambrotype.simulator.media import cache

RATE = 44_100
"""Samples a second; mono, 16 bits."""

FORMATS = {"wav": "audio/wav", "mp3": "audio/mpeg"}

LONGEST = 120.0
"""Seconds: more than this is not a small sound any more."""


@cache.kept
def sound(seed: int, *, format: str = "mp3", seconds: float = 2.0) -> bytes:
    """The chord of `seed`, `seconds` long (at most `LONGEST`), as `wav` or `mp3`."""
    if format not in FORMATS:
        raise errors.InvalidRequest(f"No sound format {format!r}: use one of {', '.join(FORMATS)}.")
    if not 0 < seconds <= LONGEST:
        raise errors.InvalidRequest(f"A sound of {seconds} s: use more than 0 and at most {LONGEST:.0f}.")
    samples = chord(seed, seconds=seconds)
    return _wav(samples) if format == "wav" else _mp3(samples)


def chord(seed: int, *, seconds: float) -> bytes:
    """Little-endian 16-bit mono samples."""
    rng = random.Random(seed)
    base = 220.0 * 2 ** (rng.randrange(12) / 12)
    # One second is computed and repeated: whole frequencies make the seam inaudible, and long sounds cheap.
    tones = [2 * math.pi * round(base * ratio) / RATE for ratio in (1, 5 / 4, 3 / 2)]
    second = array.array("h", (int(6000 * sum(math.sin(tone * n) for tone in tones)) for n in range(RATE)))
    if sys.byteorder == "big":
        second.byteswap()
    count = int(seconds * RATE)
    return (second.tobytes() * math.ceil(count / RATE))[: 2 * count]


def frames(samples: bytes, *, size: int) -> Iterator[av.AudioFrame]:
    """The samples as PyAV frames of `size` samples, with their times."""
    for start in range(0, len(samples) // 2, size):
        part = samples[2 * start : 2 * (start + size)]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(part) // 2, align=1)
        frame.planes[0].update(part)
        frame.sample_rate = RATE
        frame.pts = start
        yield frame


def _wav(samples: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    return out.getvalue()


def _mp3(samples: bytes) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE)
        stream.bit_rate = 96_000
        stream.layout = "mono"
        stream.format = "s16p"
        for frame in frames(samples, size=1152):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()
