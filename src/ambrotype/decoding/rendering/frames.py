"""Frames of videos, as pictures."""

from typing import Any

import av
import pyvips

from ambrotype.core import errors, types
from ambrotype.decoding import streams

MOST_FRAME = 8192 * 8192
"""Pixels; larger ones are not decoded."""
LOOKED_AT, DARK = 90, 6.0
"""Frames among which one that is not plain is looked for; how far grey values differ, on average, in a plain one."""
_SIDE = 32


def film_of(container: Any, media: types.MediaType) -> Any:
    """The stream that is shown. Raises `errors.UnsupportedType` where its frames are too large, `errors.NotMedia` where
    there is none."""
    found = (s for s in container.streams.video if not int(s.disposition) & streams.ATTACHED_PICTURE)
    film = next(found, None)
    if film is None or film.codec_context is None:
        raise errors.NotMedia(f"The {media.content_type} file holds no video that can be decoded.")
    if film.width * film.height > MOST_FRAME:
        raise errors.UnsupportedType(
            f"The video has frames of {film.width} × {film.height} pixels, which is too large."
        )
    return film


def poster(container: Any, media: types.MediaType) -> av.VideoFrame:
    """The first frame that shows something, else the first one: many films begin in black."""
    film = film_of(container, media)
    film.thread_count = 1
    first: av.VideoFrame | None = None
    for seen, frame in enumerate(decoded(container, film)):
        first = first or frame
        if not _is_plain(frame):
            shows: av.VideoFrame = frame
            return shows
        if seen >= LOOKED_AT:
            break
    if first is None:
        raise errors.NotMedia(f"The {media.content_type} file holds no frame that can be decoded.")
    return first


def decoded(container: Any, *wanted: Any) -> Any:
    """Frames of these streams. Damaged packets are left out, as players do; so are frames of unknown size."""
    for packet in container.demux(*wanted):
        try:
            found = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from found


def picture(frame: av.VideoFrame, *, most: int) -> pyvips.Image:
    """Upright, no side longer than `most` pixels, in sRGB."""
    scale = min(1.0, most / max(frame.width, frame.height))
    sides = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    plane = frame.reformat(*sides, format="rgb24", interpolation="LANCZOS").planes[0]
    data = memoryview(bytes(plane))
    rows = [data[y * plane.line_size :][: sides[0] * 3] for y in range(sides[1])]
    shown = pyvips.Image.new_from_memory(b"".join(rows), *sides, 3, "uchar").copy(interpretation="srgb")
    for _ in range(int(frame.rotation or 0) // 90 % 4):
        shown = shown.rot270()
    return shown


def _is_plain(frame: av.VideoFrame) -> bool:
    plane = frame.reformat(_SIDE, _SIDE, format="gray").planes[0]
    data = bytes(plane)
    grey = b"".join(data[y * plane.line_size :][:_SIDE] for y in range(_SIDE))
    mean = sum(grey) / len(grey)
    return sum(abs(value - mean) for value in grey) / len(grey) < DARK
