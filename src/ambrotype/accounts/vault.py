"""Secrets that must be read again lie encrypted: whoever has the database alone reads none of them."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography import fernet


def box(secrets: Sequence[bytes], *, purpose: str) -> fernet.MultiFernet:
    """Encrypts with a key derived from the first secret, decrypts with one from any of them; one key a purpose."""
    derived = [hashlib.sha256(f"ambrotype {purpose}\0".encode() + secret).digest() for secret in secrets]
    return fernet.MultiFernet([fernet.Fernet(base64.urlsafe_b64encode(key)) for key in derived])
