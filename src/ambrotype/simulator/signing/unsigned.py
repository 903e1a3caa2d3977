"""URLs without a signature: a path that cannot be guessed, whose end only the server knows; and a public path
without end.

In the style of replicate.delivery (404 once the file is removed), fal.media (410) and WaveSpeed's CDN (403).
"""

import base64
import dataclasses
import json
import secrets
import urllib.parse

from ambrotype.simulator import answers, assets
from ambrotype.simulator.signing import contract


@dataclasses.dataclass(frozen=True, kw_only=True)
class Token:
    """A register of tokens, in memory: a token of another process, or of none, is not found."""

    name: str
    folder: str
    """What stands before the token: `replicate/xezq`."""
    gone: int
    """Status once the time is over."""
    xml: bool = False
    """An object store answers, with its error document."""
    issued: dict[str, tuple[str, float]] = dataclasses.field(default_factory=dict)
    """Token → key and end."""

    def sign(self, key: str, *, host: str, method: str, issued: float, ttl: int) -> str:
        token = secrets.token_urlsafe(24)
        self.issued[token] = (key, issued + ttl)
        return f"/{self.folder}/{token}/{contract.quoted(key)}"

    def check(self, request: contract.Request, *, now: float) -> contract.Grant:
        token, _, path = request.path.removeprefix(f"/{self.folder}/").partition("/")
        key, end = self.issued.get(token, ("", 0.0))
        if not key or urllib.parse.unquote(path) != key:
            raise contract.Refused(self.missing(path))
        if now >= end:
            raise contract.Refused(self._answer(self.gone))
        return contract.Grant(key=key, expires=end)

    def headers(self, asset: assets.Asset, digests: assets.Digests | None, *, whole: bool) -> dict[str, str]:
        return {"ETag": contract.etag_of(asset, digests), "Cache-Control": "public, max-age=3600"}

    def missing(self, key: str) -> answers.Answer:
        return self._answer(403 if self.xml else 404)

    def _answer(self, status: int) -> answers.Answer:
        if self.xml:
            return answers.text(status, contract.xml_error("AccessDenied", "Access Denied"), "application/xml")
        return answers.text(status, json.dumps({"detail": "File not found"}), "application/json")


def replicate() -> Token:
    """replicate.delivery."""
    return Token(name="replicate", folder="replicate/xezq", gone=404)


def fal() -> Token:
    """v3.fal.media."""
    return Token(name="fal", folder="fal/files/koala", gone=410)


def wavespeed() -> Token:
    """The CDN before WaveSpeed's bucket: what is not there is denied, as S3 does to those who may not list."""
    return Token(name="wavespeed", folder="wavespeed/predictions", gone=403, xml=True)


class Public:
    """No expiry and no secret: `/public/` and the key. Sends the digests that RFC 9530 defines."""

    name = "public"

    def sign(self, key: str, *, host: str, method: str, issued: float, ttl: int) -> str:
        return f"/{self.name}/{contract.quoted(key)}"

    def check(self, request: contract.Request, *, now: float) -> contract.Grant:
        return contract.Grant(key=urllib.parse.unquote(request.path.removeprefix(f"/{self.name}/")), expires=None)

    def headers(self, asset: assets.Asset, digests: assets.Digests | None, *, whole: bool) -> dict[str, str]:
        headers = {"ETag": contract.etag_of(asset, digests), "Cache-Control": "public, max-age=86400"}
        if digests is not None:
            headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(digests.sha256).decode()}:"
            if whole:
                headers["Content-MD5"] = assets.base64_of(digests.md5)
        return headers

    def missing(self, key: str) -> answers.Answer:
        return answers.text(404, "Not found\n", "text/plain; charset=utf-8")
