"""Guests: people without an account, until they sign in."""

from typing import Annotated

import typer

from ambrotype.cli import asking, options


@options.reaching
def create(
    where: options.Where,
    *,
    session_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The guest that this old session id stands for.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Makes a guest and shows the token, this once.

    \b
    Example:
      ambrotype guests create
    """
    from ambrotype.cli import output

    made = asking.of(where, lambda library: library.create_guest(session_id=session_id))
    asking.told(made, made.token, as_json=as_json)
    if not as_json:
        output.say(f"It stands for {made.owner} until {output.moment(made.expires_at)}.")


@options.reaching
def link(
    where: options.Where,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The guest's token, gst_….")],
    *,
    as_json: options.Json = False,
) -> None:
    """Makes a guest's library that of --owner, a user, and ends the guest's token.

    \b
    Example:
      ambrotype guests link gst_… --owner user:42
    """
    done = asking.of(where, lambda library: library.link_guest(token))
    asking.told(done, f"{done.owner} has taken over {done.moved} items.", as_json=as_json)
