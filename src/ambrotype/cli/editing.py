"""`ambrotype edit`, `rm` and `restore`: changing what is there."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ambrotype.cli import options

if TYPE_CHECKING:
    from ambrotype.cli import connect
    from ambrotype.core import media

_Id = Annotated[uuid.UUID, typer.Argument(metavar="ID", help="The item's id; it stands in its permanent URL.")]
_EachId = Annotated[list[uuid.UUID], typer.Argument(metavar="ID", help="The items' ids.")]
_Tags = list[str] | None


@options.reaching
def edit(
    where: options.Where,
    media_id: _Id,
    *,
    title: Annotated[str | None, typer.Option(help="Title; '' clears it.")] = None,
    description: Annotated[str | None, typer.Option(help="Description; '' clears it.")] = None,
    tag: Annotated[_Tags, typer.Option("--tag", help="Replaces all tags; repeat for more, '' for none.")] = None,
    add_tag: Annotated[_Tags, typer.Option("--add-tag", help="One tag more; repeat for more.")] = None,
    remove_tag: Annotated[_Tags, typer.Option("--remove-tag", help="One tag less; repeat for more.")] = None,
    favorite: Annotated[bool | None, typer.Option("--favorite/--no-favorite", help="A favourite, or not.")] = None,
    visibility: Annotated[Literal["private", "unlisted", "public"] | None, typer.Option(help="Who may see it.")] = None,
    as_json: options.Json = False,
) -> None:
    """Changes what is known of an item; what is not named stays.

    \b
    Examples:
      ambrotype edit 01a2b3c4-… --title 'The fox' --add-tag film
      ambrotype edit 01a2b3c4-… --favorite --visibility unlisted
    """
    from ambrotype.cli import connect, exits, output, running
    from ambrotype.core import errors

    if tag and (add_tag or remove_tag):
        raise exits.WrongUse("--tag replaces all tags: give it without --add-tag and --remove-tag.")
    texts = {name: text or None for name, text in (("title", title), ("description", description)) if text is not None}
    given = {"favorite": favorite, "visibility": visibility, "tags": [one for one in tag if one] if tag else None}
    changes: dict[str, Any] = {**texts, **{name: value for name, value in given.items() if value is not None}}
    if not changes and not add_tag and not remove_tag:
        raise exits.WrongUse("Nothing is to be changed: name a field, such as --title.")

    async def edited() -> "media.Media":
        async with connect.library(where) as library:
            if not add_tag and not remove_tag:
                return await library.edit(media_id, **changes)
            for last in (False, False, False, True):  # a worker may note what it finds in the file meanwhile
                before = await library.get(media_id)
                tags = [one for one in [*before.tags, *(add_tag or ())] if one not in (remove_tag or ())]
                try:
                    return await library.edit(media_id, if_match=before.etag, **changes, tags=tags)
                except errors.PreconditionFailed:
                    if last:
                        raise
            raise AssertionError("unreachable")

    item = running.run(edited())
    if as_json:
        output.json(item)
    else:
        output.result(f"Changed {item.id}.")


@options.reaching
def rm(
    where: options.Where,
    media_ids: _EachId,
    *,
    purge: Annotated[bool, typer.Option("--purge", help="From the trash, for good.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --purge: even if others were made from it.")] = False,
    as_json: options.Json = False,
) -> None:
    """Moves items to the trash, or ends for good what is there; what has no bytes ends at once.

    \b
    Examples:
      ambrotype rm 01a2b3c4-…
      ambrotype rm --purge 01a2b3c4-…
    """
    from ambrotype.cli import exits

    if force and not purge:
        raise exits.WrongUse("--force goes with --purge; the trash takes everything.")

    async def delete(library: "connect.Library", media_id: uuid.UUID) -> "media.Media | None":
        return await library.delete(media_id, purge=purge, force=force)

    _each(
        where,
        media_ids,
        delete,
        say=lambda media_id, item: f"{media_id} {'is in the trash' if item else 'has ended'}.",
        as_json=as_json,
    )


@options.reaching
def restore(where: options.Where, media_ids: _EachId, *, as_json: options.Json = False) -> None:
    """Brings items back from the trash.

    \b
    Example:
      ambrotype restore 01a2b3c4-…
    """

    async def bring(library: "connect.Library", media_id: uuid.UUID) -> "media.Media | None":
        return await library.restore(media_id)

    _each(where, media_ids, bring, say=lambda media_id, _: f"{media_id} is back.", as_json=as_json)


def _each(
    where: options.Where,
    media_ids: Sequence[uuid.UUID],
    act: "Callable[[connect.Library, uuid.UUID], Awaitable[media.Media | None]]",
    *,
    say: "Callable[[uuid.UUID, media.Media | None], str]",
    as_json: bool,
) -> None:
    """Does it with each item and tells of each; one that is not as it must be fails alone, and makes the exit code 1."""
    from ambrotype.cli import connect, exits, output, running
    from ambrotype.core import errors

    async def every() -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        async with connect.library(where) as library:
            for media_id in media_ids:
                try:
                    item = await act(library, media_id)
                except (errors.NotFound, errors.Gone, errors.Conflict, errors.InUse) as problem:
                    detail = {"code": problem.code, "detail": problem.detail}
                    results.append({"id": media_id, "problem": detail})
                    output.say(f"Error: {problem.detail}")
                else:
                    results.append({"id": media_id, "media": item})
                    if not as_json:
                        output.result(say(media_id, item))
        return results

    results = running.run(every())
    if as_json:
        output.json(results)
    if any("problem" in result for result in results):
        raise typer.Exit(exits.FAILED)
