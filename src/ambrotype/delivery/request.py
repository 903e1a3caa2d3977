"""A GET or HEAD of a permanent URL, read from an ASGI scope."""

import dataclasses
import urllib.parse
from collections.abc import Mapping

from ambrotype.core import errors
from ambrotype.delivery import asgi, signing

TRANSFORM = ("w", "h", "fit", "format", "q", "rendition")
"""Parameters that ask for a derived file instead of the original."""

_KNOWN = {*signing.COVERED, "exp", "kid", "sig"}
_MAX_PARAMETERS = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked."""

    method: str
    headers: Mapping[str, str]
    """Names in lower case; a repeated header's values joined by a comma (RFC 9110, section 5.3)."""
    query: Mapping[str, str]
    """The parameters that mean something here."""

    @property
    def download(self) -> bool:
        return self.query.get("download") == "1"

    @property
    def transform(self) -> Mapping[str, str]:
        """The parameters that ask for a derived file; empty = the original."""
        return {name: self.query[name] for name in TRANSFORM if name in self.query}


def read(scope: asgi.Scope) -> Request:
    """Raises `errors.InvalidRequest` where a parameter that means something is given twice: no signature
    could cover it."""
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return Request(method=scope["method"], headers=headers, query=_query(scope.get("query_string", b"")))


def _query(raw: bytes) -> Mapping[str, str]:
    if not raw:
        return {}
    try:
        pairs = urllib.parse.parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise errors.InvalidRequest(f"The query has more than {_MAX_PARAMETERS} parameters; drop some.") from None
    query: dict[str, str] = {}
    for name, value in pairs:
        if name in query:
            raise errors.InvalidRequest(f"The parameter {name} is given twice; give it once.")
        if name in _KNOWN:
            query[name] = value
    return query
