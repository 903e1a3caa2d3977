"""JSON as generators write it: NaN and Infinity, anything around it, anything in it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ambrotype.core.recipes.recipe import Text

MOST = 1 << 20
"""Characters that are parsed at all."""


def value(text: str) -> Any:
    """What the text holds, or None if that is no JSON; too deep and too large count as none."""
    if len(text) > MOST or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def mapping(text: str) -> dict[str, Any] | None:
    """The same where it is an object."""
    found = value(text)
    return found if isinstance(found, dict) else None


def first(texts: Sequence[Text], *names: str) -> dict[str, Any] | None:
    """The object of the first text that is called so and holds one."""
    found = (mapping(one.text) for name in names for one in texts if one.name == name)
    return next((one for one in found if one is not None), None)


def under(found: object, *path: str) -> Any:
    """What lies there, or None."""
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def some(found: Mapping[str, Any], *names: str) -> Any:
    """The first of these that is there and not empty."""
    return next((found[name] for name in names if found.get(name) not in (None, "")), None)
