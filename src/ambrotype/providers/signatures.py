"""Webhooks that are signed: Standard Webhooks, WaveSpeed's variant of it, and fal's Ed25519. Each over the raw body.

Every check answers False to what is malformed, and takes as long for a wrong signature as for a right one.
"""

import base64
import binascii
import datetime
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import standardwebhooks
from cryptography import exceptions
from cryptography.hazmat.primitives.asymmetric import ed25519

from ambrotype.core import moments
from ambrotype.providers import contract

TOLERANCE = datetime.timedelta(seconds=300)
"""Either way. An older message may be a recorded one."""
PREFIX = "whsec_"
MOST = 16
"""Signatures of one message that are looked at: a sender that changes its key sends two."""


def standard(hook: contract.Hook, secrets: Sequence[bytes]) -> bool:
    """Standard Webhooks, version 1: HMAC-SHA256 of `id.timestamp.body`, base64, one of several signatures.

    A secret is `whsec_` and base64, or else taken as it is (the specification, "Signature scheme").
    """
    message, moment = hook.headers.get("webhook-id"), _fresh(hook, "webhook-timestamp")
    body = _text(hook.body)
    if not message or moment is None or body is None:
        return False
    given = [_base64(text) for text in _versioned(hook, "v1")]
    for secret in filter(None, map(_standard_secret, secrets)):
        made = standardwebhooks.Webhook(secret).sign(message, moment, body).partition(",")[2]
        if any(hmac.compare_digest(base64.b64decode(made), signature) for signature in given if signature):
            return True
    return False


def wavespeed(hook: contract.Hook, secrets: Sequence[bytes]) -> bool:
    """WaveSpeed's `v3`: the same text and HMAC, in hex, and the key is what stands behind `whsec_`, not decoded
    (wavespeed.ai/docs, verify-webhooks)."""
    message, moment = hook.headers.get("webhook-id"), _fresh(hook, "webhook-timestamp")
    if not message or moment is None:
        return False
    signed = f"{message}.{hook.headers['webhook-timestamp'].strip()}.".encode() + hook.body
    given = [text.strip().lower().encode() for text in _versioned(hook, "v3")]
    for secret in secrets:
        key = secret.decode("utf-8", "replace").strip().removeprefix(PREFIX).encode()
        made = hmac.new(key, signed, hashlib.sha256).hexdigest().encode() if key else b""
        if made and any(hmac.compare_digest(made, signature) for signature in given):
            return True
    return False


def fal(hook: contract.Hook, keys: Sequence[bytes]) -> bool:
    """fal's Ed25519 over four lines: request id, user id, timestamp, SHA-256 of the body; any key may have signed
    (docs.fal.ai, webhooks). The keys are the raw 32 bytes."""
    names = ("request-id", "user-id", "timestamp", "signature")
    values = [hook.headers.get(f"x-fal-webhook-{name}", "").strip() for name in names]
    if not all(values) or _fresh(hook, "x-fal-webhook-timestamp") is None:
        return False
    message = "\n".join([*values[:3], hashlib.sha256(hook.body).hexdigest()]).encode()
    try:
        signature = bytes.fromhex(values[3])
    except ValueError:
        return False
    return any(_ed25519(key, signature, message) for key in keys[:MOST])


def jwks(value: Any) -> list[bytes]:
    """The raw Ed25519 keys of a JSON Web Key Set (RFC 8037); others in it are skipped."""
    entries = value.get("keys") if isinstance(value, dict) else None
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and (entry.get("kty"), entry.get("crv")) == ("OKP", "Ed25519"):
            raw = raw_key(entry.get("x"))
            found += [raw] if raw else []
    return found[:MOST]


def raw_key(value: object) -> bytes | None:
    """A 32-byte key written in base64 or base64url."""
    raw = _base64(value.replace("-", "+").replace("_", "/")) if isinstance(value, str) else None
    return raw if raw and len(raw) == 32 else None


def _fresh(hook: contract.Hook, header: str) -> datetime.datetime | None:
    """The message's time, where it is near enough to now."""
    seconds = moments.number(hook.headers.get(header, "").strip())
    moment = moments.epoch(seconds) if seconds is not None and seconds < moments.MILLISECONDS else None
    return moment if moment and abs(hook.now - moment) <= TOLERANCE else None


def _versioned(hook: contract.Hook, version: str) -> list[str]:
    """The signatures of one version among all that the header lists."""
    listed = hook.headers.get("webhook-signature", "").split()[:MOST]
    return [text.partition(",")[2] for text in listed if text.partition(",")[0] == version]


def _standard_secret(secret: bytes) -> bytes | None:
    """Split behind the first underscore only: the rest is base64, whose other alphabet has underscores too."""
    words = _text(secret.strip())
    if words is None or not words.startswith(PREFIX):
        return secret.strip() or None
    return _base64(words[len(PREFIX) :].replace("-", "+").replace("_", "/"))


def _base64(text: str) -> bytes | None:
    bare = text.strip().rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (exceptions.InvalidSignature, ValueError):
        return False
    return True
