"""JSON as text: where its strings stand, so that one can be exchanged without touching a byte of the others.

Decoding and encoding again would lose what JSON does not say but people wrote: `1.0` and `1e5`, the digits of large
numbers, repeated keys, escapes, line breaks. The grammar is RFC 8259's, read strictly and without recursion.
"""

import array
import bisect
import dataclasses
import json
import re
from collections.abc import Generator

from ambrotype.core import errors

MOST_DEPTH = 1_000
"""Containers within each other; most readers of JSON refuse a few more."""

Step = int | str
"""The index in an array, or the key in an object as it is written, quotes and escapes included."""

_WS = r"[ \t\n\r]*+"
_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_SCALAR = r"(?:-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false|null)"
_VALUE = re.compile(rf"{_WS}(?:({_STRING})|(\[)|(\{{)|{_SCALAR})")
_SCALARS = re.compile(rf"(?:{_WS}{_SCALAR}{_WS},)++")
_KEY = re.compile(rf"{_WS}({_STRING}){_WS}:")
_NEXT = re.compile(rf"{_WS}([,\]}}])")
_EMPTY = re.compile(rf"{_WS}[\]}}]")
_SPACE = re.compile(_WS)
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")


class NotJson(errors.InvalidRequest):
    """The text is no JSON, or is nested too deeply; the sentence says where."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Decoded:
    """What a string literal says, and where each character of it is written."""

    text: str
    _outer: str
    _start: int
    _end: int
    _said: "array.array[int] | None" = None
    _written: "array.array[int] | None" = None

    def written(self, at: int) -> int:
        """Where in the outer text the character `at` begins, or what follows the last one."""
        if len(self.text) == self._end - self._start - 2:
            return self._start + 1 + at
        if self._said is None or self._written is None:
            self._said, self._written = self._pieces()
        piece = bisect.bisect_right(self._said, at) - 1
        return self._written[piece] + at - self._said[piece]

    def _pieces(self) -> "tuple[array.array[int], array.array[int]]":
        """Where the pieces between escapes begin, as said and as written."""
        said, written = array.array("I", [0]), array.array("I", [self._start + 1])
        for escape in _ESCAPE.finditer(self._outer, self._start + 1, self._end - 1):
            said.append(said[-1] + escape.start() - written[-1] + 1)
            written.append(escape.end())
        return said, written


def strings(text: str, at: int = 0) -> Generator[tuple[int, int, list[Step]], None, int]:
    """The string values of the JSON value that begins at `at`: start and end with the quotes, and the steps to it.

    The list of steps goes on changing: read it before the next one is asked for. Keys are not told. Returns where the
    value ends; raises `NotJson`.
    """
    steps: list[Step] = []
    while True:
        if steps and type(steps[-1]) is int and (run := _SCALARS.match(text, at)):
            steps[-1] += text.count(",", at, run.end())
            at = run.end()
        value = _VALUE.match(text, at)
        if value is None:
            raise _wrong(text, at)
        at = value.end()
        if value.lastindex == 1:
            yield value.start(1), at, steps
        elif value.lastindex is not None:
            closing = "]" if value.lastindex == 2 else "}"
            empty = _EMPTY.match(text, at)
            if empty is None:
                if len(steps) == MOST_DEPTH:
                    raise NotJson(f"The JSON is nested more than {MOST_DEPTH} levels deep.")
                step, at = (0, at) if closing == "]" else _key(text, at)
                steps.append(step)
                continue
            if text[empty.end() - 1] != closing:
                raise _wrong(text, at)
            at = empty.end()
        at = _after(text, at, steps)
        if not steps:
            return at


def _after(text: str, at: int, steps: list[Step]) -> int:
    """Behind a value: closes what ends here, and goes on to where the next value begins."""
    while steps:
        following = _NEXT.match(text, at)
        if following is None:
            raise _wrong(text, at)
        at = following.end()
        step = steps[-1]
        if following[1] == ",":
            steps[-1], at = (step + 1, at) if isinstance(step, int) else _key(text, at)
            return at
        if following[1] != ("]" if isinstance(step, int) else "}"):
            raise _wrong(text, at - 1)
        steps.pop()
    return at


def whole(text: str) -> Generator[tuple[int, int, list[Step]], None, None]:
    """The same where the value is all that the text holds."""
    at = yield from strings(text)
    if (end := _skip(text, at)) != len(text):
        raise _wrong(text, end)


def members(text: str) -> dict[str, tuple[int, int]]:
    """The members of the object that the text is: where each value begins and ends. Raises `NotJson`."""
    found: dict[str, tuple[int, int]] = {}
    opened = _VALUE.match(text)
    if opened is None or opened.lastindex != 3:
        raise NotJson("The JSON is not an object.")
    at = opened.end()
    if empty := _EMPTY.match(text, at):
        following, at = text[empty.end() - 1], empty.end()
    else:
        following = ","
    while following == ",":
        literal, at = _key(text, at)
        name = decoded(literal, 0, len(literal)).text
        if name in found:
            raise NotJson(f"The field {name[:80]!r} is given twice.")
        start = _skip(text, at)
        at = _end(text, start)
        found[name] = (start, at)
        closing = _NEXT.match(text, at)
        if closing is None:
            raise _wrong(text, at)
        following, at = closing[1], closing.end()
    if following != "}" or _skip(text, at) != len(text):
        raise _wrong(text, at)
    return found


def decoded(text: str, start: int, end: int) -> Decoded:
    """The string literal at `start` to `end`, which has been found to be one."""
    literal = text[start:end]
    return Decoded(text=json.loads(literal) if "\\" in literal else literal[1:-1], _outer=text, _start=start, _end=end)


def _end(text: str, at: int) -> int:
    values = strings(text, at)
    while True:
        try:
            next(values)
        except StopIteration as done:
            return int(done.value)


def _key(text: str, at: int) -> tuple[str, int]:
    found = _KEY.match(text, at)
    if found is None:
        raise _wrong(text, at)
    return found[1], found.end()


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _wrong(text: str, at: int) -> NotJson:
    at = _skip(text, at)
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    if at == len(text):
        return NotJson(f"This is not JSON: it ends too early, in line {line}, column {column}.")
    return NotJson(f"This is not JSON: {text[at : at + 20]!r} can't stand in line {line}, column {column}.")
