"""Amazon CloudFront: a policy signed with RSA and SHA-1, canned (`Expires`) or custom (`Policy`).

Facts: docs.aws.amazon.com, CloudFront developer guide, "Create a signed URL using a canned policy" and "… a
custom policy". Base64 with `+ = /` replaced by `- _ ~`. An expired URL and a wrong signature get the same
answer.
"""

import base64
import binascii
import dataclasses
import fnmatch
import json
import urllib.parse

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ambrotype.simulator import answers, assets
from ambrotype.simulator.signing import contract, rsa_key

KEY_PAIR = "KSIMULATOR0001"
_OWN = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")


def policy(resource: str, end: int) -> bytes:
    """The canned policy; CloudFront rebuilds it byte by byte, so there is no white space in it."""
    condition = {"DateLessThan": {"AWS:EpochTime": end}}
    return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}, separators=(",", ":")).encode()


def sign_bytes(data: bytes) -> bytes:
    """RSA PKCS #1 v1.5 over SHA-1: what CloudFront asks for."""
    return rsa_key.private().sign(data, padding.PKCS1v15(), hashes.SHA1())


def _genuine(data: bytes, signature: bytes) -> bool:
    try:
        rsa_key.private().public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA1())
    except exceptions.InvalidSignature:
        return False
    return True


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


def _unpacked(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")), validate=True)
    except (binascii.Error, ValueError):
        return None


@dataclasses.dataclass(frozen=True)
class _CloudFront:
    name: str

    def headers(self, asset: assets.Asset, digests: assets.Digests | None, *, whole: bool) -> dict[str, str]:
        return {
            "ETag": contract.etag_of(asset, digests),
            "Server": "AmazonS3",
            "X-Cache": "Miss from cloudfront",
        }

    def missing(self, key: str) -> answers.Answer:
        return _denied()  # an origin that may not be listed does not say what is missing

    def check(self, request: contract.Request, *, now: float) -> contract.Grant:
        """Either form is taken under either name, as CloudFront does."""
        signature = _unpacked(request.get("Signature") or "")
        end = self._end(request, signature or b"", now=now) if request.get("Key-Pair-Id") == KEY_PAIR else None
        if end is None or now >= end:
            raise contract.Refused(_denied())
        return contract.Grant(key=urllib.parse.unquote(request.path.removeprefix(f"/{self.name}/")), expires=end)

    def _end(self, request: contract.Request, signature: bytes, *, now: float) -> float | None:
        rest = [(name, value) for name, value in request.query if name not in _OWN]
        resource = f"http://{request.host}{request.path}" + (f"?{urllib.parse.urlencode(rest)}" if rest else "")
        packed = request.get("Policy")
        if packed is not None:
            document = _unpacked(packed)
            return _custom_end(document, resource, now=now) if document and _genuine(document, signature) else None
        expires = request.get("Expires") or ""
        if not expires.isdecimal() or not _genuine(policy(resource, int(expires)), signature):
            return None
        return float(expires)


def _custom_end(document: bytes, resource: str, *, now: float) -> float | None:
    """When a genuine policy ends, or None where it does not cover the resource, or not yet."""
    try:
        statement = json.loads(document)["Statement"][0]
        conditions = statement["Condition"]
        begin = conditions.get("DateGreaterThan", {}).get("AWS:EpochTime", 0)
        end = float(conditions["DateLessThan"]["AWS:EpochTime"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    covered = fnmatch.fnmatchcase(resource, str(statement.get("Resource", "*")))
    return end if covered and now >= begin else None


def _denied() -> answers.Answer:
    headers = {"Server": "CloudFront", "X-Cache": "Error from cloudfront"}
    return answers.text(403, contract.xml_error("AccessDenied", "Access denied"), "text/xml", headers)


class Canned(_CloudFront):
    """`Expires`, `Signature`, `Key-Pair-Id`."""

    def __init__(self) -> None:
        super().__init__(name="cloudfront")

    def sign(self, key: str, *, host: str, method: str, issued: float, ttl: int) -> str:
        path, end = f"/{self.name}/{contract.quoted(key)}", int(issued) + ttl
        signature = sign_bytes(policy(f"http://{host}{path}", end))
        return f"{path}?Expires={end}&Signature={_packed(signature)}&Key-Pair-Id={KEY_PAIR}"


class Custom(_CloudFront):
    """`Policy`, `Signature`, `Key-Pair-Id`; the policy covers whatever begins with the path."""

    def __init__(self) -> None:
        super().__init__(name="cloudfront-policy")

    def sign(self, key: str, *, host: str, method: str, issued: float, ttl: int) -> str:
        path = f"/{self.name}/{contract.quoted(key)}"
        document = policy(f"http://{host}{path}*", int(issued) + ttl)
        signature = sign_bytes(document)
        return f"{path}?Policy={_packed(document)}&Signature={_packed(signature)}&Key-Pair-Id={KEY_PAIR}"
