"""Whether a TIFF's directories and strips lie within the file (TIFF 6.0 sections 2 and 3; BigTIFF
likewise)."""

from collections.abc import Iterator
from typing import NamedTuple

from ambrotype.core import errors
from ambrotype.decoding.reading import Reader

STRIPS, TILES = (273, 279), (324, 325)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
PRIVATE_TAGS = 32768
"""From here on tags are of private makers, whose mistakes decoders forgive."""
MAX_DIRECTORIES = 4096
MAX_VALUES = 1 << 20


class Layout(NamedTuple):
    """Widths in bytes, which differ between TIFF and BigTIFF: of an offset, of a directory's count; of an
    entry."""

    little: bool
    offset: int
    counter: int
    entry: int


def check(file: Reader) -> None:
    """Raises `errors.Truncated` if a directory, or picture data, leads beyond the end."""
    little = file.at(0, 1) == b"I"
    big = file.at(2, 2) in (b"+\x00", b"\x00+")
    layout = Layout(little, 8, 8, 20) if big else Layout(little, 4, 2, 12)
    seen: set[int] = set()
    at = file.number(8 if big else 4, layout.offset, little=little)
    while at != 0 and at not in seen and len(seen) < MAX_DIRECTORIES:
        if at is None or at >= file.size:
            raise _cut(file)
        seen.add(at)
        at = _directory(file, at, layout)


def _directory(file: Reader, at: int, layout: Layout) -> int | None:
    """Checks one directory; where the next one is, 0 for none, None where that lies beyond the end."""
    count = file.number(at, layout.counter, little=layout.little)
    if count is None or at + layout.counter + count * layout.entry > file.size:
        raise _cut(file)
    at += layout.counter
    entries = {
        file.number(entry, 2, little=layout.little): entry
        for entry in range(at, at + count * layout.entry, layout.entry)
    }
    for tag, entry in entries.items():
        if tag is not None and tag < PRIVATE_TAGS:
            next(_values(file, entry, layout), None)
    for offsets, lengths in (STRIPS, TILES):
        if offsets in entries:
            begins = _values(file, entries[offsets], layout)
            sizes = _values(file, entries[lengths], layout) if lengths in entries else iter(())
            for begin in begins:
                if begin + next(sizes, 0) > file.size:
                    raise _cut(file)
    return file.number(at + count * layout.entry, layout.offset, little=layout.little)


def _values(file: Reader, entry: int, layout: Layout) -> Iterator[int]:
    little = layout.little
    width = SIZES.get(file.number(entry + 2, 2, little=little) or 0, 0)
    count = file.number(entry + 4, layout.offset, little=little) or 0
    if not width or count > MAX_VALUES:
        return
    at: int | None = entry + 4 + layout.offset
    if width * count > layout.offset:
        at = file.number(entry + 4 + layout.offset, layout.offset, little=little)
    if at is None or at + width * count > file.size:
        raise _cut(file)
    for index in range(count):
        yield file.number(at + index * width, width, little=little) or 0


def _cut(file: Reader) -> errors.Truncated:
    return errors.Truncated(f"The TIFF file ends after {file.size} bytes, before data that it names; it was cut off.")
