"""The Range header (RFC 9110, section 14): which bytes of a file somebody asked for."""

import dataclasses
import itertools
import re

from ambrotype.core import errors

MAX_RANGES = 16
"""More ranges than this in one request get the whole file: players ask for one, PDF readers for a handful."""

_UNIT = re.compile(r"bytes=(.*)", re.IGNORECASE | re.DOTALL)
_SPEC = re.compile(r"([0-9]*)-([0-9]*)")
_MAX_HEADER = 4096
_BEYOND = 1 << 63


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Range:
    """`length` bytes from `start`; never empty."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The first position behind it."""
        return self.start + self.length

    def content_range(self, size: int) -> str:
        """The Content-Range header's value, for a file of `size` bytes."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def parse(header: str | None, size: int) -> list[Range] | None:
    """The ranges to send of a file of `size` bytes, or None: send the whole file.

    None where there is no header, its unit is not bytes, it breaks the grammar (section 14.2 lets a server
    ignore such a header), or it names more than `MAX_RANGES` ranges. Ranges that lie beyond the file are
    left out; when none is left, `errors.RangeNotSatisfiable`. Ranges come in the order asked for, unless two
    of them overlap: then all are sorted and overlapping ones merged, so that no request gets more bytes than
    the file has.
    """
    specs = _specs(header)
    if specs is None or len(specs) > MAX_RANGES:
        return None
    if size == 0 and any(first is None and last for first, last in specs):
        return None  # a suffix of nothing is satisfiable and nothing, which Content-Range can't say
    found = [one for spec in specs if (one := _resolve(spec, size))]
    if not found:
        raise errors.RangeNotSatisfiable(
            f"No byte of the range asked for lies within the file's {size} bytes; ask for bytes below {size}."
        )
    return _merged(found) if _overlap(found) else found


def _specs(header: str | None) -> list[tuple[int | None, int | None]] | None:
    """(first, last) of each range, (None, n) for the last n bytes; None where the header is to be ignored."""
    if header is None or len(header) > _MAX_HEADER or not (unit := _UNIT.fullmatch(header.strip(" \t"))):
        return None
    specs = []
    for element in unit[1].split(","):
        if not (text := element.strip(" \t")):
            continue  # section 5.6.1.2: empty list elements are to be accepted
        if not (spec := _SPEC.fullmatch(text)) or text == "-":
            return None
        first, last = _number(spec[1]), _number(spec[2])
        if first is not None and last is not None and last < first:
            return None
        specs.append((first, last))
    return specs or None


def _number(digits: str) -> int | None:
    digits = digits.lstrip("0") or digits[:1]
    if not digits:
        return None
    return int(digits) if len(digits) < 19 else _BEYOND


def _resolve(spec: tuple[int | None, int | None], size: int) -> Range | None:
    first, last = spec
    if first is None:
        length = min(last or 0, size)
        return Range(size - length, length) if length else None
    if first >= size:
        return None
    end = size if last is None else min(last + 1, size)
    return Range(first, end - first)


def _overlap(found: list[Range]) -> bool:
    ordered = sorted(found)
    return any(one.end > other.start for one, other in itertools.pairwise(ordered))


def _merged(found: list[Range]) -> list[Range]:
    ordered = sorted(found)
    merged = [ordered[0]]
    for one in ordered[1:]:
        last = merged[-1]
        if one.start < last.end:
            merged[-1] = Range(last.start, max(last.end, one.end) - last.start)
        else:
            merged.append(one)
    return merged
