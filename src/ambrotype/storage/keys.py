"""What a key may look like, the same for every store, so that objects can move from one to another."""

from ambrotype.core import errors
from ambrotype.storage import contract

MAX_SEGMENT = 255
"""Bytes of one name between slashes: NAME_MAX of Linux file systems."""
MAX_KEY = 1024
"""Bytes of bucket and path together: S3's limit for a key."""


def segments(key: contract.Key) -> tuple[str, ...]:
    """The bucket and the names of the path. `errors.InvalidRequest` for a key that could mean another."""
    parts = (key.bucket, *key.path.split("/"))
    for part in parts:
        if reason := _wrong(part):
            raise errors.InvalidRequest(f"The storage key {str(key)!r} {reason}; choose another path.")
    if "/" in key.bucket or key.bucket.startswith("."):
        raise errors.InvalidRequest(f"The bucket {key.bucket!r} begins with a dot or holds a slash; choose another.")
    if len(str(key).encode()) > MAX_KEY:
        raise errors.InvalidRequest(f"A storage key of {len(str(key).encode())} bytes is too long; at most {MAX_KEY}.")
    return parts


def valid(key: contract.Key) -> bool:
    """Whether `segments` would take it."""
    try:
        segments(key)
    except errors.InvalidRequest:
        return False
    return True


def _wrong(part: str) -> str | None:
    if not part:
        return "holds an empty name (a slash at its beginning or end, or two in a row)"
    if part in {".", ".."}:
        return f"holds the name {part!r}"
    if any(char < " " or char == "\x7f" for char in part):
        return "holds a control character"
    try:
        size = len(part.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return f"holds a name of more than {MAX_SEGMENT} bytes" if size > MAX_SEGMENT else None


def require_range(start: int, length: int | None) -> None:
    """`errors.InvalidRequest` for a negative number."""
    if start < 0 or (length is not None and length < 0):
        raise errors.InvalidRequest(f"A range begins at 0 or later and is not negative; got {start}, {length}.")
