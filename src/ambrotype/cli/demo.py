"""`ambrotype demo`: provider URLs die, permanent ones go on serving."""

from typing import Annotated

import typer

from ambrotype.cli import options


def demo(
    *,
    data: options.Data = None,
    leave: Annotated[bool, typer.Option("--exit", help="End after it instead of serving on.")] = False,
    as_json: options.Json = False,
) -> None:
    """Shows the whole thing in half a minute, on this machine alone, in a temporary folder (or --data).

    Starts simulated providers and a real server on free ports, keeps pictures and videos whose provider URLs live for
    seconds, has four providers generate more, watches their URLs die, and compares what the permanent URLs serve. Then
    the server is yours until Ctrl-C. The exit code is 1 if anything was not as promised.

    \b
    Example:
      ambrotype demo --exit
    """
    from ambrotype.cli import demonstration, running

    running.run(demonstration.run(data, leave=leave, as_json=as_json))
