"""`ambrotype ls`, `show` and `open`: what is there."""

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ambrotype.cli import options

if TYPE_CHECKING:
    from ambrotype.core import media

_Id = Annotated[uuid.UUID, typer.Argument(metavar="ID", help="The item's id; it stands in its permanent URL.")]
_NARROW = 84
"""Columns of a terminal below which only the most important columns of the list are shown."""


@options.reaching
def ls(
    where: options.Where,
    *,
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="temporary|keeping|kept|lost|expired", help="Repeat for more.  [kept and keeping]"),
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(metavar="image|video|audio", help="Repeat for more.")] = None,
    sort: Annotated[
        Literal["-created_at", "created_at", "-size", "size", "source_expires_at"],
        typer.Option(help="- is descending."),
    ] = "-created_at",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: options.Json = False,
) -> None:
    """Lists what is there, newest first.

    \b
    Examples:
      ambrotype ls --kind video --sort -size
      ambrotype ls --status lost --json --limit 1000 | jq -r '.[].lost.detail'
    """
    from ambrotype.cli import connect, output, running

    chosen: dict[str, Any] = {"status": status, "kind": kind}  # texts: what they may be, the library says

    async def found() -> "list[media.Media]":
        async with connect.library(where) as library:
            return [item async for item in library.list(**chosen, sort=sort, limit=limit)]

    items = running.run(found())
    if as_json:
        output.json(items)
        return
    console = output.console()
    rows = [
        {
            "id": str(item.id), "status": item.status, "kind": item.kind, "size": output.size(item.size),
            "age": output.when(item.created_at).removesuffix(" ago"), "name": item.name,
        }
        for item in items
    ]  # fmt: skip
    columns = ("id", "status", "name") if console.width < _NARROW else ("id", "status", "kind", "size", "age", "name")
    console.print(output.table(columns, ([row[name] for name in columns] for row in rows), grows="name", whole=("id",)))


@options.reaching
def show(where: options.Where, media_id: _Id, *, as_json: options.Json = False) -> None:
    """Shows everything that is known of an item, and what happened to it.

    \b
    Example:
      ambrotype show 01a2b3c4-…
    """
    from ambrotype.cli import connect, output, running

    async def found() -> "tuple[media.Media, list[media.Event]]":
        async with connect.library(where) as library:
            return await library.get(media_id), [event async for event in library.events(media_id)]

    item, events = running.run(found())
    if as_json:
        output.json({**_fields(item), "events": events})
        return
    for name, value in _fields(item).items():
        if value not in (None, [], {}, ""):
            output.result(f"{name:20}{_readable(value)}")
    output.result("events")
    for event in events:
        more = ", ".join(f"{name}: {_readable(value)}" for name, value in event.data.items() if value is not None)
        output.result(f"  {output.moment(event.at)}  {event.type}{f'  ({more})' if more else ''}")


def _fields(item: "media.Media") -> dict[str, object]:
    import dataclasses

    return {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}


def _readable(value: object) -> str:
    import dataclasses
    import datetime

    from ambrotype.cli import output

    if isinstance(value, datetime.datetime):
        return output.moment(value)
    if isinstance(value, list):
        return ", ".join(_readable(part) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_readable(part)}" for name, part in value.items() if part is not None)
    return output.clean(value)


@options.reaching
def open_(where: options.Where, media_id: _Id, *, as_json: options.Json = False) -> None:
    """Opens an item in the browser, or prints its URL where there is no display.

    The URL works for an hour at least, for whoever has it; the server has to run.

    \b
    Example:
      ambrotype open 01a2b3c4-…
    """
    import webbrowser

    from ambrotype.cli import connect, output, running

    async def found() -> "media.Media":
        async with connect.library(where) as library:
            return await library.get(media_id)

    item = running.run(found())
    opened = not as_json and _has_display() and webbrowser.open(item.access_url)
    if as_json:
        output.json({"url": item.url, "access_url": item.access_url})
    elif not opened:
        output.result(item.access_url)


def _has_display() -> bool:
    import os
    import sys

    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
