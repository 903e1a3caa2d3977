"""Ambrotype: the permanent home of generated media.

    async with ambrotype.open("media/") as library:          # embedded: no server needed
        item = await library.keep("https://…/out.png", prompt="a fox")
        print(item.url)                                       # permanent, at once

    client = ambrotype.Client("https://media.example.com", key="amb_…")   # the same verbs over HTTP; also AsyncClient

Everything is loaded when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ambrotype.client.asynchronous import AsyncClient
    from ambrotype.client.blocking import Client
    from ambrotype.core import errors
    from ambrotype.core.errors import AmbrotypeError
    from ambrotype.core.generation import Generation, Provider
    from ambrotype.core.keys import Key, NewKey
    from ambrotype.core.media import AtRisk, Event, Inspection, Lost, Media, Parent, Provenance
    from ambrotype.core.rewriting import Left, Replaced, Rewritten
    from ambrotype.fields import KeepFields
    from ambrotype.local import Library, open
    from ambrotype.paging import Listed

    __version__: str

_PLACES = {
    "AmbrotypeError": "core.errors",
    "AsyncClient": "client.asynchronous",
    "AtRisk": "core.media",
    "Client": "client.blocking",
    "Event": "core.media",
    "Generation": "core.generation",
    "Inspection": "core.media",
    "KeepFields": "fields",
    "Key": "core.keys",
    "Left": "core.rewriting",
    "Library": "local",
    "Listed": "paging",
    "Lost": "core.media",
    "Media": "core.media",
    "NewKey": "core.keys",
    "Parent": "core.media",
    "Provenance": "core.media",
    "Provider": "core.generation",
    "Replaced": "core.rewriting",
    "Rewritten": "core.rewriting",
    "open": "local",
}
"""Where each name of the public face is defined."""

__all__ = [
    "AmbrotypeError",
    "AsyncClient",
    "AtRisk",
    "Client",
    "Event",
    "Generation",
    "Inspection",
    "KeepFields",
    "Key",
    "Left",
    "Library",
    "Listed",
    "Lost",
    "Media",
    "NewKey",
    "Parent",
    "Provenance",
    "Provider",
    "Replaced",
    "Rewritten",
    "errors",
    "open",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("ambrotype")
    if name == "errors":
        found: Any = importlib.import_module("ambrotype.core.errors")
    elif name in _PLACES:
        found = getattr(importlib.import_module(f"ambrotype.{_PLACES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
