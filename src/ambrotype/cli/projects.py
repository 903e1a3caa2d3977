"""Projects: their slots and versions."""

from typing import Annotated, Any

import typer

from ambrotype.cli import asking, options

Project = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name.")]
Slot = Annotated[str, typer.Argument(metavar="SLOT", help="The slot's name.")]


@options.reaching
def list_(where: options.Where, *, as_json: options.Json = False) -> None:
    """Projects by name, and how much is in them.

    \b
    Example:
      ambrotype projects list
    """
    found = asking.each(where, lambda library: library.projects())
    columns = ("project", "items", "slots")
    asking.show(
        found, columns, lambda one: (one.name, f"{one.items:,}", f"{one.slots:,}"), grows="project", as_json=as_json
    )


@options.reaching
def slots(where: options.Where, project: Project, *, as_json: options.Json = False) -> None:
    """A project's slots by name, each with what it shows.

    \b
    Example:
      ambrotype projects slots film
    """
    found = asking.each(where, lambda library: library.slots(project))
    asking.show(found, ("slot", "shows", "pending", "url"), _cells, grows="url", as_json=as_json)


@options.reaching
def slot(where: options.Where, project: Project, slot: Slot, *, as_json: options.Json = False) -> None:
    """A slot's versions, newest first.

    \b
    Example:
      ambrotype projects slot film scene_1
    """
    found = asking.of(where, lambda library: library.slot(project, slot))
    if as_json:
        asking.told(found, "", as_json=True)
        return
    asking.show(
        found.versions, ("version", "status", "shown", "id", "url"), _version, grows="url", whole=("id",), as_json=False
    )


@options.reaching
def show(
    where: options.Where,
    project: Project,
    slot: Slot,
    version: Annotated[int, typer.Argument(min=1, help="The version to show again.")],
    *,
    as_json: options.Json = False,
) -> None:
    """Brings an old version back as the slot's current one.

    \b
    Example:
      ambrotype projects show film scene_1 2
    """
    found = asking.of(where, lambda library: library.show_version(project, slot, version))
    asking.told(found, f"{project}/{slot} shows version {version}: {found.url}", as_json=as_json)


@options.reaching
def prune(
    where: options.Where,
    project: Project,
    slot: Slot,
    *,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest versions stay.")],
    as_json: options.Json = False,
) -> None:
    """Moves a slot's older versions to the trash, never the current one.

    \b
    Example:
      ambrotype projects prune film scene_1 --keep 3
    """
    moved = asking.of(where, lambda library: library.prune(project, slot, keep=keep))
    asking.told({"trashed": moved}, f"{moved} versions of {project}/{slot} went to the trash.", as_json=as_json)


def _cells(one: Any) -> tuple[str, ...]:
    current = f"version {one.current.version}" if one.current else "–"
    return one.slot, current, f"version {one.pending.version}" if one.pending else "–", one.url or "–"


def _version(one: Any) -> tuple[str, ...]:
    return str(one.version), one.status, "yes" if one.is_current else "", str(one.id), one.url
