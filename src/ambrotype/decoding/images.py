"""Facts of pictures, from their headers: nothing is decoded, so a huge claimed size costs nothing here."""

import os
from collections.abc import Callable
from typing import Any

import pyvips

from ambrotype.core import errors, types
from ambrotype.decoding import bitmaps, svg
from ambrotype.decoding.facts import MAX_SIDE, Facts
from ambrotype.decoding.reading import Reader

TURNED = (5, 6, 7, 8)
"""Values of the EXIF orientation that swap width and height (EXIF 3.0 section 4.6.5.1)."""

# By our own type and not by libvips's sniffing: bytes that two loaders would take get the one that we
# checked.
LOADERS = {
    "image/jpeg": "jpegload_source",
    "image/png": "pngload_source",
    "image/webp": "webpload_source",
    "image/gif": "gifload_source",
    "image/tiff": "tiffload_source",
    "image/avif": "heifload_source",
    "image/heic": "heifload_source",
    "image/heif": "heifload_source",
}

PLAIN: dict[str, Callable[[Reader], tuple[int | None, int | None]]] = {
    "image/bmp": bitmaps.bmp,
    "image/jxl": bitmaps.jxl,
    "image/svg+xml": svg.size,
}


def prepare() -> None:
    """Sets libvips up, for good: only loaders that are tested against hostile files, nothing kept between
    files."""
    pyvips.block_untrusted_set(True)
    pyvips.cache_set_max(0)


def probe(file: Reader, media: types.MediaType) -> Facts:
    """Raises `errors.NotMedia` if the header can't be read."""
    if media.content_type in PLAIN:
        width, height = PLAIN[media.content_type](file)
        return Facts(media=media, width=width, height=height)
    image = opened(file, media)
    width, height = int(image.width), int(image.height)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise errors.NotMedia(f"The {media.content_type} file claims to be {width} × {height} pixels.")
    if is_turned(image):
        width, height = height, width
    return Facts(media=media, width=width, height=height, animated=_is_animated(file, media, image))


def opened(file: Reader, media: types.MediaType, **options: Any) -> pyvips.Image:
    """The picture, its pixels not decoded yet. Raises `errors.NotMedia`; so may whatever needs its pixels later, by
    `unreadable`."""
    os.lseek(file.fd, 0, os.SEEK_SET)  # the position is shared with whoever read the file before
    try:
        source = pyvips.Source.new_from_descriptor(file.fd)
        return pyvips.Operation.call(LOADERS[media.content_type], source, **options)
    except (pyvips.Error, UnicodeDecodeError) as error:
        raise unreadable(media, error) from error


def unreadable(media: types.MediaType, error: pyvips.Error | UnicodeDecodeError) -> errors.NotMedia:
    """What libvips said, as ours."""
    if isinstance(error, UnicodeDecodeError):
        # What libvips says quotes bytes of the file, which need not be text; then pyvips leaves it in the buffer.
        pyvips.vips_lib.vips_error_clear()
        return errors.NotMedia(f"The file begins like {media.content_type}, but no picture can be read from it.")
    said = " ".join(str(error).split())[-160:]
    return errors.NotMedia(f"The file begins like {media.content_type}, but no picture can be read from it ({said}).")


def is_turned(image: pyvips.Image) -> bool:
    """Whether width and height are swapped when it is shown as it asks."""
    return _field(image, "orientation") in TURNED


def _field(image: pyvips.Image, name: str) -> int:
    value = image.get(name) if image.get_typeof(name) else 0
    return value if isinstance(value, int) else 0


def _is_animated(file: Reader, media: types.MediaType, image: pyvips.Image) -> bool:
    if media.content_type == "image/png":
        return bitmaps.is_apng(file)
    if media.content_type == "image/avif":
        return file.at(8, 4) == b"avis"
    return media.content_type in ("image/gif", "image/webp") and _field(image, "n-pages") > 1
