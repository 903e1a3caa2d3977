"""Azure Blob Storage: a service SAS for one blob, signed with the account key.

Facts: learn.microsoft.com, "Create a service SAS", string to sign of version 2020-12-06 and later. The method
is not covered: `sp=r` permits GET and HEAD alike.
"""

import base64
import datetime
import hashlib
import hmac
import secrets
import urllib.parse

from ambrotype.simulator import answers, assets
from ambrotype.simulator.signing import contract

ACCOUNT = "oaidalleapiprodscus"
CONTAINER = "private"
VERSION = "2024-08-04"
_RESPONSE_HEADERS = ("rscc", "rscd", "rsce", "rscl", "rsct")


class Azure:
    """`se`, `sp`, `sr`, `sv`, `sig` and friends."""

    name = "azure"

    def __init__(self) -> None:
        self._key = secrets.token_bytes(64)

    def sign(self, key: str, *, host: str, method: str, issued: float, ttl: int) -> str:
        fields = {
            "st": contract.iso(issued),
            "se": contract.iso(int(issued) + ttl),
            "sp": "r",
            "spr": "https,http",
            "sv": VERSION,
            "sr": "b",
        }
        path = f"/{self.name}/{ACCOUNT}/{CONTAINER}/{contract.quoted(key)}"
        request = contract.Request(method=method, host=host, path=path, query=tuple(fields.items()))
        return f"{path}?{urllib.parse.urlencode({**fields, 'sig': self._signature(request)})}"

    def check(self, request: contract.Request, *, now: float) -> contract.Grant:
        given = request.get("sig") or ""
        if not hmac.compare_digest(given.encode(), self._signature(request).encode()):
            raise contract.Refused(_failed(now, "Signature did not match."))
        begin, end = _moment(request.get("st")), _moment(request.get("se"))
        if end is None or (begin or 0.0) > now or now >= end or "r" not in (request.get("sp") or ""):
            frame = f"Start [{contract.http_date(begin or 0)}] - Expiry [{contract.http_date(end or 0)}]"
            detail = f"Signature not valid in the specified time frame: {frame}"
            detail += f" - Current [{contract.http_date(now)}]"
            raise contract.Refused(_failed(now, detail))
        key = request.path.removeprefix(f"/{self.name}/{ACCOUNT}/{CONTAINER}/")
        return contract.Grant(key=urllib.parse.unquote(key), expires=end)

    def headers(self, asset: assets.Asset, digests: assets.Digests | None, *, whole: bool) -> dict[str, str]:
        """The MD5 of the blob moves to another header in an answer that holds a part of it."""
        name = hashlib.sha256(contract.etag_of(asset, digests).encode()).hexdigest()[:15].upper()
        headers = {"ETag": f'"0x{name}"', "Server": "Windows-Azure-Blob/1.0", "x-ms-version": VERSION}
        if digests is not None:
            headers["Content-MD5" if whole else "x-ms-blob-content-md5"] = assets.base64_of(digests.md5)
        return headers

    def missing(self, key: str) -> answers.Answer:
        message = "The specified blob does not exist."
        body = contract.xml_error("BlobNotFound", message, declaration='<?xml version="1.0" encoding="utf-8"?>')
        return answers.text(404, body, "application/xml", {"x-ms-error-code": "BlobNotFound"})

    def _signature(self, request: contract.Request) -> str:
        blob = urllib.parse.unquote(request.path.removeprefix(f"/{self.name}/"))
        value = dict(request.query)
        lines = [value.get("sp", ""), value.get("st", ""), value.get("se", ""), f"/blob/{blob}"]
        lines += [value.get(name, "") for name in ("si", "sip", "spr", "sv", "sr", "snapshot", "ses")]
        lines += [value.get(name, "") for name in _RESPONSE_HEADERS]
        return base64.b64encode(hmac.digest(self._key, "\n".join(lines).encode(), "sha256")).decode()


def _moment(text: str | None) -> float | None:
    """Epoch seconds of an ISO 8601 time; a date alone is its midnight."""
    try:
        parsed = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)).timestamp()


def _failed(now: float, detail: str) -> answers.Answer:
    message = (
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
        "correctly including the signature.\nRequestId:00000000-0000-0000-0000-000000000001\n"
        f"Time:{contract.iso(now)}"
    )
    body = contract.xml_error(
        "AuthenticationFailed",
        message,
        declaration='\ufeff<?xml version="1.0" encoding="utf-8"?>',
        AuthenticationErrorDetail=detail,
    )
    headers = {"Server": "Microsoft-HTTPAPI/2.0", "x-ms-error-code": "AuthenticationFailed"}
    return answers.text(403, body, "application/xml", headers)
