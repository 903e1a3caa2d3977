"""What commands print: results on stdout, everything else on stderr."""

import datetime
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

import orjson

if TYPE_CHECKING:
    from rich import console as consoles

WIDE = 4000
"""Columns where no person looks at a terminal: nothing is cut off."""


def say(sentence: str) -> None:
    """A sentence for the person, on stderr."""
    print(sentence, file=sys.stderr, flush=True)


def result(text: str) -> None:
    """A line of the result, on stdout."""
    print(text, flush=True)


def json(value: Any, *, compact: bool = False) -> None:
    """The result as JSON: times RFC 3339 UTC, as in the HTTP API."""
    option = orjson.OPT_UTC_Z | (0 if compact else orjson.OPT_INDENT_2)
    result(orjson.dumps(value, option=option).decode())


def console(to: Literal["out", "err"] = "out") -> "consoles.Console":
    """Rich's console, as wide as its terminal, or as wide as need be without one."""
    from rich import console as consoles

    file: TextIO = sys.stdout if to == "out" else sys.stderr
    return consoles.Console(file=file, width=None if file.isatty() else WIDE, highlight=False, soft_wrap=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, grows: str, whole: Sequence[str] = ()) -> Any:
    """A table without lines. The column `grows` takes what is left, and is cut off; those in `whole` never are."""
    from rich import table as tables
    from rich import text

    made = tables.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, no_wrap=True, overflow="ellipsis", min_width=36 if column in whole else None)
    for row in rows:
        made.add_row(*(text.Text(_clean(cell)) for cell in row))
    made.columns[list(columns).index(grows)].ratio = None
    return made


def _clean(value: str) -> str:
    """Without control characters: names and prompts come from anywhere, and a terminal obeys some of them."""
    return "".join(character if character.isprintable() else " " for character in value)


def clean(value: object) -> str:
    """The same for a single value."""
    return _clean(str(value))


def size(count: int | None) -> str:
    """Bytes, for people: `1.2 MB`."""
    if count is None:
        return "–"
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def span(seconds: float) -> str:
    """A duration, for people: `42 s`, `3 min`, `5 h`, `12 d`; a dash before what is past."""
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    for unit, length, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if left < until:
            return f"{sign}{left / length:.0f} {unit}"
    return f"{sign}{left / 86400:.0f} d"


def moment(at: datetime.datetime) -> str:
    """A time in the reader's own zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def when(at: object) -> str:
    """How long ago something was, or a dash."""
    if not isinstance(at, datetime.datetime):
        return "–"
    return f"{span((datetime.datetime.now(datetime.UTC) - at).total_seconds())} ago"
