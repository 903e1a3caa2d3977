"""Texts in RIFF chunks: WebP's EXIF and XMP (RFC 9649 section 2.7.1.5)."""

from collections.abc import Iterator

from ambrotype.decoding.inspection import exif
from ambrotype.decoding.inspection.texts import MOST_BLOCK, Texts, guess
from ambrotype.decoding.reading import Reader

MOST_CHUNKS = 100_000


def chunks(file: Reader) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin of the content and size of each chunk."""
    at = 12
    for _ in range(MOST_CHUNKS):
        head = file.at(at, 8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        yield head[:4], at + 8, size
        at += 8 + size + size % 2


def read(file: Reader, texts: Texts) -> None:
    for name, begin, size in chunks(file):
        if name not in (b"EXIF", b"XMP "):
            continue
        texts.cut = texts.cut or size > MOST_BLOCK
        data = file.at(begin, min(size, MOST_BLOCK))
        if name == b"EXIF":
            exif.read(data, texts)
        else:
            texts.add("xmp", "packet", guess(data))
