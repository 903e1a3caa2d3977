"""`ambrotype show` and `open`: one item."""

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from ambrotype.cli import options

if TYPE_CHECKING:
    from ambrotype.core import media

_Id = Annotated[uuid.UUID, typer.Argument(metavar="ID", help="The item's id; it stands in its permanent URL.")]


@options.reaching
def show(where: options.Where, media_id: _Id, *, as_json: options.Json = False) -> None:
    """Shows everything that is known of an item, and what happened to it; in a colour terminal a small picture too.

    \b
    Example:
      ambrotype show 01a2b3c4-…
    """
    from ambrotype.cli import connect, output, painting, running

    console = output.console()
    paints = not as_json and painting.paints(console)

    async def found() -> "tuple[media.Media, list[media.Event], bytes | None]":
        async with connect.library(where) as library:
            item = await library.get(media_id)
            events = [event async for event in library.events(media_id)]
            return item, events, await painting.of(library, item) if paints else None

    item, events, thumbnail = running.run(found())
    if as_json:
        output.json({**_fields(item), "events": events})
        return
    if thumbnail is not None:
        painting.show(console, thumbnail)
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
