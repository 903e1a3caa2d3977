"""Where signing keys come from: AMBROTYPE_SIGNING_KEYS, or a file in the data folder that is made once.

Both have the form `kid:base64`, comma- or line-separated. The first signs, all verify: to change keys put a
new one in front, and drop the old one when the last URL that it signed has run out.
"""

import base64
import binascii
import contextlib
import os
import re
import secrets
from pathlib import Path

from ambrotype.core import errors
from ambrotype.delivery import signing

_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MIN_BYTES = 16


def parse(text: str, *, setting: str = "AMBROTYPE_SIGNING_KEYS") -> tuple[signing.Key, ...]:
    """The keys of `kid:base64,kid2:base64`. Raises `errors.InvalidSetting`, which names the key but never
    shows it."""
    keys: dict[str, signing.Key] = {}
    for number, entry in enumerate(filter(None, re.split(r"[\s,]+", text)), 1):
        kid, colon, encoded = entry.partition(":")
        if not colon or not _KID.fullmatch(kid):
            raise errors.InvalidSetting(
                f"{setting}: key {number} is not of the form kid:base64, "
                "with a kid of at most 32 letters, digits, _ or -."
            )
        if kid in keys:
            raise errors.InvalidSetting(f"{setting}: two keys are called {kid}; give each its own name.")
        keys[kid] = signing.Key(kid, _secret(encoded, f"{setting}: key {kid}"))
    if not keys:
        raise errors.InvalidSetting(f"{setting} holds no key; give at least one as kid:base64.")
    return tuple(keys.values())


def load_or_create(path: Path) -> tuple[signing.Key, ...]:
    """The keys in the file, which is made with one new key, readable by its owner alone, where it is missing.

    Safe when several processes start at once: all get the same key. Raises `errors.InvalidSetting` for a
    broken file.
    """
    try:
        if not path.exists():
            _create(path, f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
        text = path.read_text()
    except OSError as error:
        raise errors.InvalidSetting(
            f"The signing keys in {path} can't be read or made ({error.strerror}); check the folder's owner."
        ) from error
    return parse(text, setting=f"The file {path.name}")


def _secret(encoded: str, what: str) -> bytes:
    text = encoded.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        secret = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise errors.InvalidSetting(f"{what} is not base64; make one with: openssl rand -base64 32") from None
    if len(secret) < _MIN_BYTES:
        raise errors.InvalidSetting(
            f"{what} has {len(secret)} bytes, fewer than {_MIN_BYTES}; make one with: openssl rand -base64 32"
        )
    return secret


def _create(path: Path, text: str) -> None:
    """A link fails where the file is there by now, so the first of several processes wins and none sees half
    a file."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
