"""Texts hidden in the lowest bits of pixels, down each column and then the next: NovelAI's and others' "stealth"
recipes.

Fifteen letters say how, 32 bits how many bits follow (big-endian), then the text, as it is or gzipped. It lies in the
alpha channel, or in red, green and blue in turn. Nothing but whole, lossless pixels can hold it.
"""

import pyvips

from ambrotype.core import types
from ambrotype.decoding import images
from ambrotype.decoding.inspection import riff
from ambrotype.decoding.inspection.texts import Texts, guess
from ambrotype.decoding.reading import Reader

MOST_PIXELS = 24_000_000
MOST_BITS = 8 << 20
MAGICS = {
    b"stealth_pnginfo": ("alpha", False),
    b"stealth_pngcomp": ("alpha", True),
    b"stealth_rgbinfo": ("colours", False),
    b"stealth_rgbcomp": ("colours", True),
}
PLACES = (("alpha", 3, 1), ("colours", 0, 3))
"""Which channels, the first of them, and how many."""
HEAD_BITS = (15 + 4) * 8
_LOWEST = bytes(48 + (value & 1) for value in range(256))
"""From a channel's value to the digit, "0" or "1", of its lowest bit."""


def read(file: Reader, media: types.MediaType, texts: Texts) -> None:
    """Adds what is hidden. Raises `errors.NotMedia` if the pixels can't be read."""
    if media.content_type == "image/webp" and not any(name == b"VP8L" for name, _, _ in riff.chunks(file)):
        return
    image = images.opened(file, media, access="sequential")
    if image.format != "uchar" or image.bands not in (3, 4) or image.width * image.height > MOST_PIXELS:
        return
    columns = -(-HEAD_BITS // image.height)
    pixels = _left(file, media, columns)
    for channels, first, bands in PLACES:
        if first + bands > image.bands:
            continue
        head = _packed(_bits(pixels, image, first, bands)[:HEAD_BITS])
        magic, length = head[:15], int.from_bytes(head[15:19], "big")
        how = MAGICS.get(magic)
        if how is None or how[0] != channels or length > MOST_BITS:
            continue
        columns = -(-(HEAD_BITS + length) // (image.height * bands))
        bits = _bits(_left(file, media, columns), image, first, bands)[HEAD_BITS : HEAD_BITS + length]
        hidden = _packed(bits)
        texts.add("stealth", "stealth", guess(texts.inflate(hidden) if how[1] else hidden))
        return


def _left(file: Reader, media: types.MediaType, columns: int) -> bytes:
    """The first columns' lowest bits, as digits, row by row. Decodes anew: a picture is read once from top to
    bottom."""
    image = images.opened(file, media, access="sequential")
    try:
        pixels = image.crop(0, 0, min(columns, image.width), image.height).write_to_memory()
    except pyvips.Error as error:
        raise images.unreadable(media, error) from error
    return bytes(pixels).translate(_LOWEST)


def _bits(digits: bytes, image: pyvips.Image, first: int, bands: int) -> bytes:
    """The digits of some channels in the order of the hiding: column by column, channels in turn."""
    columns = len(digits) // (image.height * image.bands)
    found = bytearray()
    for column in range(columns):
        down = bytearray(image.height * bands)
        for band in range(bands):
            down[band::bands] = digits[column * image.bands + first + band :: columns * image.bands]
        found += down
    return bytes(found)


def _packed(bits: bytes) -> bytes:
    whole = len(bits) // 8
    return int(b"0" + bits[: whole * 8], 2).to_bytes(whole, "big")
