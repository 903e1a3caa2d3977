"""XMP in films (a box of its own, XMP part 3 section 1.2.7); texts in AVIF and HEIC, whose items libvips finds."""

import pyvips

from ambrotype.core import types
from ambrotype.decoding import images, isobmff
from ambrotype.decoding.inspection import exif
from ambrotype.decoding.inspection.texts import MOST_BLOCK, Texts, guess
from ambrotype.decoding.reading import Reader

XMP_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
MOST_BOXES = 10_000


def read_film(file: Reader, texts: Texts) -> None:
    for number, box in enumerate(isobmff.boxes(file, 0, file.size)):
        if number >= MOST_BOXES:
            return
        if box.name == b"uuid" and file.at(box.begin, 16) == XMP_UUID:
            size = min(box.end - box.begin - 16, MOST_BLOCK)
            texts.add("xmp", "packet", guess(file.at(box.begin + 16, size)))


def read_picture(file: Reader, media: types.MediaType, texts: Texts) -> None:
    """Also GIF's comments. Raises `errors.NotMedia` if libvips can't open the file."""
    image = images.opened(file, media)
    for field in image.get_fields():
        if field == "exif-data":
            exif.read(_block(image, field), texts)
        elif field == "xmp-data":
            texts.add("xmp", "packet", guess(_block(image, field)))
        elif field.startswith("gif-comment"):
            texts.add("gif", "comment", str(image.get(field)))


def _block(image: pyvips.Image, field: str) -> bytes:
    value = image.get(field)
    return value[:MOST_BLOCK] if isinstance(value, bytes) else b""
