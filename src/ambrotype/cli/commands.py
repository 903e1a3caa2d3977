"""Every command, in the order of the help."""

import types
from collections.abc import Sequence
from typing import Annotated

import typer

from ambrotype.cli import (
    collections,
    demo,
    download,
    editing,
    guests,
    keep,
    keys,
    library,
    listing,
    migrate,
    projects,
    rewrite,
    risk,
    serve,
    shares,
    simulate,
    upload,
    usage,
    webhooks,
    work,
)


def build() -> typer.Typer:
    """The command line. Plain help: Rich's doubles the time that it takes to appear."""
    app = typer.Typer(
        name="ambrotype",
        help="The permanent home of generated media: give it an expiring URL, get a permanent one at once.",
        epilog="Begin with `ambrotype demo`, then `ambrotype serve`.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )
    app.callback()(_root)
    app.command("demo")(demo.demo)
    app.command("serve")(serve.serve)
    app.command("work")(work.work)
    app.command("keep")(keep.keep)
    app.command("ls")(listing.ls)
    app.command("upload")(upload.upload)
    app.command("download")(download.download)
    app.command("show")(library.show)
    app.command("open")(library.open_)
    app.command("edit")(editing.edit)
    app.command("rm")(editing.rm)
    app.command("restore")(editing.restore)
    app.command("at-risk")(risk.at_risk)
    app.command("usage")(usage.usage)
    app.command("rewrite")(rewrite.rewrite)
    for name, module, commands in (
        ("projects", projects, ("list", "slots", "slot", "show", "prune")),
        ("collections", collections, ("list", "create", "items", "add", "take", "rm")),
        ("shares", shares, ("list", "create", "edit", "revoke")),
        ("webhooks", webhooks, ("list", "create", "edit", "rm", "deliveries", "test", "replay")),
        ("guests", guests, ("create", "link")),
        ("keys", keys, ("list", "create", "revoke")),
    ):
        app.add_typer(_group(module, commands), name=name)
    app.command("migrate")(migrate.migrate)
    app.command("simulate")(simulate.simulate)
    return app


_FUNCTIONS = {"list": "list_", "test": "send_test"}
"""Functions of commands that can't have their name."""


def _group(module: types.ModuleType, commands: Sequence[str]) -> typer.Typer:
    """The commands of a module, each a function of its name."""
    group = typer.Typer(help=module.__doc__, rich_markup_mode=None, no_args_is_help=True)
    for name in commands:
        group.command(name)(getattr(module, _FUNCTIONS.get(name, name)))
    return group


def _show_version(wanted: bool) -> None:  # noqa: FBT001 (a callback's only value)
    if wanted:
        import importlib.metadata

        typer.echo(importlib.metadata.version("ambrotype"))
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit."),
    ] = False,
) -> None:
    """The permanent home of generated media: give it an expiring URL, get a permanent one at once."""
