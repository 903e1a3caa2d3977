"""Passwords of shares: argon2id, in threads."""

import asyncio

import argon2

_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""19 MiB and two passes (OWASP, Password Storage): a page that anybody may ask must not cost much memory."""


async def digest(password: str) -> str:
    """What is stored instead of the password."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def matches(digest: str, password: str) -> bool:
    """Whether it is this password's."""
    try:
        return await asyncio.to_thread(_HASHER.verify, digest, password)
    except (argon2.exceptions.VerificationError, UnicodeEncodeError):
        return False
