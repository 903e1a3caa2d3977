"""`ambrotype rewrite`: documents with permanent URLs in place of those that die."""

from pathlib import Path
from typing import Annotated

import typer

from ambrotype.cli import options


@options.reaching
def rewrite(
    where: options.Where,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A document, a folder of them, or - for stdin.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="OUT", help="Where to write; a folder for a folder.")
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Write over what was read.")] = False,
    slots: Annotated[
        list[str] | None,
        typer.Option("--slots", metavar="PATTERN=SLOT", help="JSON pointer with *, and the slot to fill; repeat."),
    ] = None,
    project: Annotated[str | None, typer.Option(help="Project that the media belong to.")] = None,
    relative: Annotated[bool, typer.Option("--relative", help="Write /m/…, without scheme and host.")] = False,
    only_host: Annotated[
        list[str] | None, typer.Option("--only-host", metavar="HOST", help="Only URLs of this host; repeat for more.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep and write nothing; only tell.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Leave the bytes to the next worker.")] = False,
    as_json: options.Json = False,
) -> None:
    """Finds media URLs that may die in JSON, Markdown, HTML or text, keeps them, and writes permanent URLs instead.

    Every other byte stays as it is, and doing it again changes nothing. Without -o or --in-place the document goes to
    stdout. On a data folder it captures by itself and ends when everything is kept or lost; with --url the server does
    that. The exit code is 1 if a file could not be rewritten, or anything was lost; stderr says which, and why.

    \b
    Examples:
      ambrotype rewrite film.json --project film --slots '/scenes/*/scene_start_frame={1}' --in-place
      ambrotype rewrite docs/ -o permanent/ --only-host fal.media
      ambrotype rewrite notes.md --dry-run
    """
    from ambrotype.cli import rewriting, running

    running.run(
        rewriting.run(
            rewriting.Asked(
                where=where,
                file=file,
                out=out,
                in_place=in_place,
                slots=rewriting.slots(slots or ()),
                project=project,
                relative=relative,
                only_hosts=only_host or None,
                dry_run=dry_run,
                wait=not no_wait and not dry_run and where.url is None,
                as_json=as_json,
            )
        )
    )
