"""`ambrotype work`: a worker alone."""

from typing import Annotated

import typer

from ambrotype.cli import options


def work(
    *,
    data: options.Data = None,
    as_json: options.Json = False,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when standard input does.")
    ] = False,
    held: Annotated[bool, typer.Option("--held", hidden=True, help="Wait until the server has prepared.")] = False,
) -> None:
    """A worker alone: captures what has been promised, until Ctrl-C or SIGTERM.

    As many as wanted may run, on as many machines as share the database and the store. Running captures get 8 seconds
    to finish at the end; the rest is handed back to the other workers.

    \b
    Example:
      AMBROTYPE_DATABASE_URL=postgresql://… AMBROTYPE_STORE_URL=s3://media ambrotype work
    """
    from ambrotype import settings
    from ambrotype.cli import gate, running, working

    if held:  # before the event loop takes the signals: it could not act on them
        gate.passed(settings.load(data=data).data)
    running.run(working.run(data, with_parent=with_parent, as_json=as_json))
