"""Files one after the other, with a bar for each on a terminal."""

import os
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich import console as consoles
from rich import progress

from ambrotype.cli import connect, exits, options, output
from ambrotype.core import errors

T = TypeVar("T")


def state_file() -> Path:
    """Where unfinished uploads are remembered (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "ambrotype" / "uploads.json"


async def upload(where: options.Where, files: Sequence[Path], fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Keeps them. Raises `typer.Exit` with 1 where any was not."""
    found = list(_within(files))
    if not found:
        raise exits.WrongUse("Nothing to upload: there is no file in what was named.")
    async with connect.library(where) as library:
        with Bars() as bars:

            async def one(path: Path, told: Callable[[int, int], None]) -> Any:
                return await library.upload(path, progress=told, state=state_file(), **fields)

            results = [await bars.run(path.name, str(path), one, path) for path in found]
    if as_json:
        output.json([result if result is not None else None for result in results])
    else:
        for result in results:
            output.result(result.url if result is not None else "")
    bars.report(len(found))


async def download(where: options.Where, media_ids: Sequence[uuid.UUID], target: Path | None, *, as_json: bool) -> None:
    """Writes them. Raises `typer.Exit` with 1 where any could not be."""
    async with connect.library(where) as library:
        with Bars() as bars:

            async def one(media_id: uuid.UUID, told: Callable[[int, int], None]) -> Path:
                return await library.download(media_id, target, progress=told)

            results = [await bars.run(str(each), str(each), one, each) for each in media_ids]
    paths = [str(path) if path is not None else None for path in results]
    if as_json:
        output.json(paths)
    else:
        for path in paths:
            output.result(path or "")
    bars.report(len(media_ids))


def _within(named: Sequence[Path]) -> Iterator[Path]:
    for path in named:
        if path.is_dir():
            yield from (
                file
                for file in sorted(path.rglob("*"))
                if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
        else:
            yield path


class Bars:
    """A bar for the file that is under way. Without a terminal it shows nothing."""

    def __init__(self) -> None:
        console = consoles.Console(stderr=True)
        self._failed: list[tuple[str, errors.AmbrotypeError]] = []
        self._live = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=None),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )

    def __enter__(self) -> "Bars":
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    async def run(
        self, shown: str, what: str, act: "Callable[[Any, Callable[[int, int], None]], Awaitable[T]]", on: object
    ) -> T | None:
        """Does one; None where it failed."""
        task = self._live.add_task(output.clean(shown), total=None)

        def told(done: int, total: int) -> None:
            self._live.update(task, completed=done, total=total)

        try:
            return await act(on, told)
        except errors.AmbrotypeError as problem:
            if isinstance(problem, errors.Unauthenticated | errors.OwnerRequired):
                raise
            self._failed.append((what, problem))
            return None
        finally:
            self._live.remove_task(task)

    def report(self, count: int) -> None:
        """What failed, and the exit code."""
        for what, problem in self._failed:
            output.say(f"{output.clean(what)}: {problem.detail} ({problem.code})")
        if self._failed:
            if count > 1:
                output.say(f"{count - len(self._failed)} of {count} done, {len(self._failed)} failed.")
            raise typer.Exit(exits.FAILED)
