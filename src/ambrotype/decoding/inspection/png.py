"""Texts in PNG chunks (W3C PNG section 11.3.3), and ComfyUI's `comf` chunks behind an animation's frames."""

from ambrotype.decoding.inspection import exif
from ambrotype.decoding.inspection.texts import MOST_BLOCK, Texts, guess
from ambrotype.decoding.reading import Reader

MOST_CHUNKS = 200_000
"""Chunks looked at; a large animation has one or two for each frame and row of a few."""
XMP_KEY = "XML:com.adobe.xmp"


def read(file: Reader, texts: Texts) -> None:
    at = 8
    for _ in range(MOST_CHUNKS):
        head = file.at(at, 8)
        if len(head) < 8 or head[4:] == b"IEND" or texts.is_full:
            texts.cut = texts.cut or (texts.is_full and head[4:] != b"IEND")
            return
        size = int.from_bytes(head[:4], "big")
        reader = READERS.get(head[4:])
        if reader is not None:
            texts.cut = texts.cut or size > MOST_BLOCK
            reader(file.at(at + 8, min(size, MOST_BLOCK)), texts)
        at += 12 + size
    texts.cut = True


def _text(data: bytes, texts: Texts) -> None:
    key, _, text = data.partition(b"\0")
    _add(key, guess(text), texts)


def _compressed(data: bytes, texts: Texts) -> None:
    key, _, rest = data.partition(b"\0")
    if rest[:1] == b"\0":
        _add(key, guess(texts.inflate(rest[1:])), texts)


def _international(data: bytes, texts: Texts) -> None:
    key, _, rest = data.partition(b"\0")
    compressed, _, rest = rest[:1], rest[1:2], rest[2:]
    _, _, rest = rest.partition(b"\0")  # language
    _, _, rest = rest.partition(b"\0")  # the key in that language
    _add(key, guess(texts.inflate(rest) if compressed == b"\1" else rest), texts)


def _add(key: bytes, text: str, texts: Texts) -> None:
    """XMP belongs into iTXt, but libvips, and so whoever builds on it, writes it as zTXt."""
    name = key.decode("latin-1")
    is_xmp = name == XMP_KEY
    texts.add("xmp" if is_xmp else "png", "packet" if is_xmp else name, text)


READERS = {b"tEXt": _text, b"comf": _text, b"zTXt": _compressed, b"iTXt": _international, b"eXIf": exif.read}
