"""`ambrotype serve`: API and worker in one."""

from typing import Annotated

import typer

from ambrotype.cli import options


def serve(
    *,
    data: options.Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8484,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="API processes.  [AMBROTYPE_WORKERS, else 1]", show_default=False)
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="The API alone; captures wait for `ambrotype work`.")
    ] = False,
    as_json: options.Json = False,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when standard input does.")
    ] = False,
) -> None:
    """API and worker in one, until Ctrl-C or SIGTERM.

    The first start makes a service key and shows it once. Running captures get 8 seconds to finish at the end; what is
    not done then goes on at the next start. A second Ctrl-C ends at once.

    \b
    Example:
      ambrotype serve --data media/ --port 8484
    """
    from ambrotype.cli import serving

    serving.run(
        serving.Asked(
            data=data,
            host=host,
            port=port,
            workers=workers,
            captures=not no_worker,
            as_json=as_json,
            with_parent=with_parent,
        )
    )
