"""`ambrotype generate`: has a provider make something, and keeps it."""

from typing import Annotated

import typer

from ambrotype.cli import options


@options.reaching
def generate(
    where: options.Where,
    provider: Annotated[str, typer.Argument(help="fal, openai, wavespeed, ark, replicate, or another that is set up.")],
    model: Annotated[str, typer.Argument(help="The provider's name for it.")],
    prompt: Annotated[str | None, typer.Argument(help="What to make.")] = None,
    *,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the model; VALUE is JSON, or text."),
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--input", metavar="[ROLE=]ID|URL", help="What it works on.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="image, video or audio, where the provider makes several.")] = None,
    manual: Annotated[
        bool, typer.Option("--manual", help="List the outputs as temporary instead of keeping them.")
    ] = False,
    project: Annotated[str | None, typer.Option(help="Project of the outputs.")] = None,
    slot: Annotated[str | None, typer.Option(help="Slot in it that they fill.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag of the outputs; may repeat.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the end; 0: only ask.")] = 600,
    as_json: options.Json = False,
) -> None:
    """Has a provider make something, waits, and prints the permanent URLs.

    \b
    Example:
      ambrotype generate fal fal-ai/flux/dev "a fox on glass" --set image_size=square
    """
    from ambrotype.cli import connect, exits, generating, output, running

    async def work() -> None:
        fields = {
            "settings": generating.settings(setting or []), "inputs": generating.inputs(given or []), "kind": kind,
            "keep": "manual" if manual else "auto", "project": project, "slot": slot, "tags": tag or [],
        }  # fmt: skip
        async with connect.library(where, work=wait > 0) as library:
            made = await library.generate(provider, model, prompt, **generating.said(fields))
            if wait:
                made = await library.generated(made.id, timeout=wait)
        output.json(made) if as_json else generating.tell(made)
        if made.status in ("failed", "cancelled"):
            raise typer.Exit(exits.FAILED)

    running.run(work())
