"""Opaque cursors: where a page ended, as the sort column's value and the id of its last row."""

import base64
import binascii
import uuid

import orjson

from ambrotype.core import errors, ids

Position = tuple[str | None, uuid.UUID]


def encode(sort: str, position: Position) -> str:
    """The cursor of the page after `position` in the order `sort`."""
    text = orjson.dumps([sort, position[0], str(position[1])])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def decode(sort: str, cursor: str | None) -> Position | None:
    """The position a cursor stands for; `errors.InvalidRequest` if it is none, or one of another order."""
    if cursor is None:
        return None
    try:
        # Strict: a second spelling of the same cursor would be a second cursor.
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, value, last = orjson.loads(text)
    except (binascii.Error, ValueError, TypeError):
        raise _wrong("it was not made by this server") from None
    found = ids.parse(last) if isinstance(last, str) else None
    if found is None or not (value is None or isinstance(value, str)):
        raise _wrong("it was not made by this server")
    if made_for != sort:
        raise _wrong(f"it belongs to another order than {sort!r}")
    return value, found


def _wrong(why: str) -> errors.InvalidRequest:
    return errors.InvalidRequest(f"The cursor can't be used: {why}. Begin again without one.", pointer="/cursor")
