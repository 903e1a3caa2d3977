"""Ids as the vendors make them."""

import secrets
import time


def short(prefix: str) -> str:
    """`video_3f…`."""
    return f"{prefix}_{secrets.token_hex(16)}"


def task() -> str:
    """Ark's: `cgt-20261120215900-x7k2p`."""
    tail = "".join(secrets.choice("23456789abcdefghjkmnpqrstvwxyz") for _ in range(5))
    return f"cgt-{time.strftime('%Y%m%d%H%M%S')}-{tail}"
