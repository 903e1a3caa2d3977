"""What a URL asks for, read once and strictly, so that the request goes to exactly what was checked.

Host names are mapped to ASCII (IDNA, full-width forms) and odd IPv4 forms to the address they mean (WHATWG
URL standard, section 3.5) before anybody judges them. Path and query stay byte for byte, because signatures
cover them.
"""

import dataclasses
import ipaddress
import re
import urllib.parse

import yarl

from ambrotype.core import errors

LENGTH = 8192
"""The longest URL in characters; signed URLs with a session token reach about 3,000."""

PORTS = {"http": 80, "https": 443}

_AUTHORITY = re.compile(r"(?:\[(?P<six>[^\[\]@/\\]*)\]|(?P<name>[^\[\]:@/\\]*))(?::(?P<port>[0-9]{0,5}))?")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_KEPT = "!#$%&'()*+,/:;=?@[]~-._|"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL taken apart. `host` is ASCII and lower case, without brackets or a trailing dot."""

    scheme: str
    host: str
    port: int
    resource: str
    """Path and query as they go over the wire."""
    address: Address | None
    """The host as an address, where the URL holds a literal one in any form."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What has to stay the same for credentials to follow."""
        return self.scheme, self.host, self.port

    @property
    def url(self) -> yarl.URL:
        """For the request. Told to be encoded already, so that nothing in it is quoted anew."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return yarl.URL(f"{self.scheme}://{host}{port}{self.resource}", encoded=True)


def parse(url: str) -> Target:
    """Takes an http(s) URL apart.

    Raises `errors.InvalidUrl`, `errors.UnsupportedScheme`, or `errors.BlockedAddress` for a scoped address.
    """
    if len(url) > LENGTH:
        raise errors.InvalidUrl(f"The URL has {len(url)} characters; at most {LENGTH} are accepted.")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise errors.InvalidUrl("The URL holds a space or a control character; it has to be percent-encoded.")
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        raise errors.InvalidUrl("The URL can't be read: its host is malformed.") from None
    if parts.scheme not in PORTS:
        scheme = f"“{parts.scheme[:20]}”" if parts.scheme else "no scheme"
        raise errors.UnsupportedScheme(f"The URL has {scheme}; only http and https can be fetched.")
    if "@" in parts.netloc:
        raise errors.InvalidUrl("The URL holds a user name or password; these are not accepted in URLs.")
    authority = _AUTHORITY.fullmatch(parts.netloc)
    if authority is None:
        raise errors.InvalidUrl("The URL can't be read: its host or port is malformed.")
    port = int(authority["port"] or PORTS[parts.scheme])
    if not 0 < port < 65536:
        raise errors.InvalidUrl(f"The URL's port {port} does not exist.")
    name, address = _six(authority["six"]) if authority["six"] is not None else host(authority["name"])
    query = f"?{parts.query}" if parts.query else ""
    return Target(
        scheme=parts.scheme,
        host=name,
        port=port,
        resource=_quoted((parts.path or "/") + query),
        address=address,
    )


def host(name: str) -> tuple[str, Address | None]:
    """A host name in the form that names are compared in, and the IPv4 address if it spells one."""
    if not name.isascii():
        try:
            name = yarl.URL.build(scheme="http", host=name).raw_host or ""
        except ValueError:
            raise errors.InvalidUrl("The URL's host name is not a valid international name.") from None
    name = name.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise errors.InvalidUrl("The URL's host name is missing or malformed.")
    address = _four(name)
    return (str(address), address) if address else (name, None)


def _six(text: str) -> tuple[str, Address]:
    if "%" in text:
        raise errors.BlockedAddress("The URL names an address of one network interface only; it is not public.")
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise errors.InvalidUrl("The URL's host is not a valid IPv6 address.") from None
    return str(address), address


def _four(name: str) -> ipaddress.IPv4Address | None:
    """What resolvers take `name` for: 127.1, 0x7f.1, 2130706433 and 017700000001 are all 127.0.0.1."""
    parts = name.split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return None
    try:
        *heads, tail = (_number(part) for part in parts)
        if len(heads) > 3 or any(head > 255 for head in heads):
            raise ValueError
        value = sum(head << 24 - 8 * place for place, head in enumerate(heads))
        if tail >= 1 << 32 - 8 * len(heads):
            raise ValueError
        return ipaddress.IPv4Address(value + tail)
    except ValueError:
        raise errors.InvalidUrl("The URL's host ends in a number, but is not a valid IPv4 address.") from None


def _number(part: str) -> int:
    if not _NUMBER.fullmatch(part):
        raise ValueError(part)
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") and len(part) > 1 else 10)


def _quoted(text: str) -> str:
    try:
        return urllib.parse.quote(text, safe=_KEPT)
    except UnicodeEncodeError:
        raise errors.InvalidUrl("The URL holds a character that can't be encoded.") from None
