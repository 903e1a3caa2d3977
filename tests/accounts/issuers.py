"""Issuers of users' tokens: key pairs, and a server on loopback that publishes them."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp.web
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import algorithms

SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"
"""Supabase's own example of one."""


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a Supabase access token; None takes one away."""
    now = int(time.time())
    every = {
        "iss": "https://project.supabase.co/auth/v1",
        "sub": "7c9f2a1e-0d5b-4f0e-9a57-8d7f3f5f2b11",
        "aud": "authenticated",
        "exp": now + 3600,
        "iat": now,
        "email": "fox@example.com",
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {},
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now}],
        "session_id": "0b1c0f8e-5c55-4a55-9d39-6b9f8c1f7d6e",
        "is_anonymous": False,
        **changed,
    }
    return {name: value for name, value in every.items() if value is not None}


def token(
    secret: str = SECRET, *, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changed: Any
) -> str:
    """A token signed with a shared secret."""
    return jwt.encode(claims(**changed), secret, algorithm, headers=headers)


class Pair:
    """A key pair that signs tokens."""

    def __init__(self, kid: str | None, algorithm: str = "ES256", *, bits: int = 2048) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.private: Any = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "RS256": lambda: rsa.generate_private_key(65537, bits),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()

    def jwk(self, **changed: Any) -> dict[str, Any]:
        """The public half, as it is published."""
        kind: Any = {
            "ES256": algorithms.ECAlgorithm, "RS256": algorithms.RSAAlgorithm, "EdDSA": algorithms.OKPAlgorithm
        }[self.algorithm]  # fmt: skip
        found = json.loads(kind.to_jwk(self.private.public_key())) | {"use": "sig", "alg": self.algorithm}
        return {**found, **({"kid": self.kid} if self.kid else {}), **changed}

    def token(self, **changed: Any) -> str:
        return jwt.encode(
            claims(**changed), self.private, self.algorithm, headers={"kid": self.kid} if self.kid else None
        )


class Published:
    """What the server answers, and how often it was asked."""

    def __init__(self, *pairs: Pair) -> None:
        self.keys: list[dict[str, Any]] = [pair.jwk() for pair in pairs]
        self.body: bytes | None = None
        self.down = False
        self.asked = 0
        self.url = ""

    async def _answer(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        self.asked += 1
        if self.down:
            return aiohttp.web.Response(status=503)
        return aiohttp.web.Response(body=self.body or json.dumps({"keys": self.keys}).encode())


@contextlib.asynccontextmanager
async def published(*pairs: Pair) -> AsyncIterator[Published]:
    """A server that publishes these keys."""
    found = Published(*pairs)
    app = aiohttp.web.Application()
    app.router.add_get("/auth/v1/.well-known/jwks.json", found._answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = runner.addresses[0][1]
    found.url = f"http://127.0.0.1:{port}/auth/v1/.well-known/jwks.json"
    try:
        yield found
    finally:
        await runner.cleanup()
