"""What a style owes the CDN."""

import dataclasses
import datetime
import email.utils
import hashlib
import urllib.parse
from typing import Protocol

from ambrotype.simulator import answers, assets


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What of a request a signature can cover. `path` is as sent, still percent-encoded."""

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The first value of a query parameter; names are case-sensitive, as at the vendors."""
        return next((value for key, value in self.query if key == name), None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grant:
    """A request that may pass: to which key, and until when (epoch seconds; None = for ever)."""

    key: str
    expires: float | None


class Refused(Exception):
    """The request may not pass; `answer` is what the vendor says then."""

    def __init__(self, answer: answers.Answer) -> None:
        super().__init__(f"refused with status {answer.status}")
        self.answer = answer


class Style(Protocol):
    """One way of expiring."""

    @property
    def name(self) -> str:
        """As given to `Simulator.sign`, and the first segment of its URLs' paths."""
        ...

    def sign(self, key: str, *, host: str, method: str, issued: float, ttl: int) -> str:
        """Path and query of a URL that works for `method` from `issued` (epoch seconds) for `ttl` seconds."""
        ...

    def check(self, request: Request, *, now: float) -> Grant:
        """Raises `Refused` where signature or time are wrong."""
        ...

    def headers(self, asset: assets.Asset, digests: assets.Digests | None, *, whole: bool) -> dict[str, str]:
        """ETag, digests and the vendor's own headers; `whole` is False on a 206."""
        ...

    def missing(self, key: str) -> answers.Answer:
        """What the vendor says of a key that is not there."""
        ...


def quoted(key: str) -> str:
    """A key as it stands in a path."""
    return urllib.parse.quote(key, safe="/:=,~!'()*")


def stamp(moment: float) -> str:
    """20261120T174800Z."""
    return at(moment).strftime("%Y%m%dT%H%M%SZ")


def iso(moment: float) -> str:
    """2026-11-20T17:48:00Z."""
    return at(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def http_date(moment: float) -> str:
    """As in Last-Modified."""
    return email.utils.formatdate(moment, usegmt=True)


def at(moment: float) -> datetime.datetime:
    """Epoch seconds as an aware time."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC)


def parse_stamp(text: str) -> float | None:
    """Epoch seconds of a `stamp`, or None."""
    try:
        return datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC).timestamp()
    except ValueError:
        return None


def etag_of(asset: assets.Asset, digests: assets.Digests | None) -> str:
    """The MD5 in hex where there is one; else the form of a multipart object, which is not a digest of the
    whole.
    """
    if digests is not None:
        return f'"{digests.md5.hex()}"'
    name = hashlib.md5(asset.key.encode(), usedforsecurity=False).hexdigest()
    return f'"{name}-{-(-asset.size // (8 * 2**20))}"'


def xml_error(
    code: str, message: str, *, declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n', **more: str
) -> str:
    """The `<Error>` document that S3 began and others took over. `more` are further elements, in order."""
    elements = {"Code": code, "Message": message, **more}
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    return f"{declaration}<Error>{inside}</Error>"
