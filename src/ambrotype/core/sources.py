"""What a source is known by: the hash of its URL without the signature, so that a URL signed anew is the same
source.

Where the scheme is not known, every parameter may choose the object, and the whole URL counts.
"""

import hashlib
import re
import unicodedata
import urllib.parse

from ambrotype.core import links, moments, schemes

MOST_SHOWN = 500
"""Characters of a URL in a log line."""
MOST_VALUE = 64
"""Characters of a parameter's value in a log line; a longer one may hold a signed URL or a token."""
_SECRET = re.compile(
    "sig|token|key|secret|auth|pass|pwd|jwt|credential|policy|hmac|hash|session|access|ticket|bearer|code|^s$|^hm$"
)
_OPAQUE = re.compile(r"(?=.*[0-9])[A-Za-z0-9_+/=.~-]{20,}", re.DOTALL)
_NESTED = re.compile(r"//|[?&=%]")
"""A URL or parameters within a value, signed for all that is known."""
_ODD = re.compile(r"[^\x21-\x7e]+")


def key(url: str) -> bytes:
    """The SHA-256 that stands for the object behind this URL. Equal keys mean the same object; the same
    object may have several keys. Never raises."""
    link = links.parse(url)
    text = url if link is None else _identity(link)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def shown(url: str) -> str:
    """The URL as it may be logged: no signature, nothing that looks like a secret, no user name, no
    fragment."""
    link = links.parse(url)
    if link is None:
        return "data:…" if url[:5].lower() == "data:" else "(not a URL)"
    signed = {label.lower() for scheme in schemes.detect(link) for label in scheme.signature}
    pieces = [_ascii(pair.raw) for pair in link.query or () if pair.name not in signed and not _secret(pair)]
    segments = ["…" if _hidden(segment) else _ascii(segment) for segment in link.path.split("/")]
    query = "?" + "&".join(pieces) if pieces else ""
    text = f"{link.scheme}://{_ascii(link.authority)}{'/'.join(segments)}{query}"
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def name_of(url: str) -> str | None:
    """The file name at the end of the path, percent-decoded, at most 255 characters; None where there is
    none."""
    link = links.parse(url)
    if link is None:
        return None
    decoded = urllib.parse.unquote(link.path).replace("\\", "/").rpartition("/")[2]
    name = "".join(char for char in decoded if unicodedata.category(char)[0] != "C").strip()
    return name[:255] if name.strip(".") else None


def host(url: str) -> str:
    """Host, and port unless it is the default one, in lower case; empty where the text is no http(s) URL."""
    link = links.parse(url)
    return link.authority if link else ""


def _identity(link: links.Link) -> str:
    """A line break marks what a parameter was reduced to: a parsed URL holds none, so that no URL can imitate
    it."""
    userinfo = "" if link.userinfo is None else f"{link.userinfo}@"
    place = f"{link.scheme}://{userinfo}{link.authority}{link.path}"
    if link.query is None:
        return place
    pieces = _unsigned(link, link.query)
    return place if pieces is None else f"{place}?{'&'.join(pieces)}"


def _unsigned(link: links.Link, query: tuple[links.Pair, ...]) -> list[str] | None:
    """The parameters that choose the object; None where there were others only.

    Where a parameter of the signature is repeated only the server knows which one counts, so all of them
    stay.
    """
    signature = schemes.signature(link)
    labels = [pair.label for pair in query if pair.label in signature]
    if not labels or len(set(labels)) < len(labels):
        return [pair.raw for pair in query]
    kept = [pair.raw if pair.label not in signature else _kept(link, pair, signature[pair.label]) for pair in query]
    return [piece for piece, pair in zip(kept, query, strict=True) if piece or pair.label not in signature] or None


def _kept(link: links.Link, pair: links.Pair, keep: schemes.Keep) -> str:
    if "\ufffd" in pair.value:
        return pair.raw
    rest = keep(link, pair)
    return f"{pair.label}\n{urllib.parse.quote(rest, errors='surrogatepass')}" if rest else ""


def _ascii(text: str) -> str:
    return _ODD.sub(lambda odd: urllib.parse.quote(odd[0], errors="replace"), text)


def _secret(pair: links.Pair) -> bool:
    if len(pair.value) > MOST_VALUE or _SECRET.search(pair.name) or _NESTED.search(pair.value):
        return True
    return any(_OPAQUE.fullmatch(text) for text in (pair.label, pair.value))


def _hidden(segment: str) -> bool:
    """A segment of the path that carries a signature: parameters in it, or a token."""
    decoded = urllib.parse.unquote(segment)
    if "=" in decoded:
        return any(_secret(pair) for pair in links.split(decoded))
    return moments.claims(decoded) is not None
