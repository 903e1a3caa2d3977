"""AWS Signature Version 4 in the query, and the two that are built like it: Google's V4 and Volcengine's TOS.

Facts: docs.aws.amazon.com, "Authenticating Requests: Using Query Parameters"; cloud.google.com, "V4 signing
process". The signature covers the method, so a URL signed for GET is refused for HEAD, as at the vendors.
"""

import dataclasses
import hashlib
import hmac
import secrets
import urllib.parse
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ambrotype.core import errors
from ambrotype.simulator import answers, assets
from ambrotype.simulator.signing import contract, rsa_key

LONGEST = 604_800
"""Seconds: a URL may not live longer than seven days."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SigV4:
    """One dialect: names of parameters, the scope's end, and how the string to sign becomes a signature."""

    name: str
    bucket: str
    prefix: str
    """Of the parameters: `X-Amz-`."""
    algorithm: str
    access_key: str
    scope_end: str
    """Region, service and terminator."""
    mac: Callable[[str, str], str]
    """(day, string to sign) → signature in hex."""
    expired: Callable[[float, float, float], answers.Answer]
    """(seconds the URL was to live, its end, now) → what the vendor says after it."""
    extra_headers: Callable[[assets.Digests | None, assets.Asset], dict[str, str]]
    error_headers: tuple[str, str]

    def sign(self, key: str, *, host: str, method: str, issued: float, ttl: int) -> str:
        if ttl > LONGEST:
            raise errors.InvalidRequest(f"{self.name} URLs live {LONGEST} seconds at most, not {ttl}.")
        date = contract.stamp(issued)
        path = f"/{self.name}/{self.bucket}/{contract.quoted(key)}"
        query = {
            "Algorithm": self.algorithm,
            "Credential": f"{self.access_key}/{date[:8]}/{self.scope_end}",
            "Date": date,
            "Expires": str(ttl),
            "SignedHeaders": "host",
        }
        named = [(self.prefix + name, value) for name, value in query.items()]
        request = contract.Request(method=method, host=host, path=path, query=tuple(named))
        signed = [*named, (self.prefix + "Signature", self._signature(request, date))]
        return f"{path}?{urllib.parse.urlencode(signed, quote_via=urllib.parse.quote)}"

    def check(self, request: contract.Request, *, now: float) -> contract.Grant:
        given = request.get(self.prefix + "Signature")
        date = request.get(self.prefix + "Date") or ""
        issued = contract.parse_stamp(date)
        lifetime = request.get(self.prefix + "Expires") or ""
        if given is None or issued is None or not lifetime.isdecimal() or int(lifetime) > LONGEST:
            raise contract.Refused(self._error(403, "AccessDenied", "Access Denied"))
        # The clock first: an expired URL says so, and is final for whoever asks, even if it was damaged too.
        end = issued + int(lifetime)
        if now >= end:
            raise contract.Refused(self.expired(float(lifetime), end, now))
        scoped = request.get(self.prefix + "Credential") == f"{self.access_key}/{date[:8]}/{self.scope_end}"
        if not scoped or not hmac.compare_digest(given.encode(), self._signature(request, date).encode()):
            raise contract.Refused(self._mismatch())
        prefix = f"/{self.name}/{self.bucket}/"
        if not request.path.startswith(prefix):
            raise contract.Refused(self._error(404, "NoSuchBucket", "The specified bucket does not exist"))
        return contract.Grant(key=urllib.parse.unquote(request.path.removeprefix(prefix)), expires=end)

    def headers(self, asset: assets.Asset, digests: assets.Digests | None, *, whole: bool) -> dict[str, str]:
        return {"ETag": contract.etag_of(asset, digests), **self.extra_headers(digests, asset)}

    def missing(self, key: str) -> answers.Answer:
        return self._error(404, "NoSuchKey", "The specified key does not exist.")

    def _mismatch(self) -> answers.Answer:
        sentence = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method."
        )
        return self._error(403, "SignatureDoesNotMatch", sentence)

    def _error(self, status: int, code: str, message: str) -> answers.Answer:
        header, value = self.error_headers
        return answers.text(status, contract.xml_error(code, message), "application/xml", {header: value})

    def _signature(self, request: contract.Request, date: str) -> str:
        covered = sorted(
            (_encoded(name), _encoded(value)) for name, value in request.query if name != self.prefix + "Signature"
        )
        canonical = "\n".join(
            (
                request.method,
                _encoded(urllib.parse.unquote(request.path), safe="/"),
                "&".join(f"{name}={value}" for name, value in covered),
                f"host:{request.host}\n",
                "host",
                "UNSIGNED-PAYLOAD",
            )
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return self.mac(date[:8], f"{self.algorithm}\n{date}\n{date[:8]}/{self.scope_end}\n{digest}")


def _encoded(text: str, *, safe: str = "") -> str:
    return urllib.parse.quote(text, safe=safe + "-_.~")


def _hmac_chain(secret: str, scope_end: str) -> Callable[[str, str], str]:
    def mac(day: str, text: str) -> str:
        key = secret.encode()
        for part in (day, *scope_end.split("/")):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    return mac


def _rsa(_day: str, text: str) -> str:
    return rsa_key.private().sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()


def _expired_like_s3(prefix: str, header: tuple[str, str]) -> Callable[[float, float, float], answers.Answer]:
    def expired(lifetime: float, end: float, now: float) -> answers.Answer:
        more = {
            prefix + "Expires": f"{lifetime:.0f}",
            "Expires": contract.iso(end),
            "ServerTime": contract.iso(now),
        }
        body = contract.xml_error("AccessDenied", "Request has expired", **more, RequestId=header[1])
        return answers.text(403, body, "application/xml", dict([header]))

    return expired


def _expired_at_google(_lifetime: float, end: float, _now: float) -> answers.Answer:
    details = f"Request signature expired at: {contract.at(end).isoformat()}"
    body = contract.xml_error(
        "ExpiredToken",
        "The provided token has expired.",
        declaration="<?xml version='1.0' encoding='UTF-8'?>",
        Details=details,
    )
    return answers.text(400, body, "application/xml; charset=UTF-8", {"Server": "UploadServer"})


def _s3_headers(_digests: assets.Digests | None, _asset: assets.Asset) -> dict[str, str]:
    return {"Server": "AmazonS3", "x-amz-request-id": "SIMULATED0000001"}


def _tos_headers(_digests: assets.Digests | None, _asset: assets.Asset) -> dict[str, str]:
    return {"Server": "TosServer", "x-tos-request-id": "simulated0000001"}


def _google_headers(digests: assets.Digests | None, asset: assets.Asset) -> dict[str, str]:
    """One comma-joined x-goog-hash; Google sends two lines, which HTTP makes the same."""
    headers = {"Server": "UploadServer", "x-goog-stored-content-length": str(asset.size)}
    if digests is not None:
        crc = f"crc32c={assets.base64_of(digests.crc32c)}," if digests.crc32c is not None else ""
        headers["x-goog-hash"] = f"{crc}md5={assets.base64_of(digests.md5)}"
    return headers


def s3(*, access_key: str = "AKIASIMULATOR0000000", secret: str | None = None) -> SigV4:
    """Amazon S3 and what speaks like it (R2, MinIO, Backblaze)."""
    scope, header = "us-east-1/s3/aws4_request", ("x-amz-request-id", "SIMULATED0000001")
    return SigV4(
        name="s3",
        bucket="renders",
        prefix="X-Amz-",
        algorithm="AWS4-HMAC-SHA256",
        access_key=access_key,
        scope_end=scope,
        mac=_hmac_chain("AWS4" + (secret or secrets.token_hex(20)), scope),
        expired=_expired_like_s3("X-Amz-", header),
        extra_headers=_s3_headers,
        error_headers=header,
    )


def tos() -> SigV4:
    """Volcengine and BytePlus TOS."""
    scope, header = "ap-southeast-1/tos/request", ("x-tos-request-id", "simulated0000001")
    return SigV4(
        name="tos",
        bucket="ark-content-generation",
        prefix="X-Tos-",
        algorithm="TOS4-HMAC-SHA256",
        access_key="AKLTsimulator",
        scope_end=scope,
        mac=_hmac_chain(secrets.token_hex(20), scope),
        expired=_expired_like_s3("X-Tos-", header),
        extra_headers=_tos_headers,
        error_headers=header,
    )


def gcs() -> SigV4:
    """Google Cloud Storage, signed by a service account's RSA key."""
    scope = "auto/storage/goog4_request"
    return SigV4(
        name="gcs",
        bucket="falserverless",
        prefix="X-Goog-",
        algorithm="GOOG4-RSA-SHA256",
        access_key="simulator@ambrotype.iam.gserviceaccount.com",
        scope_end=scope,
        mac=_rsa,
        expired=_expired_at_google,
        extra_headers=_google_headers,
        error_headers=("Server", "UploadServer"),
    )
