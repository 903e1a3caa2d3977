"""Shares: links that show things to people without an account."""

import datetime
import uuid
from typing import Annotated, Any

import typer

from ambrotype.cli import asking, options

Share = Annotated[uuid.UUID, typer.Argument(metavar="SHARE", help="The share's id, from `ambrotype shares list`.")]
Until = Annotated[
    datetime.datetime | None,
    typer.Option("--until", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When it ends, in this machine's time."),
]
Password = Annotated[str | None, typer.Option(help="A password that the page asks for; - reads it from stdin.")]


@options.reaching
def list_(where: options.Where, *, as_json: options.Json = False) -> None:
    """Shares, newest first, revoked ones too.

    \b
    Example:
      ambrotype shares list
    """
    found = asking.each(where, lambda library: library.shares())
    columns = ("id", "shows", "views", "state", "url")
    asking.show(found, columns, _cells, grows="url", whole=("id",), as_json=as_json)


@options.reaching
def create(
    where: options.Where,
    item: Annotated[uuid.UUID | None, typer.Argument(metavar="[ITEM]", help="The item to share.")] = None,
    *,
    collection: Annotated[uuid.UUID | None, typer.Option(metavar="ID", help="Share this collection.")] = None,
    project: Annotated[str | None, typer.Option(help="Share a slot of this project …")] = None,
    slot: Annotated[str | None, typer.Option(help="… namely this one.")] = None,
    until: Until = None,
    password: Password = None,
    download: Annotated[bool, typer.Option("--download/--no-download", help="Whether files may be saved.")] = True,
    as_json: options.Json = False,
) -> None:
    """Shares an item, a collection or a slot, and prints the address of its page.

    \b
    Example:
      ambrotype shares create --collection 01a2b3c4-… --until 2027-01-31
    """
    secret = _read(password)
    made = asking.of(
        where,
        lambda library: library.share(
            item, collection=collection, project=project, slot=slot, expires_at=_aware(until), password=secret,
            allow_download=download,
        ),
    )  # fmt: skip
    asking.told(made, made.url or str(made.id), as_json=as_json)


@options.reaching
def edit(
    where: options.Where,
    share: Share,
    *,
    until: Until = None,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="It ends no more by itself.")] = False,
    password: Password = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="It asks for no password.")] = False,
    download: Annotated[
        bool | None, typer.Option("--download/--no-download", help="Whether files may be saved.", show_default=False)
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Changes a share's end, password or downloads; what is not named stays.

    \b
    Example:
      ambrotype shares edit 01a2b3c4-… --no-password --until 2027-01-31
    """
    changes: dict[str, Any] = {}
    if until is not None or for_ever:
        changes["expires_at"] = None if for_ever else _aware(until)
    if password is not None or no_password:
        changes["password"] = None if no_password else _read(password)
    if download is not None:
        changes["allow_download"] = download
    found = asking.of(where, lambda library: library.edit_share(share, **changes))
    asking.told(found, f"Changed {share}.", as_json=as_json)


@options.reaching
def revoke(where: options.Where, share: Share, *, as_json: options.Json = False) -> None:
    """Ends a share at once: its page, and what the page has handed out.

    \b
    Example:
      ambrotype shares revoke 01a2b3c4-…
    """
    found = asking.of(where, lambda library: library.revoke_share(share))
    asking.told(found, f"Revoked {share}.", as_json=as_json)


def _cells(one: Any) -> tuple[str, ...]:
    to = one.target
    shows = f"{to.project}/{to.slot}" if to.slot else "a collection" if to.collection_id else "an item"
    now = datetime.datetime.now(datetime.UTC)
    over = one.expires_at is not None and one.expires_at <= now
    state = "revoked" if one.revoked_at else "over" if over else "open"
    return str(one.id), shows, f"{one.views:,}", state, one.url or "–"


def _aware(at: datetime.datetime | None) -> datetime.datetime | None:
    return at.astimezone() if at is not None else None


def _read(given: str | None) -> str | None:
    import sys

    return sys.stdin.readline().rstrip("\n") if given == "-" else given
