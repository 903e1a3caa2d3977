"""What `keep --from` reads: lines, CSV or JSON lines, told apart by the file's name or its first line."""

import contextlib
import csv
import dataclasses
import io
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

from ambrotype.capture import request
from ambrotype.cli import exits
from ambrotype.core import errors

Form = Literal["lines", "csv", "jsonl"]

_BY_ENDING: dict[str, Form] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_FIELDS = frozenset(request.KeepRequest.model_fields)
_JSON = frozenset({"metadata", "settings", "parents", "attribution"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to keep: its fields, or what is wrong with its row. `line` is where it stands in the file."""

    fields: dict[str, Any]
    problem: errors.AmbrotypeError | None = None
    line: int | None = None


def read(urls: Iterable[str], file: str | None) -> Iterator[Item]:
    """The URLs, then what the file holds (`-`: standard input), one after the other as they are read."""
    for url in urls:
        yield Item(fields={"url": url})
    if file is not None:
        with _opened(file) as lines:
            yield from _rows(lines, Path(file).suffix.lower())


@contextlib.contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    if file == "-":
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8-sig")
        yield sys.stdin
        return
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(Path(file).open(encoding="utf-8-sig", newline=""))
        except OSError as problem:
            raise exits.WrongUse(f"--from {file}: {problem.strerror}.") from None
        yield opened


def _rows(file: IO[str], ending: str) -> Iterator[Item]:
    try:
        lines = iter(file)
        first = next((line for line in lines if line.strip()), None)
        if first is None:
            return
        again = itertools.chain([first], lines)
        form = _BY_ENDING.get(ending) or _form(first)
        yield from {"csv": _csv, "jsonl": _json_lines, "lines": _lines}[form](again)
    except UnicodeDecodeError:
        raise exits.WrongUse("--from: the file is not UTF-8 text.") from None


def _form(first: str) -> Form:
    if first.lstrip().startswith("{"):
        return "jsonl"
    columns = [column.strip().strip('"').lower() for column in first.split(",")]
    return "csv" if "url" in columns else "lines"


def _lines(lines: Iterable[str]) -> Iterator[Item]:
    for number, line in enumerate(lines, 1):
        url = line.strip()
        if url and not url.startswith("#"):
            yield Item(fields={"url": url}, line=number)


def _json_lines(lines: Iterable[str]) -> Iterator[Item]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError:
            fields = None
        if isinstance(fields, dict):
            yield Item(fields=fields, line=number)
        else:
            yield _wrong(number, "it is not a JSON object")


def _csv(lines: Iterable[str]) -> Iterator[Item]:
    rows = csv.reader(lines)
    columns = [column.strip().lower() for column in next(rows)]
    if unknown := sorted(set(columns) - _FIELDS):
        raise exits.WrongUse(
            f"--from: there is no field {unknown[0]!r}; the header row may name {', '.join(sorted(_FIELDS))}."
        )
    if "url" not in columns and "data" not in columns:
        raise exits.WrongUse("--from: the CSV's header row has no column url.")
    try:
        for row in rows:
            if row:
                yield _of_row(rows.line_num, columns, row)
    except csv.Error as problem:
        raise exits.WrongUse(f"--from: line {rows.line_num} is not CSV ({problem}).") from None


def _of_row(number: int, columns: list[str], row: list[str]) -> Item:
    if len(row) > len(columns):
        return _wrong(number, f"it has {len(row)} cells, and the header row has {len(columns)}")
    fields: dict[str, Any] = {}
    for column, cell in zip(columns, row, strict=False):
        value = cell.strip()
        if not value:
            continue
        if column in _JSON:
            try:
                fields[column] = json.loads(value)
            except ValueError:
                return _wrong(number, f"{column} is not JSON")
        else:
            fields[column] = [tag.strip() for tag in value.split(",") if tag.strip()] if column == "tags" else value
    return Item(fields=fields, line=number)


def _wrong(number: int, why: str) -> Item:
    return Item(fields={}, problem=errors.InvalidRequest(f"Line {number} can't be used: {why}."), line=number)
