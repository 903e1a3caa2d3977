"""JSON pointers (RFC 6901), and patterns of them whose `*` stand for what may differ."""

import dataclasses
import re
from collections.abc import Sequence

from ambrotype.core import errors

MOST_PATTERN = 1_000
"""Characters of a pattern."""

_BAD_TILDE = re.compile(r"~(?![01])")
_PLACE = re.compile(r"\{([^{}]*)\}")


def pointer(steps: Sequence[str]) -> str:
    """The pointer that goes these steps; the empty one is the whole document."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Which slot the places that a pattern describes fill."""

    pattern: tuple[re.Pattern[str], ...]
    template: str

    def name(self, steps: Sequence[str]) -> str | None:
        """The slot of the place that these steps lead to, or None where the pattern does not describe it."""
        if len(steps) != len(self.pattern):
            return None
        captured: list[str] = []
        for part, step in zip(self.pattern, steps, strict=True):
            match = part.fullmatch(step)
            if match is None:
                return None
            captured += match.groups()
        return _PLACE.sub(lambda place: captured[int(place[1]) - 1], self.template)


def slot(pattern: str, template: str) -> Slot:
    """`pattern` is a pointer in which `*` stands for any text within one step, at most once in a step; `{1}` in
    `template` is what the first `*` stood for. Raises `errors.InvalidRequest`."""
    if (pattern and not pattern.startswith("/")) or _BAD_TILDE.search(pattern) or len(pattern) > MOST_PATTERN:
        raise _wrong(pattern, "it is no JSON pointer such as /scenes/*/image")
    parts = pattern.split("/")[1:]
    if any(part.count("*") > 1 for part in parts):
        raise _wrong(pattern, "there is more than one * between two slashes")
    stars = pattern.count("*")
    for place in _PLACE.finditer(template):
        if not (place[1].isascii() and place[1].isdigit() and 1 <= int(place[1][:9]) <= stars):
            raise _wrong(pattern, f"its template {template[:80]!r} asks for {place[0]}, and there are {stars} *")
    if not template or len(template) > 255:
        raise _wrong(pattern, "its template must have 1 to 255 characters")
    return Slot(pattern=tuple(map(_step, parts)), template=template)


def _step(part: str) -> re.Pattern[str]:
    before, star, after = (re.escape(piece.replace("~1", "/").replace("~0", "~")) for piece in part.partition("*"))
    return re.compile(f"{before}(.*){after}" if star else before, re.DOTALL)


def _wrong(pattern: str, why: str) -> errors.InvalidRequest:
    return errors.InvalidRequest(
        f"The slots' pattern {pattern[:80]!r} can't be used: {why}.", pointer=pointer(("slots", pattern))
    )
