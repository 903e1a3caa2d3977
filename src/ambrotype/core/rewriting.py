"""A document's URLs: where they stand in its JSON text, and the text with some of them exchanged.

A document is JSON; a string that is all of it is a text (Markdown, HTML, anything), or holds JSON itself.
"""

import dataclasses
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ambrotype.core import errors, jsontext, pointers, scanning

_SIGNS = (":", "\\", "&")
"""A string without any of them holds no URL, however it is written."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A URL that was exchanged. `from_` is `from` in JSON; `to` and `media_id` are None in a dry run."""

    pointer: str
    from_: str
    to: str | None
    media_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A URL that looks like media and stays. `why` is a code, a colon and a sentence."""

    pointer: str
    url: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """The document as it is now, and what became of the URLs in it, in their order."""

    document: Any
    replaced: list[Replaced]
    left: list[Left]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A URL in a document. `steps` lead to the string it stands in; `slash` is how it writes a slash."""

    start: int
    end: int
    url: str
    slash: str
    steps: tuple[str, ...]

    @property
    def pointer(self) -> str:
        """Of the string that it stands in."""
        return pointers.pointer(self.steps)


def found(raw: str) -> list[Found]:
    """The URLs in a document's JSON text, in order. Raises `jsontext.NotJson`."""
    return [
        Found(
            start=one.start,
            end=one.end,
            url=one.url,
            slash=raw[slice(*one.slash)] if one.slash else "/",
            steps=steps,
        )
        for one, steps in _found(raw)
    ]


def exchanged(raw: str, by: Iterable[tuple[Found, str]]) -> str:
    """The text with each of these URLs written as the other; they are in their order."""
    pieces: list[str] = []
    at = 0
    for one, url in by:
        pieces += raw[at : one.start], url.replace("/", one.slash)
        at = one.end
    return "".join((*pieces, raw[at:]))


def written(document: Any) -> str:
    """The JSON text of a Python value. Raises `errors.InvalidRequest` for what is none."""
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise errors.InvalidRequest(f"The document can't be written as JSON: {problem}.", pointer="/document") from None


def options(
    *,
    relative: bool,
    project: str | None,
    slots: Mapping[str, str] | None,
    only_hosts: Iterable[str] | None,
    dry_run: bool,
) -> dict[str, Any]:
    """The arguments of `rewrite` as the fields of a request. Raises `errors.InvalidRequest` for wrong types."""
    if isinstance(only_hosts, str):
        raise errors.InvalidRequest("only_hosts is a list of hosts, not one text.", pointer="/only_hosts")
    return {
        "relative": relative,
        "project": project,
        "slots": dict(slots or {}),
        "only_hosts": list(only_hosts) if only_hosts is not None else None,
        "dry_run": dry_run,
    }


def read(raw: str) -> Any:
    """The Python value of a JSON text."""
    return json.loads(raw)


def size(raw: str) -> int:
    """Bytes of a document: of the text, where it is a string."""
    text = jsontext.decoded(raw, 0, len(raw)).text if raw.startswith('"') else raw
    return len(text.encode("utf-8", "surrogatepass"))


def _found(raw: str) -> Iterator[tuple[scanning.Span, tuple[str, ...]]]:
    for start, end, steps in jsontext.whole(raw):
        if not any(raw.find(sign, start, end) >= 0 for sign in _SIGNS):
            continue
        text = jsontext.decoded(raw, start, end)
        inner = ((span, ()) for span in scanning.urls(text.text)) if steps else _of_text(text.text)
        path: tuple[str, ...] | None = None
        for span, nested in inner:
            path = _path(steps) if path is None else path
            yield _outward(span, text), (*path, *nested)


def _of_text(text: str) -> Iterator[tuple[scanning.Span, tuple[str, ...]]]:
    """A string that is a whole document: JSON if it holds an object or an array, else running text."""
    mark = int(text.startswith("\ufeff"))
    body = text[mark:]
    if body.lstrip(" \t\r\n")[:1] in ("{", "["):
        try:
            pairs = list(_found(body))
        except jsontext.NotJson:
            pass
        else:
            return ((_moved(span, mark), steps) for span, steps in pairs)
    return ((_moved(span, mark), ()) for span in scanning.urls(body))


def _moved(span: scanning.Span, by: int) -> scanning.Span:
    slash = (span.slash[0] + by, span.slash[1] + by) if span.slash else None
    return dataclasses.replace(span, start=span.start + by, end=span.end + by, slash=slash)


def _outward(span: scanning.Span, text: jsontext.Decoded) -> scanning.Span:
    """The same URL where the text that it stands in is written."""
    slash = (text.written(span.slash[0]), text.written(span.slash[1])) if span.slash else None
    return dataclasses.replace(span, start=text.written(span.start), end=text.written(span.end), slash=slash)


def _path(steps: Sequence[jsontext.Step]) -> tuple[str, ...]:
    """Halves of surrogate pairs, which no JSON can be written with in UTF-8, become U+FFFD."""
    keys = (str(step) if isinstance(step, int) else jsontext.decoded(step, 0, len(step)).text for step in steps)
    return tuple(key.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for key in keys)
