"""Conditional requests (RFC 9110, section 13), against the file's one strong ETag: its SHA-256."""

import datetime
import email.utils
import re
from collections.abc import Mapping

from ambrotype.core import errors

_TAG = re.compile(r'[ \t,]*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)')


def etag(sha256: bytes) -> str:
    """The ETag, quotes included."""
    return f'"{sha256.hex()}"'


def http_date(moment: datetime.datetime) -> str:
    """As in Last-Modified; whole seconds."""
    return email.utils.format_datetime(moment.astimezone(datetime.UTC), usegmt=True)


def unchanged(headers: Mapping[str, str], *, tag: str, modified: datetime.datetime) -> bool:
    """Whether a GET or HEAD is to be answered 304, in the order of section 13.2.2.

    `headers` has lower-case names. Raises `errors.PreconditionFailed` (412) where If-Match or
    If-Unmodified-Since says no.
    """
    modified = modified.replace(microsecond=0)
    if (match := headers.get("if-match")) is not None:
        _require(_names(match, tag, weak=False), "If-Match")
    elif (since := _date(headers.get("if-unmodified-since"))) is not None:
        _require(modified <= since, "If-Unmodified-Since")
    if (none_match := headers.get("if-none-match")) is not None:
        return _names(none_match, tag, weak=True)
    since = _date(headers.get("if-modified-since"))
    return since is not None and modified <= since


def range_applies(headers: Mapping[str, str], *, tag: str, modified: datetime.datetime) -> bool:
    """Whether a Range header counts: no If-Range, or one that names exactly this file (section 13.1.5)."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    condition = condition.strip(" \t")
    if condition.startswith(('"', "W/")):
        return condition == tag
    return _date(condition) == modified.replace(microsecond=0)


def _require(holds: bool, header: str) -> None:  # noqa: FBT001
    if not holds:
        raise errors.PreconditionFailed(
            f"{header} names another version of the item; drop it or ask for the present ETag."
        )


def _names(header: str, tag: str, *, weak: bool) -> bool:
    """Whether a list of ETags, or `*`, names `tag`; a list that breaks the grammar counts up to where it
    does."""
    if header.strip(" \t") == "*":
        return True
    at = 0
    while found := _TAG.match(header, at):
        if found[1] == tag or (weak and found[1] == f"W/{tag}"):
            return True
        at = found.end()
    return False


def _date(text: str | None) -> datetime.datetime | None:
    """An HTTP date in any of its three forms (section 5.6.7); what is none is to be ignored."""
    if text is None:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment
