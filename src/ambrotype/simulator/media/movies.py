"""Short H.264 videos in MP4: the seed's picture, its discs going round, with or without the seed's chord."""

import tempfile
from pathlib import Path

import av

from ambrotype.core import errors
from ambrotype.simulator.media import cache, pictures, sounds

LONGEST = 60.0
"""Seconds: more than this is not a small video any more."""

MAX_PIXELS = 1920 * 1088


@cache.kept
def video(
    seed: int,
    *,
    seconds: float = 2.0,
    width: int = 320,
    height: int = 240,
    fps: int = 24,
    audio: bool = False,
    faststart: bool = True,
) -> bytes:
    """The video of `seed`. Width and height are even, as H.264 in 4:2:0 wants them.

    With `faststart` the index (`moov`) stands before the pictures, without it behind them.
    """
    _check(seconds=seconds, width=width, height=height, fps=fps)
    # A real file: to move the index to the front FFmpeg opens what it wrote a second time.
    with tempfile.TemporaryDirectory(prefix="ambrotype-") as folder:
        file = Path(folder) / "video.mp4"
        options = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if faststart else {})
        with av.open(str(file), "w", format="mp4", options=options) as container:
            _encode(container, seed, audio=audio, seconds=seconds, width=width, height=height, fps=fps)
        return file.read_bytes()


def _encode(
    container: av.container.OutputContainer,
    seed: int,
    *,
    seconds: float,
    width: int,
    height: int,
    fps: int,
    audio: bool,
) -> None:
    stream = container.add_stream("libx264", rate=fps)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    # The bytes must be the same each time: one thread, and no macroblock tree, whose SIMD code (x264 165, x86-64)
    # was seen to give other bytes from run to run.
    stream.options = {"preset": "veryfast", "crf": "26", "threads": "1", "x264-params": "mbtree=0"}
    track = _sound_track(container) if audio else None
    for number in range(max(1, round(seconds * fps))):
        container.mux(stream.encode(_frame(seed, number, width=width, height=height, cycle=3 * fps)))
    container.mux(stream.encode(None))
    if track is not None:
        _add_sound(container, track, sounds.chord(seed, seconds=seconds))


def _check(*, seconds: float, width: int, height: int, fps: int) -> None:
    if not 0 < seconds <= LONGEST:
        raise errors.InvalidRequest(f"A video of {seconds} s: use more than 0 and at most {LONGEST:.0f}.")
    if width % 2 or height % 2 or min(width, height) < 16 or width * height > MAX_PIXELS:
        raise errors.InvalidRequest(f"A video of {width} × {height}: use even numbers from 16 to 1920 × 1088.")
    if not 1 <= fps <= 60:
        raise errors.InvalidRequest(f"A video of {fps} frames a second: use 1 to 60.")


def _frame(seed: int, number: int, *, width: int, height: int, cycle: int) -> av.VideoFrame:
    drawn = pictures.draw(seed, width=width, height=height, moment=number / cycle)
    rgba = drawn.bandjoin(255)  # PyAV takes no 24-bit pixels from bytes
    frame = av.VideoFrame.from_bytes(bytes(rgba.write_to_memory()), width, height, format="rgba")
    frame.pts = number
    return frame


def _sound_track(container: av.container.OutputContainer) -> av.AudioStream:
    track = container.add_stream("aac", rate=sounds.RATE)
    track.layout = "mono"
    track.bit_rate = 64_000
    return track


def _add_sound(container: av.container.OutputContainer, track: av.AudioStream, samples: bytes) -> None:
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=sounds.RATE)
    for frame in sounds.frames(samples, size=1024):
        for ready in resampler.resample(frame):
            container.mux(track.encode(ready))
    container.mux(track.encode(None))
