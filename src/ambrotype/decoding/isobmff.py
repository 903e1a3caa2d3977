"""Boxes of ISO base media files (ISO/IEC 14496-12): MP4, QuickTime, HEIF, AVIF, and JPEG XL's container."""

from collections.abc import Iterator
from typing import NamedTuple

from ambrotype.core import errors
from ambrotype.decoding.reading import Reader

MEDIA_DATA = (b"mdat", b"moof", b"imda")
# Only boxes of known names are believed when they lead beyond the end: anything else may be bytes behind
# the end.
KNOWN = frozenset(b"ftyp moov mdat moof free skip wide uuid meta mfra sidx styp pdin idat imda emsg jxlc jxlp".split())


class Box(NamedTuple):
    name: bytes
    begin: int
    """Of the content, behind the header."""
    end: int


def boxes(file: Reader, begin: int, end: int) -> Iterator[Box]:
    """Boxes in a row, up to `end` or to what is no box. The last one may lead beyond `end`."""
    while end - begin >= 8:
        header = file.at(begin, 16)
        if len(header) < 8:
            return
        size, content = int.from_bytes(header[:4], "big"), begin + 8
        if size == 1 and len(header) == 16:
            size, content = int.from_bytes(header[8:], "big"), begin + 16
        elif size == 0:
            size = end - begin
        if begin + size < content:
            return
        yield Box(header[4:8], content, begin + size)
        begin += size


def check_film(file: Reader) -> None:
    """Known boxes end within the file, and there are both an index (moov) and media data."""
    seen = _walk(file)
    if b"moov" not in seen:
        raise errors.Truncated(f"The MP4 file ends after {file.size} bytes, without its index (moov); it was cut off.")
    if not seen.intersection(MEDIA_DATA):
        raise errors.Truncated(f"The MP4 file ends after {file.size} bytes, before its media data; it was cut off.")


def check_image(file: Reader) -> None:
    """The same for pictures; a small one may have its data inside the index (meta)."""
    seen = _walk(file)
    if b"meta" not in seen:
        # Sequences without a still picture are built like films.
        check_film(file)
    elif not seen.intersection(MEDIA_DATA) and b"idat" not in seen:
        raise errors.Truncated(f"The HEIF file ends after {file.size} bytes, before its media data; it was cut off.")


def check_jxl(file: Reader) -> None:
    if file.at(4, 4) == b"JXL " and not _walk(file).intersection((b"jxlc", b"jxlp")):
        raise errors.Truncated(f"The JPEG XL file ends after {file.size} bytes, before its picture; it was cut off.")


def _walk(file: Reader) -> set[bytes]:
    seen = set()
    for box in boxes(file, 0, file.size):
        if box.end > file.size and box.name in KNOWN:
            raise errors.Truncated(
                f"The file ends after {file.size} bytes, inside its box {box.name.decode()!r}, "
                f"which would end at {box.end}; it was cut off."
            )
        seen.add(box.name)
        if box.name == b"meta":
            # A full box: four bytes of version and flags come first.
            seen.update(inner.name for inner in boxes(file, box.begin + 4, box.end) if inner.name == b"idat")
    return seen


def turned(file: Reader) -> bool:
    """Whether the first video track is displayed turned by 90 or 270 degrees (matrix in tkhd, section
    8.3.2)."""
    for track in _inside(file, [Box(b"", 0, file.size)], b"moov", b"trak"):
        handler = next(_inside(file, [track], b"mdia", b"hdlr"), None)
        header = next(_inside(file, [track], b"tkhd"), None)
        if handler is None or header is None or file.at(handler.begin + 8, 4) != b"vide":
            continue
        matrix_at = header.begin + (52 if file.at(header.begin, 1) == b"\x01" else 40)
        matrix = file.at(matrix_at, 20)
        a, b, c, d = (matrix[at : at + 4] for at in (0, 4, 12, 16))
        return not any(a) and not any(d) and any(b) and any(c)
    return False


def _inside(file: Reader, outer: list[Box], *path: bytes) -> Iterator[Box]:
    """All boxes of that path."""
    for box in outer:
        for inner in boxes(file, box.begin, min(box.end, file.size)):
            if inner.name != path[0]:
                continue
            if len(path) == 1:
                yield inner
            else:
                yield from _inside(file, [inner], *path[1:])
