"""Signed URLs: whoever holds one may see this item, in this form, until it runs out.

The signature is HMAC-SHA-256 over the canonical message, base64url without padding. The message is one line
`key=value` for the item's `id` and each covered parameter of the query that is present, `exp` and `kid`
among them, sorted by key and joined by a newline (none at the end), values percent-encoded except for
letters, digits and `_.-~`:

    download=1
    exp=1767225600
    id=01890a5d-ac96-774b-bcce-b302099a8057
    kid=k1

The name in the path is cosmetic and not covered, nor are parameters that mean nothing here (`utm_source`).
SQL can compute the same with nothing but `sha256()`: see `pads`.
"""

import base64
import dataclasses
import datetime
import hashlib
import hmac
import re
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence

from ambrotype.core import errors

COVERED = ("w", "h", "fit", "format", "q", "rendition", "share", "download")
"""The parameters that a signature fixes, besides `exp` and `kid`: with another value, or without one, it is
wrong."""

_HOUR = 3600
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_EXP = re.compile(r"[1-9][0-9]{0,10}")
_WRONG = "This signed URL was changed or was not made here; ask for a new link."


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A signing key and the name that URLs call it by."""

    kid: str
    secret: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a valid signature says."""

    expires_at: datetime.datetime
    share: str | None
    """The share it was made for, which may have been revoked since."""


def sign(media_id: uuid.UUID, params: Mapping[str, str], *, expires_at: datetime.datetime, keys: Sequence[Key]) -> str:
    """The query string of a signed URL, made with the first key.

    It ends at `expires_at` rounded up to the hour, so that URLs made within one hour are the same and can be
    cached.
    """
    if not set(params) <= set(COVERED):
        raise ValueError(f"a signature does not cover {sorted(set(params) - set(COVERED))}")
    key = keys[0]
    exp = int(end(expires_at).timestamp())
    query = {**dict(sorted(params.items())), "exp": str(exp), "kid": key.kid}
    query["sig"] = _signature(media_id, query, key)
    return "&".join([f"{name}={_quoted(value)}" for name, value in query.items()])


def end(expires_at: datetime.datetime) -> datetime.datetime:
    """When a URL signed until then really ends: the next full hour."""
    hours = -(-int(-(-expires_at.timestamp() // 1)) // _HOUR)
    return datetime.datetime.fromtimestamp(hours * _HOUR, datetime.UTC)


def verify(
    media_id: uuid.UUID, query: Mapping[str, str], *, keys: Sequence[Key], now: datetime.datetime
) -> Grant | None:
    """What the query's signature grants; None where it has none.

    Raises `errors.InvalidSignature`: wrong, or run out, which only a right signature is told.
    """
    if "sig" not in query:
        return None
    exp = query.get("exp", "")
    key = next((key for key in keys if key.kid == query.get("kid")), None)
    if key is None or not _EXP.fullmatch(exp):
        raise errors.InvalidSignature(_WRONG)
    if not hmac.compare_digest(_signature(media_id, query, key).encode(), query["sig"].encode(errors="replace")):
        raise errors.InvalidSignature(_WRONG)
    expires_at = datetime.datetime.fromtimestamp(int(exp), datetime.UTC)
    if expires_at <= now:
        raise errors.InvalidSignature(
            f"This signed URL ran out at {expires_at:%Y-%m-%d %H:%M} UTC; ask for a new link."
        )
    return Grant(expires_at=expires_at, share=query.get("share"))


def message(media_id: uuid.UUID, query: Mapping[str, str]) -> str:
    """The canonical message that is signed."""
    values = {name: query[name] for name in (*COVERED, "exp", "kid") if name in query} | {"id": str(media_id)}
    return "\n".join([f"{name}={_quoted(value)}" for name, value in sorted(values.items())])


def pads(key: Key) -> tuple[bytes, bytes]:
    """(inner, outer) such that the HMAC is `sha256(outer || sha256(inner || message))` (RFC 2104)."""
    secret = key.secret if len(key.secret) <= 64 else hashlib.sha256(key.secret).digest()
    block = secret.ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _quoted(value: str) -> str:
    """Percent-encoded. Most values need no encoding, and lists of items have hundreds."""
    return value if _PLAIN.fullmatch(value) else urllib.parse.quote(value, safe="")


def _signature(media_id: uuid.UUID, query: Mapping[str, str], key: Key) -> str:
    digest = hmac.digest(key.secret, message(media_id, query).encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
