"""What `generate` and `providers` do with their options, and how they show what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ambrotype.cli import output
from ambrotype.core import errors, generation, ids


def settings(given: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` pairs; a value that is JSON is read as such."""
    found: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise errors.InvalidRequest(f"--set takes NAME=VALUE, not {pair[:60]!r}.")
        try:
            found[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name] = value
    return found


def inputs(given: Sequence[str]) -> list[dict[str, str]]:
    """`ROLE=ID` or `ROLE=URL`, or without a role."""
    found = []
    for one in given:
        role, equals, what = one.partition("=")
        if not equals or "/" in role:
            role, what = "reference", one
        found.append({"id" if ids.parse(what) else "url": what, "role": role})
    return found


def said(fields: Mapping[str, Any]) -> Any:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def tell(made: generation.Generation) -> None:
    """Its outputs' URLs on stdout; what is to be known of it beside that."""
    console = output.console()
    if made.error is not None:
        console.print(f"{made.status}: {made.error.detail} ({made.error.code})", soft_wrap=True)
    elif not made.outputs:
        console.print(f"{made.id}  {made.status}")
    for one in made.outputs:
        console.print(one.url, soft_wrap=True)
