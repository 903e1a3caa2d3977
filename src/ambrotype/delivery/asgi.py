"""The types of raw ASGI (asgi.readthedocs.io, HTTP spec 2.4): this package knows no framework."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
"""Names in lower case, both sides latin-1."""


def can_pathsend(scope: Scope) -> bool:
    """Whether the server itself sends a file by name (`http.response.pathsend`): no byte of it goes through
    Python."""
    return "http.response.pathsend" in (scope.get("extensions") or {})
