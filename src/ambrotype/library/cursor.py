"""Opaque cursors: where a page ended, as the sort column's value and the id of its last row."""

import base64
import binascii
import datetime
import re
import uuid
from collections.abc import Callable

import orjson

from ambrotype.core import errors, ids

Position = tuple[str | None, uuid.UUID]

_FRACTION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?(e-?[0-9]{1,3})?")
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,80})?")
_NUMBER = re.compile(r"[0-9]{1,18}")


def encode(sort: str, position: Position) -> str:
    """The cursor of the page after `position` in the order `sort`."""
    text = orjson.dumps([sort, position[0], str(position[1])])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def number(text: str) -> bool:
    """Whether a position's value spells a size or a row's number."""
    return _NUMBER.fullmatch(text) is not None


def fraction(value: str) -> bool:
    """Whether it spells a rank."""
    return _FRACTION.fullmatch(value) is not None


def decimal(value: str) -> bool:
    """Whether it spells a place in an order."""
    return _DECIMAL.fullmatch(value) is not None


def text(value: str) -> bool:
    """Whether it can be a title."""
    return "\x00" not in value and value.isprintable()


def time(text: str) -> bool:
    """Whether it spells a time as PostgreSQL writes it, or its `infinity`."""
    try:
        return text == "infinity" or datetime.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def decode(sort: str, cursor: str | None, *, spells: Callable[[str], bool] = lambda text: False) -> Position | None:
    """The position a cursor stands for; `errors.InvalidRequest` if it is none, or one of another order.

    `spells` says whether a text is a value of the sort column: what passes goes to the database as it is.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, value, last = orjson.loads(text)
    except (binascii.Error, ValueError, TypeError):
        raise _wrong("it was not made by this server") from None
    found = ids.parse(last) if isinstance(last, str) else None
    if found is None or not (value is None or (isinstance(value, str) and spells(value))) or made_for != sort:
        raise _wrong(f"it was not made by this server for the order {sort!r}")
    if encode(sort, (value, found)) != cursor:
        raise _wrong("it was not made by this server")  # a second spelling of the same cursor
    return value, found


def _wrong(why: str) -> errors.InvalidRequest:
    return errors.InvalidRequest(f"The cursor can't be used: {why}. Begin again without one.", pointer="/cursor")
