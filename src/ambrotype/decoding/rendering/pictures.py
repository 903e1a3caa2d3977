"""A smaller picture of a picture, or of a video's frame: upright, in sRGB, without anything that its original told
besides what it shows and that a machine made it."""

import os
from typing import Any

import pyvips

from ambrotype.core import errors, renditions, types
from ambrotype.decoding import images, streams
from ambrotype.decoding.reading import Reader
from ambrotype.decoding.rendering import frames, marking

MOST_READ = 150_000_000
"""Pixels that an original's header may claim."""
MOST_FRAMES, MOST_MOVING = 300, 50_000_000
"""Frames, and pixels of all frames together, up to which an animation stays one; beyond, its first frame is shown."""
MOVING = ("image/gif", "image/webp")


def make(file: Reader, media: types.MediaType, wanted: renditions.Picture, *, source_type: str | None) -> bytes:
    """The encoded picture. Raises `errors.NotMedia`, and `errors.UnsupportedType` for what is too large to be read."""
    try:
        picture = _shown(file, media, wanted)
        xmp = marking.packet(source_type)
        if xmp is not None:
            picture = picture.copy()
            picture.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)
        return _encoded(picture, wanted, keep="xmp" if xmp is not None else "none")
    except (pyvips.Error, UnicodeDecodeError) as error:
        raise images.unreadable(media, error) from error


def _shown(file: Reader, media: types.MediaType, wanted: renditions.Picture) -> pyvips.Image:
    if media.kind == "video":
        with streams.opened(file, media) as container:
            frame = frames.poster(container, media)
            return _fitted(frames.picture(frame, most=max(wanted.w, wanted.h)), wanted)
    if media.content_type not in images.LOADERS:
        raise errors.UnsupportedType(f"There is no safe decoder for {media.content_type}; ask for the original.")
    header = images.opened(file, media)
    if header.width * header.height > MOST_READ:
        raise errors.UnsupportedType(
            f"The picture has {header.width} × {header.height} pixels; smaller ones are made of at most {MOST_READ}."
        )
    if (
        media.content_type in MOVING
        and wanted.format == "webp"
        and (moving := _moving(file, media, wanted)) is not None
    ):
        return moving
    return _fitted(images.opened(file, media, access="sequential", **_shrunk(header, media, wanted)), wanted)


def _shrunk(header: pyvips.Image, media: types.MediaType, wanted: renditions.Picture) -> dict[str, Any]:
    """What the decoder itself can leave out, so that a factor of two is left for a good filter."""
    turned = images.is_turned(header)
    width, height = (header.height, header.width) if turned else (header.width, header.height)
    ratios = (width / wanted.w, height / wanted.h)
    shrink = min(ratios) if wanted.fit == "cover" else max(ratios)
    if media.content_type == "image/jpeg":
        return {"shrink": next((n for n in (8, 4, 2) if shrink >= 2 * n), 1)}
    if media.content_type == "image/webp" and shrink > 2:
        return {"scale": 2 / shrink}
    return {}


def _moving(file: Reader, media: types.MediaType, wanted: renditions.Picture) -> pyvips.Image | None:
    """All frames below each other, as libvips keeps animations; None for a still, and where they are too many."""
    header = images.opened(file, media)
    count = header.get("n-pages") if header.get_typeof("n-pages") else 1
    if not 1 < count <= MOST_FRAMES or header.width * header.height * count > MOST_MOVING:
        return None
    roll = images.opened(file, media, n=-1)
    height = roll.get("page-height")
    smaller = [
        _fitted(roll.crop(0, top, roll.width, height).copy_memory(), wanted) for top in range(0, roll.height, height)
    ]
    joined = pyvips.Image.arrayjoin(smaller, across=1).copy()
    joined.set_type(pyvips.GValue.gint_type, "page-height", smaller[0].height)
    return joined


def _fitted(image: pyvips.Image, wanted: renditions.Picture) -> pyvips.Image:
    turned = images.is_turned(image)
    width, height = (image.height, image.width) if turned else (image.width, image.height)
    box = (wanted.w, wanted.h)
    if wanted.fit == "cover":
        box = _scaled(box, min(1.0, width / wanted.w, height / wanted.h))
    elif wanted.fit == "contain":
        box = _scaled(box, min(1.0, max(width / wanted.w, height / wanted.h)))
    crop = {"crop": "centre"} if wanted.fit == "cover" else {}
    small = image.thumbnail_image(box[0], height=box[1], size="down", output_profile="srgb", **crop)
    small = small.colourspace("srgb").cast("uchar")
    if small.width * small.height > renditions.MOST_PIXELS:
        raise errors.UnsupportedType(
            f"That would have more than {renditions.MOST_PIXELS} pixels; ask for a smaller one."
        )
    if wanted.fit == "contain":
        small = _padded(small, box, wanted)
    if wanted.format == "jpeg" and small.hasalpha():
        small = small.flatten(background=[255, 255, 255])
    return small


def _padded(small: pyvips.Image, box: tuple[int, int], wanted: renditions.Picture) -> pyvips.Image:
    """See-through around the picture, or white where the format can't be."""
    if wanted.format == "jpeg":
        opaque = small.flatten(background=[255, 255, 255]) if small.hasalpha() else small
        return opaque.gravity("centre", *box, extend="white")
    clear = small if small.hasalpha() else small.addalpha()
    return clear.gravity("centre", *box, extend="background", background=[0, 0, 0, 0])


def _scaled(box: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(box[0] * factor)), max(1, round(box[1] * factor))


def _encoded(picture: pyvips.Image, wanted: renditions.Picture, *, keep: str) -> bytes:
    match wanted.format:
        case "webp":
            return bytes(picture.webpsave_buffer(Q=wanted.q, effort=3, keep=keep))
        case "avif":
            return bytes(picture.heifsave_buffer(Q=wanted.q, compression="av1", effort=2, bitdepth=8, keep=keep))
        case "jpeg":
            return bytes(picture.jpegsave_buffer(Q=wanted.q, optimize_coding=True, keep=keep))
        case "png":
            return bytes(picture.pngsave_buffer(compression=6, keep=keep))


def write(fd: int, data: bytes) -> None:
    """The whole of it, from the file's beginning."""
    os.ftruncate(fd, 0)
    view = memoryview(data)
    at = 0
    while at < len(view):
        at += os.pwrite(fd, view[at:], at)
