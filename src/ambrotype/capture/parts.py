"""One file in two answers: whether the second holds the rest of the first (RFC 9110, sections 13 and 14)."""

import dataclasses
import email.utils
import re

import aiohttp

from ambrotype.capture import encoding
from ambrotype.core import errors

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
_UNSATISFIED = re.compile(r"bytes \*/([0-9]{1,19})")


class NotResumable(Exception):
    """The server answers with the same file from its beginning, or does not say what it sends."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What tells one state of a file from another."""

    host: str
    length: int | None
    """Bytes as sent; None where unknown."""
    etag: str | None
    validator: str | None
    """What If-Range may hold: a strong ETag, else the Last-Modified; None: it can't be resumed."""
    coding: str | None
    """gzip, deflate or None."""

    @classmethod
    def of(cls, response: aiohttp.ClientResponse, host: str) -> "Version":
        """From the first answer, a 200."""
        return cls(
            host=host,
            length=response.content_length,
            etag=response.headers.get("ETag"),
            validator=_validator(response),
            coding=encoding.coding(response.headers.get("Content-Encoding"), host),
        )

    def rest(self, response: aiohttp.ClientResponse, offset: int) -> "Version":
        """Accepts a 206, or a 416 that says that there is no rest; the length is known then, if told.

        Raises `errors.SourceChanged` where it is another file, `NotResumable` where the rest can't be had.
        """
        if response.status == 206:
            return self._partial(response, offset)
        if response.status == 416:
            return self._nothing_left(response, offset)
        if _validator(response) != self.validator or response.content_length not in (None, self.length):
            raise self._changed()
        raise NotResumable

    def _partial(self, response: aiohttp.ClientResponse, offset: int) -> "Version":
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or not int(found[1]) == offset <= int(found[2]):
            raise self._changed()
        if self.etag is not None and response.headers.get("ETag", self.etag) != self.etag:
            raise self._changed()
        if encoding.coding(response.headers.get("Content-Encoding"), self.host) != self.coding:
            raise self._changed()
        if found[3] == "*":
            return self
        length = int(found[3])
        if self.length not in (None, length) or int(found[2]) >= length:
            raise self._changed()
        return dataclasses.replace(self, length=length)

    def _nothing_left(self, response: aiohttp.ClientResponse, offset: int) -> "Version":
        found = _UNSATISFIED.fullmatch(response.headers.get("Content-Range", ""))
        if found is None:
            raise NotResumable
        if self.length is not None or int(found[1]) != offset:
            raise self._changed()
        return dataclasses.replace(self, length=offset)

    def _changed(self) -> errors.SourceChanged:
        return errors.SourceChanged(f"The file at {self.host} changed while it was downloaded.")


def _validator(response: aiohttp.ClientResponse) -> str | None:
    headers = response.headers
    if headers.get("Accept-Ranges", "").strip().lower() == "none":
        return None
    if (etag := headers.get("ETag", "")).startswith('"'):
        return etag
    modified = headers.get("Last-Modified")
    return modified if modified and _settled(modified, headers.get("Date")) else None


def _settled(modified: str, date: str | None) -> bool:
    """Whether the file can't have changed twice in the second that `modified` names (section 8.8.2.2)."""
    try:
        since = email.utils.parsedate_to_datetime(modified)
        return date is None or since < email.utils.parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return False
