"""The ways in which URLs, tokens and headers write a point in time. Every reader answers None to what it
can't read."""

import base64
import datetime
import json
import math
import re
from typing import Any

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DIGITS = re.compile(r"[0-9]{1,20}")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z", re.IGNORECASE)
_HTTP = re.compile(r"(?:[A-Za-z]+, )?([0-9]{1,2}) ([A-Za-z]{3}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_JWT = re.compile(r"[A-Za-z0-9_-]{4,}={0,2}\.([A-Za-z0-9_-]{4,}={0,2})\.[A-Za-z0-9_-]*={0,2}")
MILLISECONDS = 10**12
"""Numbers from here on are milliseconds: as seconds they would lie behind the year 9999."""
NESTING = 64
"""Brackets in a piece of JSON that is read; a policy or a token holds about ten."""


def utc(moment: datetime.datetime) -> datetime.datetime | None:
    """The same moment as aware UTC; a naive one is taken to be UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=datetime.UTC)
    try:
        return moment.astimezone(datetime.UTC)
    except (OverflowError, ValueError):
        return None


def after(moment: datetime.datetime, *, seconds: float = 0, milliseconds: float = 0) -> datetime.datetime | None:
    """So much later, or None behind the year 9999."""
    try:
        return moment + datetime.timedelta(seconds=seconds, milliseconds=milliseconds)
    except (OverflowError, ValueError):
        return None


def number(text: str) -> int | None:
    """A decimal number of at most 20 ASCII digits."""
    return int(text) if _DIGITS.fullmatch(text) else None


def epoch(value: object) -> datetime.datetime | None:
    """Seconds or milliseconds since 1970, as a number or as its digits."""
    if isinstance(value, str):
        value = number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value < 0 or value >= MILLISECONDS * 1000:
        return None
    return after(EPOCH, milliseconds=value) if value >= MILLISECONDS else after(EPOCH, seconds=value)


def hexadecimal(text: str) -> datetime.datetime | None:
    """Seconds since 1970 in hexadecimal digits (Discord)."""
    return epoch(int(text, 16)) if re.fullmatch(r"[0-9A-Fa-f]{1,12}", text) else None


def compact(text: str) -> datetime.datetime | None:
    """`20260131T235959Z`, as the signatures of the S3 family write it."""
    found = _COMPACT.fullmatch(text)
    return _build(*map(int, found.groups())) if found else None


def iso(text: str) -> datetime.datetime | None:
    """ISO 8601, a bare date too; without an offset it is UTC (Azure's `se`)."""
    try:
        return utc(datetime.datetime.fromisoformat(text[:40]))
    except ValueError:
        return None


def http_date(text: str) -> datetime.datetime | None:
    """`Fri, 23 Dec 2012 00:00:00 GMT` (RFC 9110, section 5.6.7), whatever the process's locale."""
    found = _HTTP.fullmatch(text.strip())
    if not found or found[2].lower() not in _MONTHS:
        return None
    day, _, year, *clock = found.groups()
    return _build(int(year), _MONTHS.index(found[2].lower()) + 1, int(day), *map(int, clock))


def claims(token: str) -> dict[str, Any] | None:
    """The claims of a JWT (RFC 7519), unverified: good for reading a time, never for believing anything."""
    found = _JWT.fullmatch(token)
    read = document(found[1]) if found else None
    return read if isinstance(read, dict) else None


def document(text: str) -> Any:
    """The JSON value in base64 or base64url text, or None."""
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(bare + "=" * (-len(bare) % 4))
        if raw.count(b"{") + raw.count(b"[") > NESTING:
            return None
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _build(*fields: int) -> datetime.datetime | None:
    try:
        year, month, day, hour, minute, second = fields
        return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    except ValueError:
        return None
