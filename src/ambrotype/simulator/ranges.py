"""Range, If-Range and the other conditions of a GET (RFC 9110, sections 13 and 14), as object stores answer
them.
"""

import dataclasses
import re

_ONE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Span:
    """Bytes `start` to `end`, `end` not included."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """No byte of the range lies within the file."""


def parse(header: str | None, size: int) -> Span | None:
    """None where the whole is to be sent: no range, a malformed one, or several (S3 sends the whole then)."""
    matched = _ONE.fullmatch((header or "").replace(" ", ""))
    if matched is None or matched.groups() == ("", ""):
        return None
    first, last = matched.groups()
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return Span(start=max(0, size - int(last)), end=size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return Span(start=int(first), end=min(size, int(last) + 1) if last else size)


def named(header: str, etag: str) -> bool:
    """Whether a list of entity tags contains this one; weak tags count as equal, as If-None-Match asks."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def unchanged(if_range: str | None, *, etag: str, modified: str) -> bool:
    """Whether a range may be sent: no If-Range, or one that matches strongly."""
    return if_range is None or if_range.strip() in (etag, modified)
