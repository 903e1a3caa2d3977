"""Words for search: any text to normalised words with positions, and what a person types to a query.

Case, width and accents do not count (NFKC, casefold, marks removed). Scripts written without spaces are cut into pairs of
characters. PostgreSQL gets both as its own types' text forms (documentation, section 8.11), so no dictionary of the server
matters.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

MOST_WORDS = 5000
"""Words of one item that are found; a position beyond PostgreSQL's 16,383 would be lost anyway."""
MOST_TERMS = 32
LONGEST = 64
"""Characters of a word that count."""

# Written without spaces: kana, Han, Hangul is spaced; Thai, Lao, Khmer, Myanmar.
_PAIRED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"(?P<paired>[{_PAIRED}]+)|(?P<word>[^\W_{_PAIRED}]+)")
_TERM = re.compile(r"(?P<not>-)?(?:\"(?P<phrase>[^\"]*)\"?|(?P<bare>[^\s\"]+))")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A text and how much its words weigh: A, B, C or D."""

    text: str
    weight: str


def normalised(text: str) -> str:
    """The text without case, width and accents."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in folded if not unicodedata.combining(c) or c in "\u3099\u309a")
    return unicodedata.normalize("NFC", kept)


def words(text: str) -> Iterator[str]:
    """The words of a text, in order; a run of a script without spaces gives its pairs and its last character."""
    for run in _RUN.finditer(normalised(text)):
        if run["word"]:
            yield run["word"][:LONGEST]
        else:
            paired = run["paired"]
            yield from (paired[i : i + 2] for i in range(len(paired)))


def vector(fields: Iterable[Field]) -> str:
    """The tsvector literal of some fields; between two fields no phrase holds."""
    places: dict[str, list[str]] = {}
    position = 0
    for field in fields:
        for word in words(field.text):
            position += 1
            if position > MOST_WORDS:
                break
            at = places.setdefault(word, [])
            if len(at) < 255:
                at.append(f"{position}{field.weight}")
        position += 2
    return " ".join(f"{_quoted(word)}:{','.join(at)}" for word, at in places.items())


def of_media(
    *,
    name: str,
    title: str | None = None,
    tags: Iterable[str] = (),
    prompt: str | None = None,
    description: str | None = None,
    raw: str | None = None,
) -> str:
    """The tsvector literal of a media item: what it is called weighs most, what its file says of itself least."""
    return vector(
        (
            Field(text=title or "", weight="A"),
            *(Field(text=tag, weight="A") for tag in tags),
            Field(text=prompt or "", weight="B"),
            Field(text=name, weight="C"),
            Field(text=description or "", weight="C"),
            Field(text=raw or "", weight="D"),
        )
    )


def query(typed: str) -> str | None:
    """The tsquery literal of what a person typed: words (the last as a prefix), "phrases", -not, or. None if it asks nothing.

    Words that stand alone must all be there; `or` between two makes either do.
    """
    alternatives: list[list[str]] = [[]]
    terms = list(_TERM.finditer(typed))[:MOST_TERMS]
    for n, term in enumerate(terms):
        bare = term["bare"]
        if bare is not None and bare.lower() in ("or", "|") and not term["not"]:
            alternatives.append([])
            continue
        open_end = n == len(terms) - 1 and bare is not None and not typed[-1:].isspace()
        found = _phrase(list(words(bare if bare is not None else term["phrase"] or "")), open_end=open_end)
        if found:
            alternatives[-1].append(f"!{found}" if term["not"] else found)
    kept = [" & ".join(one) for one in alternatives if one]
    return " | ".join(f"({one})" for one in kept) if kept else None


def _phrase(parts: Sequence[str], *, open_end: bool) -> str | None:
    if not parts:
        return None
    # The single last character of a run only marks its end: whoever searches for the run means any place in it.
    if len(parts) > 1 and len(parts[-1]) == 1 and re.match(f"[{_PAIRED}]", parts[-1]):
        parts = parts[:-1]
    single = len(parts) == 1 and len(parts[0]) == 1 and re.match(f"[{_PAIRED}]", parts[0])
    written = [_quoted(part) for part in parts]
    if open_end or single:
        written[-1] += ":*"
    return written[0] if len(written) == 1 else f"({' <-> '.join(written)})"


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
