"""How the vendors sign webhooks. A forged one carries a signature of the right form by another key."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519


def secret() -> str:
    """As Standard Webhooks write it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def standard(*, secret: str, id: str, stamp: int, body: bytes) -> Mapping[str, str]:
    """Standard Webhooks: OpenAI, Replicate. A secret without `whsec_` is taken as it is."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    mac = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return _headers(id, stamp, "v1," + base64.b64encode(mac).decode())


def wavespeed(*, secret: str, id: str, stamp: int, body: bytes) -> Mapping[str, str]:
    """WaveSpeed's variant: version 3, hex, and the text behind `whsec_` is the key itself, not its base64."""
    key = secret.removeprefix("whsec_").encode()
    mac = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return _headers(id, stamp, f"v3,{mac}")


def _headers(id: str, stamp: int, signature: str) -> Mapping[str, str]:
    return {"webhook-id": id, "webhook-timestamp": str(stamp), "webhook-signature": signature}


def fal(*, secret: str, id: str, stamp: int, body: bytes) -> Mapping[str, str]:
    """fal.ai: Ed25519 over four lines. `secret` is the private key in hex."""
    user = "simulated-user"
    text = "\n".join((id, user, str(stamp), hashlib.sha256(body).hexdigest()))
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    return {
        "X-Fal-Webhook-Request-Id": id,
        "X-Fal-Webhook-User-Id": user,
        "X-Fal-Webhook-Timestamp": str(stamp),
        "X-Fal-Webhook-Signature": key.sign(text.encode()).hex(),
    }


def jwks(private: str) -> dict[str, Any]:
    """The public half of fal's key, as its JWKS document."""
    key = {"kty": "OKP", "crv": "Ed25519", "x": public(private), "use": "sig", "alg": "EdDSA", "kid": "simulated"}
    return {"keys": [key]}


def public(private: str) -> str:
    """The public half of fal's key, base64url without padding."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private)).public_key()
    return base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode()


def none(*, secret: str, id: str, stamp: int, body: bytes) -> Mapping[str, str]:
    """Ark does not sign."""
    return {}
