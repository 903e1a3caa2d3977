"""`ambrotype providers`: which are set up, and whether they answer and take the key."""

from typing import Annotated

import typer

from ambrotype.cli import options


@options.reaching
def providers(
    where: options.Where,
    name: Annotated[list[str] | None, typer.Argument(help="Only these.")] = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Checks the providers: configured, reachable, key accepted. Costs nothing; exits with 1 where one is not well.

    \b
    Example:
      ambrotype providers
    """
    from ambrotype.cli import connect, exits, output, running

    async def work() -> None:
        async with connect.library(where) as library:
            names = name or [one.name for one in await library.providers()]
            checks = [await library.check_provider(one) for one in names]
        if as_json:
            output.json(checks)
        else:
            rows = [
                (one.name, _word(one.configured), _word(one.reachable), _word(one.accepted), one.detail)
                for one in checks
            ]
            heads = ("provider", "configured", "reachable", "key accepted", "")
            output.console().print(output.table(heads, rows, grows=""))
        if any(one.configured and not (one.reachable and one.accepted) for one in checks):
            raise typer.Exit(exits.FAILED)

    running.run(work())


def _word(value: bool | None) -> str:  # noqa: FBT001 (it is the value that is shown)
    return "–" if value is None else "yes" if value else "no"
