"""Faults of the status: refusals, and redirects that lead astray."""

import http

from ambrotype.core import errors
from ambrotype.simulator import answers, exchange

_ELSEWHERE = {
    "private": "http://10.0.0.1/secret.jpeg",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "ftp": "ftp://127.0.0.1/picture.jpeg",
    "file": "file:///etc/hostname",
}


def status(of: exchange.Exchange, *, code: int = 503, retry_after: int = -1) -> answers.Answer:
    """Status `code` (403, 404, 410, 429, 500, 503, …), with Retry-After where `retry_after` ≥ 0."""
    if code not in http.HTTPStatus.__members__.values() or code < 400:
        raise errors.InvalidRequest(f"No error status {code}: use one from 400 to 599.")
    more = {"Retry-After": str(retry_after)} if retry_after >= 0 else {}
    return answers.text(code, f"{http.HTTPStatus(code).phrase}\n", "text/plain; charset=utf-8", more)


def redirect(of: exchange.Exchange, *, hops: int = 1, to: str = "self", code: int = 302) -> answers.Answer:
    """`hops` redirects, then the file; or `to` = loop, host, private, metadata, ftp, file, or any URL."""
    if code not in (301, 302, 303, 307, 308):
        raise errors.InvalidRequest(f"No redirect has the status {code}: use 301, 302, 303, 307 or 308.")
    location = _location(of, hops=hops, to=to, code=code)
    return answers.text(code, "", "text/plain", {"Location": location})


def _location(of: exchange.Exchange, *, hops: int, to: str, code: int) -> str:
    if to in _ELSEWHERE:
        return _ELSEWHERE[to]
    if to == "loop":
        return of.link(f"fault/redirect:to=loop:code={code}/{of.asset.key}")
    if to == "host":
        return of.link(of.asset.key, host=_other_name(of.host))
    if to != "self":
        return to
    if hops > 1:
        return of.link(f"fault/redirect:hops={hops - 1}:code={code}/{of.asset.key}")
    return of.link(of.asset.key)


def _other_name(host: str) -> str:
    """The same server under another name."""
    name, colon, port = host.partition(":")
    return ("127.0.0.1" if name == "localhost" else "localhost") + colon + port
