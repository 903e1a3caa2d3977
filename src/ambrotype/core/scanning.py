"""URLs in running text: plain, Markdown, HTML, CSS, code. Where each begins and ends, and what it says.

Nothing is parsed, because what is looked for stands in all of them at once: HTML in Markdown, JSON in a script, CSS in
an attribute. What surrounds a URL says where it ends, and how its characters are written: `&amp;` in HTML, `\\/` and
`\\u0026` in JSON within text, however often that is nested.
"""

import dataclasses
import re
from collections.abc import Iterator

from ambrotype.core import types

_ENTITY = r"&(?:amp;)*(?:amp|#0*+38|#[xX]0*+26|#0*+47|#[xX]0*+2[fF]|#0*+61|#[xX]0*+3[dD]);"
_ESCAPED = r"\\++(?:/|u00(?:2[14568-9a-fA-F]|3[0-9abdfABDF]|4[0-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAeE]))|\\[_*~]"
_AMPERSAND = r"&(?!(?:amp;)*+(?:quot|lt|gt|apos|nbsp|#0*+(?:3[49]|6[02])|#[xX]0*+(?:2[27]|3[cCeE]));)"
_SLASH = r"(?:/|\\++(?:/|u002[fF])|&(?:amp;)*+#(?:0*+47|[xX]0*+2[fF]);)"
_COLON = r"(?::|\\++u003[aA]|&(?:amp;)*+#(?:0*+58|[xX]0*+3[aA]);)"
_HTTP = rf"[hH][tT][tT][pP][sS]?{_COLON}({_SLASH}){_SLASH}"


def _body(characters: str) -> str:
    return rf"(?:{characters}++|{_ENTITY}|{_ESCAPED}|{_AMPERSAND})*+"


_START = re.compile(
    rf"(?<!\+){_HTTP}|([bB][lL][oO][bB]:(?=[hHnN]))|([dD][aA][tT][aA]:(?=(?:image|video|audio)/[a-zA-Z0-9.+-]+[;,]))"
)
_BARE = re.compile(_body(r"[A-Za-z0-9\-._~:/?\[\]@!$'()*+,;=%]"))
"""What RFC 3986 allows; anything else ends a URL in running text."""
_WIDE = re.compile(_body(r"[\w\-.~:/?\[\]@!$'()*+,;=%]"))
"""The same with the letters of any script, where a name goes on with them."""
_NAMED = re.compile(rf"(?:\?|\.(?:{'|'.join(types.EXTENSIONS)})\Z)", re.IGNORECASE)
_QUOTED = {
    quote: re.compile(_body(rf"[^\s\x00-\x20\x7f-\x9f\ud800-\udfff\\&#<>\"{{}}|^{quote}]"))
    for quote in ('"', "'", "`", "<", "")
}
"""Between delimiters letters of any script may stand, and nothing has to be guessed. Braces make it a template."""
_CLOSING = {'"': '"', "'": "'", "`": "`", "<": ">"}
_FRAGMENT = re.compile(r"(?:#[^\s\\<>\"'`]*+)?+")
_DATA = re.compile(r"[^\s\"'`<>\\]*+")
_BRACKET = re.compile(r"[()\[\]]")
_OPENING = {")": "(", "]": "["}
_NEXT = re.compile(rf"[,;](?={_HTTP})")
"""Two URLs with nothing but a comma between them."""
_FIELD = re.compile(rf"\.(?:{'|'.join(types.EXTENSIONS)})(?=[,;])", re.IGNORECASE)
"""A field of a table, behind a file's name."""
_CODED = re.compile(rf"{_ENTITY}|{_ESCAPED}")
_NUMBER = re.compile(r"(?:#0*([0-9]+)|#[xX]0*([0-9a-fA-F]+)|amp);$")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A URL, or a data: or blob: URI: where it stands, and what it says. Its fragment is not part of it."""

    start: int
    end: int
    url: str
    slash: tuple[int, int] | None
    """Where its first slash is written, so that another URL can be written in the same way."""


def urls(text: str) -> Iterator[Span]:
    """Every URL in the text, in order."""
    at = 0
    while found := _START.search(text, at):
        span = _other(text, found) if found[1] is None else _http(text, found)
        if span is not None:
            yield span
        at = max(span.end if span else 0, found.end())


def _other(text: str, found: re.Match[str]) -> Span:
    rest = _DATA.match(text, found.end())
    end = rest.end() if rest else found.end()
    return Span(start=found.start(), end=end, url=text[found.start() : end], slash=None)


def _http(text: str, found: re.Match[str]) -> Span | None:
    start, end = found.start(), _delimited(text, found)
    if end is None:
        end = _bare(text, found)
        if text.startswith("{", end) or text.startswith("${", end - 1):
            return None
    return Span(start=start, end=end, url=plain(text[start:end]), slash=found.span(1)) if end > found.end() else None


def _delimited(text: str, found: re.Match[str]) -> int | None:
    """Where a URL ends that has a delimiter on both sides, or is all that the text holds."""
    quote = text[found.start() - 1] if found.start() else ""
    if quote and quote not in _CLOSING:
        return None
    body = _QUOTED[quote].match(text, found.end())
    if body is None:
        return None
    fragment = _FRAGMENT.match(text, body.end())
    after = fragment.end() if fragment else body.end()
    closed = text.startswith(_CLOSING[quote], after) if quote else after == len(text)
    return body.end() if closed and not _NEXT.search(text, found.end(), body.end()) else None


def _bare(text: str, found: re.Match[str]) -> int:
    """Where a URL in running text ends: before what is most likely the sentence's or the markup's."""
    body = _BARE.match(text, found.end())
    start, end = found.end(), body.end() if body else found.end()
    if text[end : end + 1].isalnum() and not _NAMED.search(text, start, end):
        wide = _WIDE.match(text, start)
        end = wide.end() if wide else end
    before = text[found.start() - 1] if found.start() else ""
    if before == "'" and (quote := text.find("'", start, end)) >= 0:
        end = quote
    if following := _NEXT.search(text, start, end):
        end = following.start()
    if field := _FIELD.search(text, start, text.find("?", start, end) % (end + 1)):
        end = field.end()
    end = _balanced(text, start, end)
    while end > start:
        last = text[end - 1]
        if last == ";" and any(entity.end() == end for entity in _CODED.finditer(text, max(start, end - 40), end)):
            break
        if last not in ".,;:!?'" and not (last == before and last in "*_~"):
            break
        end -= 1
    return end


def _balanced(text: str, start: int, end: int) -> int:
    """Up to the first bracket that closes what was not opened within the URL."""
    opened: list[str] = []
    for bracket in _BRACKET.finditer(text, start, end):
        if bracket[0] in "([":
            opened.append(bracket[0])
        elif not opened or opened.pop() != _OPENING[bracket[0]]:
            return bracket.start()
    return end


def plain(written: str) -> str:
    """What a URL says that is written with entities or escapes."""
    return _CODED.sub(_character, written) if "&" in written or "\\" in written else written


def _character(coded: re.Match[str]) -> str:
    text = coded[0]
    if text.startswith("\\"):
        rest = text.lstrip("\\")
        return chr(int(rest[1:], 16)) if len(rest) > 1 else rest
    number = _NUMBER.search(text)
    if number is None or not (number[1] or number[2]):
        return "&"
    return chr(int(number[1]) if number[1] else int(number[2], 16))
