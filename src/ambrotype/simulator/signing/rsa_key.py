"""The RSA key of this process, for the two vendors that sign with one. Made at first use, kept nowhere."""

import functools

from cryptography.hazmat.primitives.asymmetric import rsa


@functools.cache
def private() -> rsa.RSAPrivateKey:
    """2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
