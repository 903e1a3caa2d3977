"""Webhooks as providers sign them, made here by their documents and not by the code under test."""

import base64
import datetime
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import ed25519

from ambrotype.providers import contract

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
MOMENT = str(int(NOW.timestamp()))
RAW = bytes(range(24))
STANDARD = "whsec_" + base64.b64encode(RAW).decode()
FAL = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FAL_PUBLIC = FAL.public_key().public_bytes_raw()


def standard(
    body: bytes, *, key: bytes = RAW, message: str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", extra: str = ""
) -> contract.Hook:
    digest = hmac.new(key, b".".join((message.encode(), MOMENT.encode(), body)), hashlib.sha256).digest()
    headers = {
        "webhook-id": message,
        "webhook-timestamp": MOMENT,
        "webhook-signature": f"{extra}v1,{base64.b64encode(digest).decode()}",
    }
    return contract.Hook(headers=headers, body=body, now=NOW)


def wavespeed(body: bytes, *, secret: str = "whsec_not+base64=at_all") -> contract.Hook:
    key = secret.removeprefix("whsec_").encode()
    digest = hmac.new(key, b".".join((b"evt_1", MOMENT.encode(), body)), hashlib.sha256).hexdigest()
    headers = {"webhook-id": "evt_1", "webhook-timestamp": MOMENT, "webhook-signature": f"v3,{digest}"}
    return contract.Hook(headers=headers, body=body, now=NOW)


def fal(body: bytes, *, key: ed25519.Ed25519PrivateKey = FAL) -> contract.Hook:
    values = ["req-gateway-9", "user-7", MOMENT]
    message = "\n".join([*values, hashlib.sha256(body).hexdigest()]).encode()
    headers = {
        "x-fal-webhook-request-id": values[0],
        "x-fal-webhook-user-id": values[1],
        "x-fal-webhook-timestamp": values[2],
        "x-fal-webhook-signature": key.sign(message).hex(),
    }
    return contract.Hook(headers=headers, body=body, now=NOW)
