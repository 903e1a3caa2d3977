"""How the demo looks: a live table in a terminal, lines as things happen in a log, JSON at the end for machines."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich import live, table, text

from ambrotype.cli import exhibits, output, stage

_STYLES = {"kept": "green", "lost": "red", "keeping": "yellow"}


class Show:
    """Lines as things happen."""

    def __init__(self) -> None:
        self._console = output.console()
        self._told: set[tuple[int, str]] = set()

    def say(self, sentence: str) -> None:
        """A sentence between the acts."""
        self._console.print(sentence, soft_wrap=True)

    def begin(self, providers: str, permanent: str) -> None:
        """What is where."""
        self.say(f"Providers' URLs begin with {providers}, permanent ones with {permanent}.")
        self.say(
            "Keeping items whose provider URLs live for seconds, and what four providers generate; one is dead already.\n"
        )

    @contextlib.contextmanager
    def curtain(self, collection: Sequence[exhibits.Exhibit]) -> Iterator[None]:
        """Open while things happen."""
        for exhibit in collection:
            url = exhibit.item.url if exhibit.item else ""
            self.say(f"{exhibit.provider:14}{_left(exhibit):12} {url}")
        self.say("")
        yield

    def update(self, collection: Sequence[exhibits.Exhibit]) -> None:
        """Things have moved on."""
        for number, exhibit in enumerate(collection):
            item = exhibit.item
            if item is not None and item.status == "kept":
                self._once(number, f"{exhibit.provider:14}kept, {output.size(item.size)}")
            elif item is not None and item.lost is not None:
                self._once(number, f"{exhibit.provider:14}lost: {item.lost.detail}")
            if exhibit.done:
                source = f"provider's URL {_source(exhibit)}" if exhibit.source else "came as bytes"
                answers = f"{source}, permanent URL {_permanent(exhibit)}"
                self._once(number, f"{exhibit.provider:14}{answers}")

    def _once(self, number: int, line: str) -> None:
        if (number, line) not in self._told:
            self._told.add((number, line))
            self.say(line)

    def end(self, collection: Sequence[exhibits.Exhibit]) -> None:
        """The sum of it."""
        wanted = [exhibit for exhibit in collection if not exhibit.doomed]
        kept = sum(exhibit.item is not None and exhibit.item.status == "kept" for exhibit in wanted)
        remote = [exhibit for exhibit in collection if exhibit.source]
        dead = sum(exhibit.dead for exhibit in remote)
        alive = sum(exhibit.alive for exhibit in wanted)
        equal = "bytes equal" if alive == len(wanted) else "the others differ or do not answer"
        self.say(
            f"\n{kept} of {len(wanted)} kept; provider URLs dead: {dead} of {len(remote)};"
            f" permanent URLs alive: {alive}, {equal}."
        )
        for exhibit in collection:
            if exhibit.doomed and exhibit.item is not None and exhibit.item.lost is not None:
                self.say(f"1 lost, as it had to be ({exhibit.item.lost.code}): {exhibit.item.lost.detail}")
            if not exhibit.as_promised:
                self.say(f"NOT AS PROMISED: {exhibit.provider} {exhibit.path}")

    def stay(self, on: stage.Stage, folder: Path, *, temporary: bool) -> None:
        """What can be done with the server that goes on."""
        self.say(
            f"\nThe server goes on at {on.url}; Ctrl-C ends it{' and removes its folder' if temporary else ''}."
            f"\n\n  service key   {on.key}\n  data folder   {folder}\n  log           {on.log}\n\nTry:\n\n"
            f"  curl -s {on.url}/v1/media -H 'Authorization: Bearer {on.key}'\n"
            f"  ambrotype ls --data {folder}\n"
            f"  ambrotype ls --url {on.url} --key {on.key}\n"
            f"  {on.url}/docs"
        )


class Live(Show):
    """A table that moves."""

    def __init__(self) -> None:
        super().__init__()
        self._live = live.Live(console=self._console, auto_refresh=False, vertical_overflow="visible")

    @contextlib.contextmanager
    def curtain(self, collection: Sequence[exhibits.Exhibit]) -> Iterator[None]:
        """Open while things happen."""
        with self._live:
            yield
        self.say("\nPermanent URLs:")
        for exhibit in collection:
            if exhibit.item is not None and exhibit.item.status == "kept":
                self.say(f"  {exhibit.item.url}")

    def update(self, collection: Sequence[exhibits.Exhibit]) -> None:
        """Things have moved on."""
        shown = table.Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        for column in ("provider", "its URL", "permanent URL", "bytes", "status"):
            shown.add_column(column, no_wrap=True, min_width=39 if column == "permanent URL" else None)
        for exhibit in collection:
            status = exhibit.item.status if exhibit.item else ""
            gone = exhibit.done or exhibit.left < 0
            source = _source(exhibit) if exhibit.done else _left(exhibit).removeprefix("dies ")
            source = source if exhibit.source else "came as bytes"
            serves = "equal" if exhibit.alive else _number(exhibit.permanent_status)
            shown.add_row(
                exhibit.provider,
                text.Text(source, style="red" if gone else "yellow"),
                f"/m/{exhibit.item.id}" if exhibit.item else "",
                text.Text(serves, style="green" if exhibit.alive else ""),
                text.Text(status, style=_STYLES.get(status, "")),
            )
        self._live.update(shown, refresh=True)


class Silent(Show):
    """For machines: one JSON object a stage."""

    def say(self, sentence: str) -> None:
        """Nothing: stdout is for JSON."""

    def end(self, collection: Sequence[exhibits.Exhibit]) -> None:
        """The sum of it."""
        output.json([_shown(exhibit) for exhibit in collection], compact=True)

    def stay(self, on: stage.Stage, folder: Path, *, temporary: bool) -> None:
        """Where the server is."""
        output.json({"url": on.url, "key": on.key, "data": str(folder)}, compact=True)


def opened(*, as_json: bool) -> Show:
    """The show that suits the output."""
    if as_json:
        return Silent()
    return Live() if output.console().is_terminal else Show()


def _left(exhibit: exhibits.Exhibit) -> str:
    if not exhibit.source:
        return "bytes"
    return f"dies in {output.span(exhibit.left)}" if exhibit.left >= 0 else "dead"


def _source(exhibit: exhibits.Exhibit) -> str:
    return f"dead: {exhibit.source_status}" if exhibit.dead else f"answers {_number(exhibit.source_status)}"


def _permanent(exhibit: exhibits.Exhibit) -> str:
    answers = f"answers {_number(exhibit.permanent_status)}"
    return f"{answers}, SHA-256 equal" if exhibit.alive else answers


def _number(status: int | None) -> str:
    return "" if status is None else str(status)


def _shown(exhibit: exhibits.Exhibit) -> dict[str, Any]:
    item = exhibit.item
    return {
        "provider": exhibit.provider,
        "url": item.url if item else None,
        "status": item.status if item else None,
        "lost": item.lost if item else None,
        "source_answers": exhibit.source_status,
        "permanent_answers": exhibit.permanent_status,
        "sha256": exhibit.permanent_digest if exhibit.alive else None,
        "as_promised": exhibit.as_promised,
    }
