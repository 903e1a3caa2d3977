"""`ambrotype usage`: what is stored, delivered and paid for."""

from typing import Annotated, Any, Literal

import typer

from ambrotype.cli import options


@options.reaching
def usage(
    where: options.Where,
    *,
    group_by: Annotated[
        Literal["kind", "source", "provider", "model", "project", "month", "owner"],
        typer.Option("--by", help="What to group by; owner only for the administrator."),
    ] = "kind",
    as_json: options.Json = False,
) -> None:
    """Shows what is stored, delivered and paid for, and what a month will cost.

    Costs and prices are in USD; prices are settings. The trash counts: it is stored.

    \b
    Example:
      ambrotype usage --by month
    """
    from ambrotype.cli import connect, output, running
    from ambrotype.core import usage as nouns

    async def found() -> nouns.Usage:
        async with connect.library(where) as library:
            return await library.usage(group_by)

    told = running.run(found())
    if as_json:
        output.json(told)
        return
    rows = [(group.key or "–", *_cells(group)) for group in told.groups] + [("total", *_cells(told.total))]
    columns = (group_by, "items", "stored", "views", "sent", "cost", "next month")
    output.console().print(output.table(columns, rows, grows=group_by))


def _cells(amounts: Any) -> tuple[str, ...]:
    from ambrotype.cli import output

    others = "".join(f" + {amount:.2f} {currency}" for currency, amount in amounts.other_costs.items())
    return (
        f"{amounts.items:,}",
        output.size(amounts.bytes + amounts.rendition_bytes),
        f"{amounts.views:,}",
        output.size(amounts.egress_bytes),
        f"${amounts.cost:.2f}{others}",
        f"${amounts.projected_monthly_cost:.2f}",
    )
