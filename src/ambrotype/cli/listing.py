"""`ambrotype ls`: what is there, narrowed."""

import datetime
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ambrotype.cli import options

if TYPE_CHECKING:
    from ambrotype.core import media

_NARROW = 84
"""Columns of a terminal below which only the most important columns of the list are shown."""
_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]

_Texts = list[str] | None
_Ids = list[uuid.UUID] | None
_Moment = datetime.datetime | None


def _some(help_: str, metavar: str = "TEXT", *names: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=f"{help_} Repeat for more.", show_default=False)


@options.reaching
def ls(
    where: options.Where,
    *,
    q: Annotated[
        str | None, typer.Option("--search", "--q", metavar="WORDS", help='Words; "a phrase", -not, prefix*.')
    ] = None,
    status: Annotated[
        _Texts, typer.Option(metavar="temporary|keeping|kept|lost|expired", help="Repeat for more.  [kept and keeping]")
    ] = None,
    kind: Annotated[_Texts, typer.Option(metavar="image|video|audio", help="Repeat for more.")] = None,
    source: Annotated[_Texts, _some("Where it comes from.", "upload|generation|enhanced|stock")] = None,
    enhancement: Annotated[_Texts, _some("What was done to it.")] = None,
    provider: Annotated[_Texts, _some("Who made it.")] = None,
    model: Annotated[_Texts, _some("Which model made it.")] = None,
    project: Annotated[_Texts, _some("In this project.")] = None,
    slot: Annotated[_Texts, _some("In this slot.")] = None,
    collection: Annotated[_Ids, _some("In this collection.", "ID")] = None,
    tag: Annotated[_Texts, _some("With this tag, any of several.")] = None,
    all_tags: Annotated[_Texts, _some("With this tag, all of several.", "TEXT", "--all-tags")] = None,
    favorite: Annotated[bool | None, typer.Option("--favorite/--no-favorite", help="Favourites, or none.")] = None,
    visibility: Annotated[_Texts, _some("Who may see it.", "private|unlisted|public")] = None,
    content_type: Annotated[_Texts, _some("Its type, such as image/png.")] = None,
    since: Annotated[_Moment, typer.Option(formats=_MOMENTS, help="Made then or later.")] = None,
    until: Annotated[_Moment, typer.Option(formats=_MOMENTS, help="Made before.")] = None,
    min_size: Annotated[int | None, typer.Option(min=0, help="Bytes.")] = None,
    max_size: Annotated[int | None, typer.Option(min=0, help="Bytes.")] = None,
    min_width: Annotated[int | None, typer.Option(min=0, help="Pixels.")] = None,
    max_width: Annotated[int | None, typer.Option(min=0, help="Pixels.")] = None,
    min_duration: Annotated[float | None, typer.Option(min=0, help="Seconds.")] = None,
    max_duration: Annotated[float | None, typer.Option(min=0, help="Seconds.")] = None,
    similar_to: Annotated[uuid.UUID | None, typer.Option(metavar="ID", help="Looks nearly like this item.")] = None,
    source_url: Annotated[_Texts, _some("Kept from this URL.", "URL")] = None,
    sha256: Annotated[_Texts, _some("With these bytes.", "HEX")] = None,
    request_id: Annotated[_Texts, _some("Of this job of a provider.")] = None,
    parent: Annotated[_Ids, _some("Made from this item.", "ID")] = None,
    trashed: Annotated[bool, typer.Option("--trashed", help="What lies in the trash instead.")] = False,
    sort: Annotated[
        Literal["-created_at", "created_at", "-size", "size", "title", "source_expires_at", "relevance"],
        typer.Option(help="- is descending; relevance goes with --search."),
    ] = "-created_at",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: options.Json = False,
) -> None:
    """Lists what is there, newest first. Different filters must all hold.

    Times without a zone are the local ones.

    \b
    Examples:
      ambrotype ls --kind video --sort -size
      ambrotype ls --search 'fox -snow' --tag film --since 2026-01-31
      ambrotype ls --status lost --json --limit 1000 | jq -r '.[].lost.detail'
    """
    from ambrotype.cli import connect, output, running

    chosen: dict[str, Any] = {  # texts: what they may be, the library says
        "q": q, "status": status, "kind": kind, "source": source, "enhancement": enhancement, "provider": provider,
        "model": model, "project": project, "slot": slot, "collection": collection, "tag": tag, "all_tags": all_tags,
        "favorite": favorite, "visibility": visibility, "content_type": content_type,
        "created_after": since.astimezone() if since else None, "created_before": until.astimezone() if until else None,
        "min_size": min_size, "max_size": max_size, "min_width": min_width, "max_width": max_width,
        "min_duration": min_duration, "max_duration": max_duration, "similar_to": similar_to, "source_url": source_url,
        "sha256": sha256, "request_id": request_id, "parent": parent, "trashed": trashed or None,
    }  # fmt: skip

    async def found() -> "list[media.Media]":
        async with connect.library(where) as library:
            return [item async for item in library.list(**chosen, sort=sort, limit=limit)]

    items = running.run(found())
    if as_json:
        output.json(items)
    else:
        _show(items)


def _show(items: "list[media.Media]") -> None:
    from ambrotype.cli import output

    console = output.console()
    rows = [
        {
            "id": str(item.id), "status": item.status, "kind": item.kind, "size": output.size(item.size),
            "age": output.when(item.created_at).removesuffix(" ago"), "name": item.name,
        }
        for item in items
    ]  # fmt: skip
    columns = ("id", "status", "name") if console.width < _NARROW else ("id", "status", "kind", "size", "age", "name")
    console.print(output.table(columns, ([row[name] for name in columns] for row in rows), grows="name", whole=("id",)))
