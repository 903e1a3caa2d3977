"""`ambrotype download`: kept files onto this machine."""

import uuid
from pathlib import Path
from typing import Annotated

import typer

from ambrotype.cli import options


@options.reaching
def download(
    where: options.Where,
    media_ids: Annotated[list[uuid.UUID], typer.Argument(metavar="ID", help="Items, by what stands in their URLs.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="A file, or a folder.  [the current one]")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Writes kept files' bytes to disk, and prints where they are, a line each.

    Goes on where an earlier run was cut off, and checks the bytes before a file gets its name.

    \b
    Example:
      ambrotype download 01a2b3c4-… -o fox.png
    """
    from ambrotype.cli import exits, running, transferring

    if output is not None and len(media_ids) > 1 and not output.is_dir():
        raise exits.WrongUse(f"{output} is no folder, and there are {len(media_ids)} items to write.")
    running.run(transferring.download(where, media_ids, output, as_json=as_json))
