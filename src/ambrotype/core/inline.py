"""Bytes written as text: base64 in either alphabet, padded or not, and data URIs (RFC 2397)."""

import base64
import binascii
import dataclasses
import re
import urllib.parse

_DATA_URI = re.compile(r"data:(?P<type>[^,;]*)(?P<parameters>(?:;[^,;]*)*?)(?P<base64>;base64)?,", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """What the text holds; `content_type` as a data URI claims it."""

    data: bytes = dataclasses.field(repr=False)
    content_type: str | None = None


def decode(text: str) -> Inline | None:
    """The bytes of base64 or of a data URI; None where the text is neither."""
    found = _DATA_URI.match(text[:4096]) if text[:5].lower() == "data:" else None
    rest = text[found.end() :] if found else text
    if found and not found["base64"]:
        data: bytes | None = urllib.parse.unquote_to_bytes(rest.encode("utf-8", "replace"))
    else:
        data = _base64(urllib.parse.unquote(rest) if found and "%" in rest else rest)
    return None if data is None else Inline(data=data, content_type=(found and found["type"].strip().lower()) or None)


def data_uri(data: bytes, content_type: str) -> str:
    """The bytes as a data URI."""
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


def _base64(text: str) -> bytes | None:
    compact = re.sub(r"\s+", "", text).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
