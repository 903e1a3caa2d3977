"""A URL taken apart for reading: never raises, and does a bounded amount of work on whatever it is given."""

import dataclasses
import urllib.parse
from collections.abc import Iterator

MOST = 16_384
"""Characters. A longer text is not taken apart; no server takes a request line of that length."""
PAIRS = 256
"""Parameters of a query, and segments of a path, that are looked at."""
PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One parameter: `raw` as written, `label` and `value` percent-decoded, `name` the label in lower
    case."""

    label: str
    name: str
    value: str
    raw: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An http(s) URL: scheme and host in lower case, the default port left out, path and query as written."""

    scheme: str
    userinfo: str | None
    host: str
    port: int | None
    path: str
    query: tuple[Pair, ...] | None
    """None: no `?` at all, which is not the same as an empty query."""
    pairs: tuple[Pair, ...]
    """The first parameters of the query, and those written into the path (`/bcdn_token=…&expires=…/`,
    `/hdntl=…/`)."""

    @property
    def authority(self) -> str:
        """`host` or `host:port`; IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def segments(self) -> list[str]:
        """The first segments of the path, as written."""
        return self.path.split("/", PAIRS)[:PAIRS]

    def values(self, *names: str) -> list[str]:
        """All values of the parameters of these lower-case names, wherever they stand."""
        return [pair.value for pair in self.pairs if pair.name in names]

    def within(self, *domains: str) -> bool:
        """Whether the host is one of these domains, or below one."""
        return any(self.host == domain or self.host.endswith(f".{domain}") for domain in domains)


def parse(url: str) -> Link | None:
    """The URL's parts, or None where it is not an http(s) URL with a host."""
    if len(url) > MOST:
        return None
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not host:
        return None
    userinfo, at, _ = parts.netloc.rpartition("@")
    query = tuple(split(parts.query)) if "?" in url.partition("#")[0] else None
    return Link(
        scheme=parts.scheme,
        userinfo=userinfo if at else None,
        host=host.lower(),
        port=None if port == PORTS[parts.scheme] else port,
        path=parts.path or "/",
        query=query,
        pairs=((query or ())[:PAIRS] + tuple(_inline(parts.path))[:PAIRS]),
    )


def split(query: str, most: int = -1) -> list[Pair]:
    """The parameters of a query in their order. `+` stays `+`: signatures and ISO times hold it literally."""
    return [_pair(raw) for raw in query.split("&", most)] if query else []


def _inline(path: str) -> Iterator[Pair]:
    for segment in path.split("/", PAIRS)[:PAIRS]:
        if "=" in segment:
            yield from split(segment, 8)


def _pair(raw: str) -> Pair:
    name, _, value = raw.partition("=")
    label = urllib.parse.unquote(name)
    return Pair(label=label, name=label.lower(), value=urllib.parse.unquote(value), raw=raw)
