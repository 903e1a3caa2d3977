"""`ambrotype keep`: from URLs that die to URLs that stay."""

from typing import Annotated, Literal

import typer

from ambrotype.cli import options


@options.reaching
def keep(
    where: options.Where,
    urls: Annotated[list[str] | None, typer.Argument(metavar="URL", help="What to keep.")] = None,
    *,
    source_file: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE", help="Lines, CSV (a header row with url) or JSON lines; - is standard input."
        ),
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="What it was made with.")] = None,
    model: Annotated[str | None, typer.Option(help="Which model made it.")] = None,
    provider: Annotated[str | None, typer.Option(help="Who ran the model: fal, openai, replicate, …")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; repeat for more.")] = None,
    project: Annotated[str | None, typer.Option(help="Project that it belongs to.")] = None,
    slot: Annotated[str | None, typer.Option(help="Named place in the project; each keep is its next version.")] = None,
    name: Annotated[str | None, typer.Option(help="File name, the last part of the permanent URL.")] = None,
    title: Annotated[str | None, typer.Option(help="Title.")] = None,
    source: Annotated[
        Literal["upload", "generation", "enhanced", "stock"] | None, typer.Option(help="Where it comes from.")
    ] = None,
    visibility: Annotated[Literal["private", "unlisted", "public"] | None, typer.Option(help="Who may see it.")] = None,
    again: Annotated[bool, typer.Option("--again", help="A new item even if the URL is known.")] = False,
    temporary: Annotated[bool, typer.Option("--temporary", help="Only note it; it lives at its source.")] = False,
    wait: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Wait so long for the bytes; inf = until done.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Leave the bytes to the next worker.")] = False,
    as_json: options.Json = False,
) -> None:
    """Keeps what URLs hold, and prints their permanent URLs, a line each, in order.

    On a data folder it captures by itself and ends when everything is kept or lost; with --url the server does that,
    and the command ends at once unless --wait is given. The exit code is 1 if anything could not be kept; stderr says
    which, and why. The line of a URL that was refused is empty.

    \b
    Examples:
      ambrotype keep 'https://…/out.png?X-Amz-Expires=3600&…' --prompt 'a fox' --tag film
      ambrotype keep --from urls.csv --project film
      jq -c '.[]' generations.json | ambrotype keep --from - --json
    """
    from ambrotype.cli import exits, keeping, running

    if no_wait and wait is not None:
        raise exits.WrongUse("Give either --wait or --no-wait, not both.")
    given = {
        "prompt": prompt, "model": model, "provider": provider, "tags": tag or None, "project": project, "slot": slot,
        "name": name, "title": title, "source": source, "visibility": visibility, "again": again or None,
        "mode": "temporary" if temporary else None,
    }  # fmt: skip
    running.run(
        keeping.run(
            keeping.Asked(
                where=where,
                urls=tuple(urls or ()),
                file=source_file,
                common={field: value for field, value in given.items() if value is not None},
                wait=_seconds(where, wait, no_wait=no_wait),
                as_json=as_json,
            )
        )
    )


def _seconds(where: options.Where, wait: float | None, *, no_wait: bool) -> float:
    """How long to wait: nobody else may be there to capture for a data folder, a server does it for itself."""
    if no_wait:
        return 0.0
    if wait is not None:
        return wait
    return float("inf") if where.url is None else 0.0
