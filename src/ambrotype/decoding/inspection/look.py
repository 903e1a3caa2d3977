"""What a picture, or a film's first frame, looks like: decoded once, to 100 pixels at most each way."""

import base64
import dataclasses
from typing import Any

import pyvips

from ambrotype.core import errors, types
from ambrotype.decoding import images, streams
from ambrotype.decoding.inspection import likeness, thumbhash
from ambrotype.decoding.reading import Reader

MOST_PIXELS = 150_000_000
"""Claimed by the header; more are not decoded."""
MOST_FRAME = 8192 * 8192


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`thumbhash` as base64, `phash` as 16 hexadecimal digits."""

    thumbhash: str
    phash: str

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def of(file: Reader, media: types.MediaType) -> Look | None:
    """None for what has no pixels that we read (sounds, drawings, formats without a safe decoder), or too many.

    Raises `errors.NotMedia` if the pixels can't be decoded.
    """
    try:
        small = _seen(file, media, side=thumbhash.MOST_SIDE)
        return _look(small) if small is not None else None
    except (pyvips.Error, UnicodeDecodeError) as error:
        raise images.unreadable(media, error) from error


def pixels(file: Reader, media: types.MediaType, *, side: int) -> dict[str, Any]:
    """`{"width", "height", "rgb"}` of a picture of `side` pixels at most each way, on white; empty and raising as `of`."""
    try:
        small = _seen(file, media, side=side)
        if small is None:
            return {}
        rgb = small.colourspace("srgb").cast("uchar")
        flat = rgb.flatten(background=[255, 255, 255]) if rgb.hasalpha() else rgb
        data = bytes(flat.cast("uchar").write_to_memory())
    except (pyvips.Error, UnicodeDecodeError) as error:
        raise images.unreadable(media, error) from error
    return {"width": small.width, "height": small.height, "rgb": base64.b64encode(data).decode()}


def _seen(file: Reader, media: types.MediaType, *, side: int) -> pyvips.Image | None:
    if media.content_type in images.LOADERS:
        return _picture(file, media, side=side)
    return _frame(file, media, side=side) if media.kind == "video" else None


def _picture(file: Reader, media: types.MediaType, *, side: int) -> pyvips.Image | None:
    header = images.opened(file, media)
    if header.width * header.height > MOST_PIXELS:
        return None
    options: dict[str, Any] = {"access": "sequential"}
    if media.content_type == "image/jpeg":
        # The decoder itself can leave out what a smaller picture does not need.
        shortest = min(header.width, header.height)
        options["shrink"] = next((n for n in (8, 4, 2) if shortest >= n * 2 * side), 1)
    return _small(images.opened(file, media, **options), side=side)


def _frame(file: Reader, media: types.MediaType, *, side: int) -> pyvips.Image | None:
    with streams.opened(file, media) as container:
        film = next((s for s in container.streams.video if not int(s.disposition) & streams.ATTACHED_PICTURE), None)
        if film is None or film.codec_context is None or film.width * film.height > MOST_FRAME:
            return None
        film.thread_count = 1
        frame = next(container.decode(film), None)
        if frame is None:
            raise errors.NotMedia(f"The {media.content_type} file holds no frame that can be decoded.")
        scale = min(1.0, side / max(frame.width, frame.height))
        sides = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
        turns = int(frame.rotation or 0) // 90 % 4
        plane = frame.reformat(*sides, format="rgb24").planes[0]
    rows = [bytes(plane)[y * plane.line_size :][: sides[0] * 3] for y in range(sides[1])]
    picture = pyvips.Image.new_from_memory(b"".join(rows), *sides, 3, "uchar").copy(interpretation="srgb")
    for _ in range(turns):
        picture = picture.rot270()
    return picture


def _small(image: pyvips.Image, *, side: int) -> pyvips.Image:
    fitted = image.thumbnail_image(side, height=side, size="down", no_rotate=True)
    return fitted.copy_memory().autorot()


def _look(small: pyvips.Image) -> Look:
    rgb = small.colourspace("srgb").cast("uchar")
    rgba = rgb if rgb.hasalpha() else rgb.addalpha()
    pixels = bytes(rgba.cast("uchar").write_to_memory())
    flat = rgb.flatten(background=[255, 255, 255]) if rgb.hasalpha() else rgb
    grey = flat.colourspace("b-w").thumbnail_image(likeness.SIDE, height=likeness.SIDE, size="force")
    return Look(
        thumbhash=base64.b64encode(thumbhash.encode(rgba.width, rgba.height, pixels)).decode(),
        phash=f"{likeness.of(bytes(grey.extract_band(0).cast('uchar').write_to_memory())):016x}",
    )
