"""What small commands have in common: ask a library one thing, and show what it answers."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ambrotype.cli import options

if TYPE_CHECKING:
    from ambrotype.cli import connect

T = TypeVar("T")


def of(where: options.Where, ask: Callable[["connect.Library"], Awaitable[T]]) -> T:
    """What the library at `where` answers."""
    from ambrotype.cli import connect, running

    async def run() -> T:
        async with connect.library(where) as library:
            return await ask(library)

    return running.run(run())


def each(where: options.Where, ask: Callable[["connect.Library"], Any]) -> list[Any]:
    """All that it lists."""

    async def collected(library: "connect.Library") -> list[Any]:
        return [one async for one in ask(library)]

    return of(where, collected)


def show(
    found: list[Any],
    columns: Sequence[str],
    cells: Callable[[Any], Sequence[str]],
    *,
    grows: str,
    whole: Sequence[str] = (),
    as_json: bool,
) -> None:
    """A table, a row each; or the objects as JSON."""
    from ambrotype.cli import output

    if as_json:
        output.json(found)
        return
    output.console().print(output.table(columns, [cells(one) for one in found], grows=grows, whole=whole))


def told(found: object, sentence: str, *, as_json: bool) -> None:
    """One answer: a line of the result, or JSON."""
    from ambrotype.cli import output

    if as_json:
        output.json(found)
    else:
        output.result(sentence)
