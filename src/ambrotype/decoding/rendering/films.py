"""A smaller film of a film: H.264 and AAC in MP4, upright, its index in front, so that players begin at once.

Frame by frame, so that an hour takes no more memory than a second.
"""

import fractions
import itertools
import os
from typing import Any

import av
import av.filter

from ambrotype.core import errors, renditions, types
from ambrotype.decoding import streams
from ambrotype.decoding.reading import Reader
from ambrotype.decoding.rendering import frames, marking

MOST_RATE = 60
"""Frames a second."""
MOST_SIDE = 4096
CLOCK = fractions.Fraction(1, 90_000)
SOUND_RATE, SOUND_BITS, SOUND_FRAME = 48_000, 128_000, 1024
BITS = {360: 800_000, 480: 1_500_000, 720: 3_000_000, 1080: 6_000_000}
"""A second at the most, by the shorter side."""
TURNS = {1: "cclock", 2: "180", 3: "clock"}


def make(
    file: Reader, media: types.MediaType, wanted: renditions.Film, output: int, *, source_type: str | None
) -> dict[str, Any]:
    """Writes the film to `output`; its width and height. Raises `errors.NotMedia` and `errors.UnsupportedType`."""
    os.ftruncate(output, 0)
    with streams.opened(file, media) as container:
        film = frames.film_of(container, media)
        first = next(frames.decoded(container, film), None)
        if first is None:
            raise errors.NotMedia(f"The {media.content_type} file holds no frame that can be decoded.")
        shape = _Shape.of(first, wanted)
    whole = _File(output)
    with (
        streams.opened(file, media) as container,
        av.open(whole, "w", format="mp4", options={"movflags": "+faststart"}, io_open=lambda *_: _File(output)) as made,
    ):
        _Maker(container, made, media, wanted, shape).run()
    xmp = marking.packet(source_type)
    if xmp is not None:
        os.pwrite(output, marking.box(xmp), os.fstat(output).st_size)
    return {"width": shape.width, "height": shape.height}


class _File:
    """The output, for FFmpeg: written in place, and read again when the index moves to the front."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._at = 0

    def write(self, data: bytes) -> int:
        written = os.pwrite(self._fd, data, self._at)
        self._at += written
        return written

    def read(self, length: int) -> bytes:
        data = os.pread(self._fd, length, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: os.fstat(self._fd).st_size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        """The descriptor is the caller's."""


class _Shape:
    """Width and height of what is made, even numbers, and the quarter turns to the left that stand it upright."""

    def __init__(self, width: int, height: int, turns: int) -> None:
        self.width = width
        self.height = height
        self.turns = turns

    @classmethod
    def of(cls, frame: av.VideoFrame, wanted: renditions.Film) -> "_Shape":
        turns = int(frame.rotation or 0) // 90 % 4
        width, height = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
        scale = min(1.0, wanted.side / min(width, height), MOST_SIDE / max(width, height))
        return cls(_even(width * scale), _even(height * scale), turns)


def _even(pixels: float) -> int:
    return max(2, int(pixels / 2 + 0.5) * 2)


