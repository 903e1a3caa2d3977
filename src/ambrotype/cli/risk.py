"""`ambrotype at-risk`: what may die before it is kept."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ambrotype.cli import options

if TYPE_CHECKING:
    from ambrotype.core import media


@options.reaching
def at_risk(
    where: options.Where,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between looks.")] = 2.0,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: options.Json = False,
) -> None:
    """Lists what is not kept yet, by deadline, soonest first, with the time left.

    With --watch and --json, each look is one line.

    \b
    Example:
      ambrotype at-risk --watch
    """
    import asyncio

    from ambrotype.cli import connect, output, running

    async def look(library: connect.Library) -> "list[media.AtRisk]":
        return [item async for item in library.at_risk(limit=limit)]

    async def once() -> None:
        async with connect.library(where) as library:
            items = await look(library)
        output.json(items) if as_json else output.console().print(_table(items))

    async def again_and_again() -> None:
        from rich import live

        console = output.console()
        async with connect.library(where) as library:
            if as_json or not console.is_terminal:
                while True:
                    items = await look(library)
                    output.json(items, compact=True) if as_json else console.print(_table(items))
                    await asyncio.sleep(interval)
            with live.Live(_table(await look(library)), console=console, auto_refresh=False) as shown:
                while True:
                    await asyncio.sleep(interval)
                    shown.update(_table(await look(library)), refresh=True)

    running.run(again_and_again() if watch else once())


def _table(items: "list[media.AtRisk]") -> Any:
    from ambrotype.cli import output
    from ambrotype.core import sources

    if not items:
        return "Nothing is at risk."
    rows = [
        (
            "unknown" if item.seconds_left is None else output.span(item.seconds_left),
            str(item.id),
            item.status,
            sources.shown(item.source_url) if item.source_url else "–",
        )
        for item in items
    ]
    return output.table(("left", "id", "status", "source"), rows, grows="source", whole=("id",))
