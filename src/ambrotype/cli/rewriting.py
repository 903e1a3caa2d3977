"""Rewriting files: read as bytes, and written as bytes that differ in URLs only."""

import contextlib
import dataclasses
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from ambrotype.cli import connect, exits, options, output
from ambrotype.core import errors, rewriting, sources

ENDINGS = frozenset(
    {".json", ".jsonl", ".ndjson", ".geojson", ".md", ".markdown", ".mdx", ".html", ".htm", ".xhtml", ".txt", ".csv"}
    | {".tsv", ".xml", ".svg", ".css", ".js", ".ts", ".yaml", ".yml", ".toml", ".rst", ".ipynb", ".vue", ".svelte"}
)
"""What is looked at in a folder. A file that is named is looked at whatever its name."""
_STDIN = Path("-")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options of `rewrite` say. `wait`: capture here, until everything is kept or lost."""

    where: options.Where
    file: Path
    out: Path | None
    in_place: bool
    slots: Mapping[str, str]
    project: str | None
    relative: bool
    only_hosts: Sequence[str] | None
    dry_run: bool
    wait: bool
    as_json: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file to read, and where what is made of it goes; None for stdout."""

    source: Path
    target: Path | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What has become of a file: one of the two."""

    file: _File
    done: rewriting.Rewritten | None = None
    problem: errors.AmbrotypeError | None = None


def slots(given: Iterable[str]) -> dict[str, str]:
    """From `PATTERN=SLOT` each."""
    found: dict[str, str] = {}
    for one in given:
        pattern, equals, template = one.rpartition("=")
        if not equals:
            raise exits.WrongUse(f"--slots {one!r} has no =; write it like '/scenes/*/image={{1}}'.")
        found[pattern] = template
    return found


async def run(asked: Asked) -> None:
    """Rewrites, waits, reports, and raises `typer.Exit` with 1 where a file failed or an item was lost."""
    files = list(_files(asked))
    async with connect.library(asked.where, work=asked.wait) as library:
        outcomes = [await _one(library, file, asked) for file in files]
        ids = dict.fromkeys(one.media_id for outcome in outcomes if outcome.done for one in outcome.done.replaced)
        lost = await _lost(library, [one for one in ids if one is not None]) if asked.wait else []
    if asked.as_json:
        output.json([_shown(outcome, asked) for outcome in outcomes])
    _report(outcomes, lost, asked)


def _files(asked: Asked) -> Iterator[_File]:
    if asked.out is not None and asked.in_place:
        raise exits.WrongUse("Give either -o or --in-place, not both.")
    out = asked.out
    if asked.file == _STDIN:
        if asked.in_place:
            raise exits.WrongUse("What comes from stdin can't be written in place; leave --in-place out.")
        yield _File(source=_STDIN, target=asked.out)
        return
    if not asked.file.exists():
        raise exits.WrongUse(f"There is no file {asked.file}.")
    if not asked.file.is_dir():
        if out is not None and out.is_dir():
            out = out / asked.file.name
        yield _File(source=asked.file, target=asked.file if asked.in_place else out)
        return
    if asked.out is None and not asked.in_place and not asked.dry_run:
        raise exits.WrongUse(f"{asked.file} is a folder: say where to write with -o FOLDER, or --in-place.")
    for source in sorted(asked.file.rglob("*")):
        hidden = any(part.startswith(".") for part in source.relative_to(asked.file).parts)
        if source.suffix.lower() not in ENDINGS or hidden or not source.is_file():
            continue
        copy = out / source.relative_to(asked.file) if out is not None else None
        yield _File(source=source, target=source if asked.in_place else copy)


async def _one(library: connect.Library, file: _File, asked: Asked) -> _Outcome:
    try:
        content = sys.stdin.buffer.read() if file.source == _STDIN else file.source.read_bytes()
        done = await library.rewrite(
            content.decode(),
            relative=asked.relative,
            project=asked.project,
            slots=asked.slots,
            only_hosts=asked.only_hosts,
            dry_run=asked.dry_run,
        )
    except UnicodeDecodeError:
        return _Outcome(file=file, problem=errors.InvalidRequest("It is not UTF-8 text."))
    except errors.TooLarge as problem:
        return _Outcome(file=file, problem=problem)
    except errors.InvalidRequest as problem:
        if problem.pointer != "/document":  # an option is wrong, and would be for every file
            raise
        return _Outcome(file=file, problem=problem)
    if not asked.dry_run:
        _write(file, content, done.document.encode(), asked)
    return _Outcome(file=file, done=done)


def _write(file: _File, before: bytes, after: bytes, asked: Asked) -> None:
    """All of it or nothing; a file that would not change is not touched."""
    if file.target is None:
        if not asked.as_json:
            sys.stdout.buffer.write(after)
            sys.stdout.buffer.flush()
        return
    if file.target == file.source and before == after:
        return
    target = file.target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:100]}.", delete=False) as written:
        try:
            written.write(after)
            written.flush()
            os.fsync(written.fileno())
            _like(Path(written.name), target if target.exists() else file.source)
            Path(written.name).replace(target)
        except BaseException:
            Path(written.name).unlink(missing_ok=True)
            raise


def _like(written: Path, model: Path) -> None:
    if model != _STDIN:
        shutil.copymode(model, written)
        return
    mask = os.umask(0o077)
    os.umask(mask)
    written.chmod(0o666 & ~mask)


async def _lost(library: connect.Library, ids: Sequence[uuid.UUID]) -> list[tuple[str, str, str]]:
    """What could not be kept: source, code and sentence."""
    lost: list[tuple[str, str, str]] = []
    for media_id in ids:
        with contextlib.suppress(errors.NotFound, errors.Gone):  # somebody deleted it meanwhile
            item = await library.settled(media_id)
            if item.lost is not None:
                lost.append((sources.shown(item.source_url or ""), item.lost.code, item.lost.detail))
    return lost


def _report(outcomes: Sequence[_Outcome], lost: Sequence[tuple[str, str, str]], asked: Asked) -> None:
    left: list[tuple[str, str, str]] = []
    for outcome in outcomes:
        name = str(outcome.file.source)
        if outcome.problem is not None:
            left.append((name, "", outcome.problem.detail))
        left += [
            (f"{name} {one.pointer}".strip(), sources.shown(one.url), one.why)
            for one in (outcome.done.left if outcome.done else ())
            if not one.why.startswith("already_permanent")
        ]
    _table(("where", "stays", "why"), left, grows="stays")
    _table(("source", "code", "why"), lost, grows="source")
    failed = sum(outcome.problem is not None for outcome in outcomes)
    replaced = [one for outcome in outcomes if outcome.done for one in outcome.done.replaced]
    sources_ = len({one.from_ for one in replaced})
    files = f"{len(outcomes)} file{'s' if len(outcomes) != 1 else ''}"
    done = "would be replaced" if asked.dry_run else "replaced"
    output.say(
        f"{len(replaced)} URLs {done} in {files}, {sources_} different; {len(left) - failed} left"
        + (f"; {len(lost)} lost" if lost else "")
        + (f"; {failed} files could not be read." if failed else ".")
    )
    if failed or lost:
        raise typer.Exit(exits.FAILED)


def _table(columns: tuple[str, str, str], rows: Sequence[tuple[str, str, str]], *, grows: str) -> None:
    if rows:
        table = output.table(columns, rows, grows=grows)
        table.columns[2].no_wrap = False
        output.console("err").print(table)


def _shown(outcome: _Outcome, asked: Asked) -> dict[str, Any]:
    name = str(outcome.file.source)
    if outcome.done is None:
        problem = outcome.problem
        return {"file": name, "problem": problem and {"code": problem.code, "detail": problem.detail}}
    document = {"document": outcome.done.document} if outcome.file.target is None and not asked.dry_run else {}
    return {
        "file": name,
        **document,
        "replaced": [
            {"pointer": one.pointer, "from": one.from_, "to": one.to, "media_id": one.media_id}
            for one in outcome.done.replaced
        ],
        "left": outcome.done.left,
    }
