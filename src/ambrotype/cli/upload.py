"""`ambrotype upload`: files of this machine into the library."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ambrotype.cli import options


@options.reaching
def upload(
    where: options.Where,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files, or folders with all that lies in them.", exists=True)
    ],
    *,
    prompt: Annotated[str | None, typer.Option(help="What it was made with.")] = None,
    model: Annotated[str | None, typer.Option(help="Which model made it.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; repeat for more.")] = None,
    project: Annotated[str | None, typer.Option(help="Project that it belongs to.")] = None,
    slot: Annotated[str | None, typer.Option(help="Named place in the project; each file is its next version.")] = None,
    title: Annotated[str | None, typer.Option(help="Title.")] = None,
    source: Annotated[
        Literal["upload", "generation", "enhanced", "stock"] | None, typer.Option(help="Where it comes from.")
    ] = None,
    visibility: Annotated[Literal["private", "unlisted", "public"] | None, typer.Option(help="Who may see it.")] = None,
    again: Annotated[bool, typer.Option("--again", help="A new item even if the bytes are known.")] = False,
    as_json: options.Json = False,
) -> None:
    """Keeps files, and prints their permanent URLs, a line each, in order.

    A large file goes on where it was when the connection broke, also in another run of the same command. The exit code
    is 1 if any file was not kept; stderr says which, and why. In folders, names that begin with a dot are left out.

    \b
    Examples:
      ambrotype upload fox.png --project film --slot hero
      ambrotype upload renders/ --tag film --url https://media.example.com --key @key
    """
    from ambrotype.cli import running, transferring

    given = {
        "prompt": prompt, "model": model, "tags": tag or None, "project": project, "slot": slot, "title": title,
        "source": source, "visibility": visibility, "again": again or None,
    }  # fmt: skip
    fields = {name: value for name, value in given.items() if value is not None}
    running.run(transferring.upload(where, files, fields, as_json=as_json))
