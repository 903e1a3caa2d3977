"""Collections: moodboards and albums."""

import uuid
from typing import Annotated, Literal

import typer

from ambrotype.cli import asking, options

Collection = Annotated[uuid.UUID, typer.Argument(metavar="COLLECTION", help="The collection's id.")]
Item = Annotated[uuid.UUID, typer.Argument(metavar="ITEM", help="The item's id.")]


@options.reaching
def list_(where: options.Where, *, as_json: options.Json = False) -> None:
    """Collections, newest first.

    \b
    Example:
      ambrotype collections list
    """
    found = asking.each(where, lambda library: library.collections())
    asking.show(
        found, ("id", "name", "items", "visibility"),
        lambda one: (str(one.id), one.name, f"{one.count:,}", one.visibility),
        grows="name", whole=("id",), as_json=as_json,
    )  # fmt: skip


@options.reaching
def create(
    where: options.Where,
    name: Annotated[str, typer.Argument(help="What it is called.")],
    *,
    description: Annotated[str | None, typer.Option(help="What it is about.")] = None,
    visibility: Annotated[
        Literal["private", "unlisted", "public"], typer.Option(help="Who may open it by its address.")
    ] = "private",
    as_json: options.Json = False,
) -> None:
    """Makes an empty collection and prints its id.

    \b
    Example:
      ambrotype collections create Foxes
    """
    made = asking.of(
        where,
        lambda library: library.create_collection(name, description=description, visibility=visibility),
    )
    asking.told(made, str(made.id), as_json=as_json)


@options.reaching
def items(where: options.Where, collection: Collection, *, as_json: options.Json = False) -> None:
    """What lies in a collection, in order.

    \b
    Example:
      ambrotype collections items 01a2b3c4-…
    """
    found = asking.each(where, lambda library: library.collection_items(collection))
    asking.show(
        found, ("id", "kind", "name", "note", "url"),
        lambda one: (str(one.media.id), one.media.kind, one.media.name, one.note or "", one.media.url),
        grows="url", whole=("id",), as_json=as_json,
    )  # fmt: skip


@options.reaching
def add(
    where: options.Where,
    collection: Collection,
    item: Item,
    *,
    note: Annotated[str | None, typer.Option(help="A note beside the item.")] = None,
    before: Annotated[uuid.UUID | None, typer.Option(metavar="ID", help="Put it before this item.")] = None,
    after: Annotated[uuid.UUID | None, typer.Option(metavar="ID", help="Put it behind this item.")] = None,
    as_json: options.Json = False,
) -> None:
    """Puts an item into a collection, or moves it there.

    \b
    Example:
      ambrotype collections add 01a2b3c4-… 01d5e6f7-… --note "for the cover"
    """
    put = asking.of(where, lambda library: library.collect(collection, item, note=note, before=before, after=after))
    asking.told(put, f"{item} lies in {collection}.", as_json=as_json)


@options.reaching
def take(where: options.Where, collection: Collection, item: Item, *, as_json: options.Json = False) -> None:
    """Takes an item out of a collection; it stays in the library.

    \b
    Example:
      ambrotype collections take 01a2b3c4-… 01d5e6f7-…
    """
    asking.of(where, lambda library: library.uncollect(collection, item))
    asking.told({"id": collection, "taken": item}, f"{item} was taken out of {collection}.", as_json=as_json)


@options.reaching
def rm(where: options.Where, collection: Collection, *, as_json: options.Json = False) -> None:
    """Removes a collection; what lies in it stays in the library.

    \b
    Example:
      ambrotype collections rm 01a2b3c4-…
    """
    asking.of(where, lambda library: library.delete_collection(collection))
    asking.told({"id": collection, "removed": True}, f"Removed {collection}.", as_json=as_json)
