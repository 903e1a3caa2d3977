"""The headers of a delivered file."""

import datetime
import re
import urllib.parse

from ambrotype.core import errors
from ambrotype.delivery import asgi, conditional, deliverable, signing

NO_STORE: asgi.Headers = [(b"cache-control", b"no-store")]

OCTETS = "application/octet-stream"
_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*;[ \t\x21-\x7e]*)?")
_TOKEN = frozenset("!#$&+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_UNSAFE_NAME = re.compile(r'[\x00-\x1f\x7f-\x9f/\\"]|[\u202a-\u202e\u2066-\u2069\ud800-\udfff]')

_POLICY = "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; sandbox"
# Opened by itself, a picture or video becomes a page that the browser writes, and that page asks for the
# file once more. In a sandbox's own origin the cookie SameSite=Strict would be missing from that; no script
# runs in either case.
_PASSIVE = b"%s allow-same-origin" % _POLICY.encode()
_ACTIVE = _POLICY.encode()


def content_type(content: deliverable.Content) -> str:
    """The recorded type, or octets where it is missing or could break out of its header."""
    return content.content_type if content.content_type and _TYPE.fullmatch(content.content_type) else OCTETS


def is_passive(media_type: str) -> bool:
    """Whether browsers only show it: pictures without script, sound and moving pictures."""
    essence = media_type.partition(";")[0].strip().lower()
    kind, _, subtype = essence.partition("/")
    return kind in ("image", "video", "audio") and not subtype.startswith("svg") and not subtype.endswith("xml")


def disposition(name: str, *, download: bool) -> str:
    """Content-Disposition (RFC 6266), the name in ASCII and, where that loses something, in UTF-8 as well
    (RFC 8187)."""
    way = "attachment" if download else "inline"
    clean = _UNSAFE_NAME.sub("_", name).strip()
    if not clean:
        return way
    plain = "".join(char if char in _TOKEN or char in " (),;=@'[]{}" else "_" for char in clean)
    quoted = f'{way}; filename="{plain}"'
    if plain == clean:
        return quoted
    return f"{quoted}; filename*=UTF-8''{urllib.parse.quote(clean, safe='')}"


def cache_control(visibility: deliverable.Visibility, *, grant: signing.Grant | None, now: datetime.datetime) -> str:
    """How long a reply may be kept. Short without a signature, so that making an item private or deleting it
    works; asked again each time for a share, which may be revoked."""
    if grant is not None and grant.share is not None:
        return "private, no-cache"
    if grant is not None:
        scope = "public" if visibility == "public" else "private"
        return f"{scope}, max-age={max(0, int((grant.expires_at - now).total_seconds()))}"
    return "public, max-age=300, stale-while-revalidate=86400" if visibility == "public" else "private, max-age=60"


def validators(content: deliverable.Content, *, cache: str, vary: str | None) -> asgi.Headers:
    """What a 304 carries as well: ETag, Last-Modified, caching."""
    found = [
        ("etag", conditional.etag(content.sha256)),
        ("last-modified", conditional.http_date(content.modified)),
        ("cache-control", cache),
    ]
    return encode(found + ([("vary", vary)] if vary else []))


def representation(content: deliverable.Content, *, download: bool) -> asgi.Headers:
    """What describes the bytes and keeps them from doing harm; Content-Type is not among them, as ranges
    change it.

    Cross-Origin-Resource-Policy is cross-origin because permanent URLs are made to be embedded: by apps on
    other hosts, under their COEP, and by the page of its own origin that a sandboxed file is.
    """
    passive = is_passive(content_type(content))
    return [
        *encode(
            [
                ("content-disposition", disposition(content.name, download=download)),
                ("accept-ranges", "bytes"),
            ]
        ),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", _PASSIVE if passive else _ACTIVE),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"referrer-policy", b"no-referrer"),
    ]


def refusal(error: errors.AmbrotypeError, *, size: int | None) -> asgi.Headers:
    """What a problem carries besides its body. `size` is the file's, where it is known."""
    found = list(NO_STORE)
    if isinstance(error, errors.RangeNotSatisfiable) and size is not None:
        found += encode([("content-range", f"bytes */{size}"), ("accept-ranges", "bytes")])
    if isinstance(error, errors.Unavailable):
        found += encode([("retry-after", str(max(1, round(error.retry_after or 5))))])
    return found


def encode(pairs: list[tuple[str, str]]) -> asgi.Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