class _Maker:
    """One film in the making."""

    def __init__(
        self, container: Any, made: Any, media: types.MediaType, wanted: renditions.Film, shape: _Shape
    ) -> None:
        self._container = container
        self._made = made
        self._wanted = wanted
        self._shape = shape
        self._film = frames.film_of(container, media)
        self._film.thread_count = 1
        self._sound = None if wanted.muted else next(iter(container.streams.audio), None)
        if self._sound is not None and self._sound.codec_context is None:
            self._sound = None
        self._pictures = self._add_pictures()
        self._sounds = self._add_sounds() if self._sound is not None else None
        self._graph: tuple[tuple[Any, ...], Any] | None = None
        self._resampler: Any = None
        self._begin: float | None = None
        """Seconds of the original at which the film begins: that of its first frame."""
        self._last = -1.0

    def run(self) -> None:
        wanted = [stream for stream in (self._film, self._sound) if stream is not None]
        for frame in frames.decoded(self._container, *wanted):
            if isinstance(frame, av.VideoFrame):
                if not self._picture(frame):
                    break
            else:
                self._hear(frame)
        if self._begin is None:
            raise errors.NotMedia("The film holds no frame that can be decoded.")
        if self._sounds is not None:
            if self._resampler is not None:
                self._write_sound(self._resampler.resample(None))
            self._made.mux(self._sounds.encode(None))
        self._made.mux(self._pictures.encode(None))

    def _add_pictures(self) -> Any:
        most = BITS.get(self._wanted.side, 6_000_000)
        rate = self._wanted.rate or 30
        stream = self._made.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = self._shape.width, self._shape.height, "yuv420p"
        stream.codec_context.time_base = CLOCK
        stream.codec_context.thread_count = 1
        stream.options = {
            "preset": "veryfast",
            "crf": "23",
            "profile": "high",
            "maxrate": str(most),
            "bufsize": str(2 * most),
            "force_key_frames": "expr:gte(t,n_forced*2)",
            "g": "120",
        }
        return stream

    def _add_sounds(self) -> Any:
        stream = self._made.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        stream.bit_rate = SOUND_BITS
        return stream

    def _picture(self, frame: av.VideoFrame) -> bool:
        """Adds a frame; False when there are enough."""
        if frame.pts is None:
            return True
        if self._begin is None:
            self._begin = frame.time
        at = frame.time - self._begin
        if self._wanted.seconds is not None and at >= self._wanted.seconds:
            return False
        # A frame a tenth too early is none too many: clocks of containers are coarse.
        if at <= self._last or (self._last >= 0 and at - self._last < 0.9 / (self._wanted.rate or MOST_RATE)):
            return True
        self._last = at
        shown = self._shaped(frame)
        shown.pts, shown.time_base, shown.pict_type = round(at / CLOCK), CLOCK, av.video.frame.PictureType.NONE
        self._made.mux(self._pictures.encode(shown))
        return True

    def _shaped(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Scaled and turned. A film may change its size or format in the middle."""
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._graph[0] != kind:
            self._graph = (kind, self._filters(frame))
        graph = self._graph[1]
        graph.push(frame)
        shown: av.VideoFrame = graph.pull()
        return shown

    def _filters(self, frame: av.VideoFrame) -> Any:
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or CLOCK
            )
        ]
        sides = (self._shape.width, self._shape.height)
        if self._shape.turns % 2:
            sides = (sides[1], sides[0])
        nodes.append(graph.add("scale", f"{sides[0]}:{sides[1]}:flags=bicubic"))
        turn = TURNS.get(self._shape.turns)
        if turn == "180":
            nodes += [graph.add("hflip"), graph.add("vflip")]
        elif turn is not None:
            nodes.append(graph.add("transpose", turn))
        nodes += [graph.add("setsar", "1"), graph.add("format", "yuv420p"), graph.add("buffersink")]
        for one, other in itertools.pairwise(nodes):
            one.link_to(other)
        graph.configure()
        return graph

    def _hear(self, frame: av.AudioFrame) -> None:
        """Adds sound from where the film begins. What changes its form in the middle is resampled anew."""
        if self._begin is None or frame.pts is None or frame.time_base is None:
            return
        if frame.pts * frame.time_base < self._begin:
            return
        frame.pts -= round(self._begin / frame.time_base)
        for _ in range(2):
            if self._resampler is None:
                self._resampler = av.AudioResampler(
                    format="fltp", layout="stereo", rate=SOUND_RATE, frame_size=SOUND_FRAME
                )
            try:
                self._write_sound(self._resampler.resample(frame))
                return
            except ValueError:
                self._resampler = None

    def _write_sound(self, found: list[av.AudioFrame]) -> None:
        assert self._sounds is not None
        for frame in found:
            self._made.mux(self._sounds.encode(frame))
