"""API keys: make, list and revoke them."""

import uuid
from typing import Annotated, Literal

import typer

from ambrotype.cli import options


@options.reaching
def list_(where: options.Where, *, as_json: options.Json = False) -> None:
    """Keys, newest first; their secrets are not stored.

    \b
    Example:
      ambrotype keys list
    """
    import dataclasses

    from ambrotype.cli import connect, output, running

    async def found() -> list[dict[str, object]]:
        async with connect.library(where) as library:
            listed = library.keys()
            return [dataclasses.asdict(key) async for key in listed]

    every = running.run(found())
    if as_json:
        output.json(every)
        return
    columns = ("id", "name", "role", "app", "prefix", "last used", "state")
    rows = [
        (
            str(key["id"]), str(key["name"]), str(key["role"]), str(key["app"]), f"{key['prefix']}…",
            output.when(key["last_used_at"]), "revoked" if key["revoked_at"] else "works",
        )
        for key in every
    ]  # fmt: skip
    output.console().print(output.table(columns, rows, grows="name", whole=("id",)))


@options.reaching
def create(
    where: options.Where,
    name: Annotated[str, typer.Argument(help="What it is for, for people.")],
    *,
    role: Annotated[
        Literal["service", "app", "read"],
        typer.Option(help="service: everything; app: acts for owners of its app; read: reads for them."),
    ] = "app",
    as_json: options.Json = False,
) -> None:
    """Makes a key of the app --app (`default`) and shows it, this once.

    \b
    Example:
      ambrotype keys create storyboard --role app --app film
    """
    from ambrotype.cli import connect, output, running

    async def made() -> object:
        async with connect.library(where) as library:
            return await library.create_key(name, role=role, app=where.app or "default")

    key = running.run(made())
    if as_json:
        output.json(key)
        return
    output.result(key.key)  # type: ignore[attr-defined]
    output.say("It is not shown again: store it now.")


@options.reaching
def revoke(
    where: options.Where,
    key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="The key's id, from `ambrotype keys list`.")],
    *,
    as_json: options.Json = False,
) -> None:
    """Ends a key: the next request that shows it is refused.

    \b
    Example:
      ambrotype keys revoke 01a2b3c4-…
    """
    from ambrotype.cli import connect, output, running

    async def revoked() -> object:
        async with connect.library(where) as library:
            return await library.revoke_key(key_id)

    key = running.run(revoked())
    if as_json:
        output.json(key)
    else:
        output.result(f"Revoked {key_id}.")
