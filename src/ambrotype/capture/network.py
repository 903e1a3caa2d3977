"""Which addresses may be reached: the check where a URL is accepted, and the one where the socket is opened.

The second is the one that protects: it sees the very address that the kernel is then told to connect to, on
every attempt and every hop, so a name that resolves differently the next time gains nothing.
`docs/decisions/address-check.md` says why it sits in the connector.
"""

import contextvars
import dataclasses
import errno
import ipaddress
import re
import socket
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING

import aiohttp
import aiohttp.abc

from ambrotype.capture import urls
from ambrotype.core import errors

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

PORTS = frozenset({80, 443})

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        # IANA IPv4 special-purpose address registry; multicast and reserved space.
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # IANA IPv6 registry, within global unicast: protocol assignments with Teredo, documentation, 6to4.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA = frozenset(
    ipaddress.ip_address(text)
    # AWS and most clouds, ECS tasks, AWS over IPv6, Alibaba, Azure's host agent (a public address by its
    # looks), Oracle.
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    )
)
_ENDPOINT = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<name>[^\[\]:/@]+)):(?P<port>[0-9]{1,5})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Allowed:
    """What may be reached although it is not public: whole networks (any port), or one host at one port."""

    networks: tuple[Network, ...] = ()
    endpoints: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str], *, setting: str = "AMBROTYPE_FETCH_ALLOW") -> "Allowed":
        """From CIDRs (`10.1.0.0/16`, `fd00::/8`) and `host:port`. `errors.InvalidSetting` names `setting`."""
        networks: list[Network] = []
        endpoints: set[tuple[str, int]] = set()
        for entry in (text.strip() for text in entries):
            if match := _ENDPOINT.fullmatch(entry):
                endpoints.add(_endpoint(match, entry, setting))
                continue
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError as error:
                raise errors.InvalidSetting(
                    f"{setting} holds “{entry}”, neither a network (10.1.0.0/16) nor host:port: {error}."
                ) from None
        return cls(networks=tuple(networks), endpoints=frozenset(endpoints))

    def opens(self, address: urls.Address, port: int, host: str) -> bool:
        """Whether a setting lets `host` be reached at `address` and `port`.

        An endpoint opens the host it names and no other that happens to resolve to the same address. A
        cloud's metadata service opens only when its very address is named, not by a wide network or a name.
        """
        if address in _METADATA:
            named = any(address in network and network.num_addresses == 1 for network in self.networks)
            return named or (host == str(address) and (host, port) in self.endpoints)
        return (host, port) in self.endpoints or any(address in network for network in self.networks)


NOTHING = Allowed()


def check_url(url: str, allowed: Allowed) -> None:
    """Refuses what can be seen from the URL alone: form, scheme, port, literal address.

    Names are checked on connecting. Raises `errors.InvalidUrl`, `errors.UnsupportedScheme` or
    `errors.BlockedAddress`.
    """
    target(url, allowed)


def target(url: str, allowed: Allowed) -> urls.Target:
    """What `check_url` has checked, taken apart."""
    found = urls.parse(url)
    if found.address is not None:
        check_address(str(found.address), found.port, allowed, found.host)
    elif found.port not in PORTS and not allowed.networks and (found.host, found.port) not in allowed.endpoints:
        raise _wrong_port(found.host, found.port)
    return found


def check_address(address: str, port: int, allowed: Allowed, host: str) -> None:
    """Refuses an address that a connection to `host` is about to go to, with `errors.BlockedAddress`.

    `address` is a literal as the resolver gave it. The sentence does not tell where a name leads: who may
    name hosts is not thereby allowed to look into this network's DNS.
    """
    found = _parsed(address)
    if found is None or not _reachable(found, port, allowed, host):
        raise errors.BlockedAddress(f"{host} does not lead to a public address, and no setting allows it.")
    if port not in PORTS and not allowed.opens(found, port, host):
        raise _wrong_port(host, port)


def connector(
    allowed: Allowed,
    *,
    resolver: aiohttp.abc.AbstractResolver | None = None,
    tls: ssl.SSLContext | None = None,
    limit: int = 0,
) -> aiohttp.TCPConnector:
    """A connector that opens sockets only to what `allowed` and the public internet hold.

    A request that leads elsewhere fails with `errors.BlockedAddress`. Connections are pooled, so a connector
    belongs to one `allowed`. `limit` is connections at once, 0 = any number; `tls` stands in for the system's
    trusted roots. The session around it must not trust the environment's proxies.
    """
    return _Connector(allowed, resolver=resolver, tls=tls, limit=limit)


@dataclasses.dataclass(slots=True)
class _Attempt:
    """One connection being made: for which host, and what became of its addresses."""

    host: str
    opened: int = 0
    blocked: errors.BlockedAddress | None = None


# The socket factory is told addresses only. Each request connects in a task (and tasks of that task), which
# carry this.
_attempt: contextvars.ContextVar[_Attempt | None] = contextvars.ContextVar("attempt", default=None)


class _Connector(aiohttp.TCPConnector):
    def __init__(
        self,
        allowed: Allowed,
        *,
        resolver: aiohttp.abc.AbstractResolver | None,
        tls: ssl.SSLContext | None,
        limit: int,
    ) -> None:
        super().__init__(resolver=resolver, ssl=tls or True, limit=limit, socket_factory=self._open)
        self._allowed = allowed

    # The signature is aiohttp's.
    async def connect(
        self,
        req: "ClientRequest",
        traces: "list[Trace]",
        timeout: aiohttp.ClientTimeout,
    ) -> "Connection":
        if req.proxy:
            raise errors.BlockedAddress("A proxy would hide the address, so none may be used.")
        attempt = _Attempt(req.url.raw_host or "")
        token = _attempt.set(attempt)
        try:
            return await super().connect(req, traces, timeout)
        except aiohttp.ClientConnectorError:
            if attempt.blocked is None:
                raise
            # Where another of the host's addresses was public and only failed to answer, it may answer later.
            raise errors.BlockedAddress(attempt.blocked.detail, retry=attempt.opened > 0) from None
        finally:
            _attempt.reset(token)

    def _open(self, info: "AddrInfoType") -> socket.socket:
        family, kind, protocol, _, sockaddr = info
        address, port = str(sockaddr[0]), int(sockaddr[1])
        attempt = _attempt.get() or _Attempt(address)
        try:
            check_address(address, port, self._allowed, attempt.host)
        except errors.BlockedAddress as error:
            attempt.blocked = error
            raise PermissionError(errno.EACCES, "blocked address") from None
        attempt.opened += 1
        return socket.socket(family, kind, protocol)


def _endpoint(match: re.Match[str], entry: str, setting: str) -> tuple[str, int]:
    port = int(match["port"])
    try:
        name = str(ipaddress.IPv6Address(match["six"])) if match["six"] else urls.host(match["name"])[0]
    except (ValueError, errors.InvalidUrl):
        raise errors.InvalidSetting(f"{setting} holds “{entry}”, whose host is not valid.") from None
    if not 0 < port < 65536:
        raise errors.InvalidSetting(f"{setting} holds “{entry}”, whose port does not exist.")
    return name, port


def _parsed(address: str) -> urls.Address | None:
    """None for what is not an address, and for one with a scope, which is never public."""
    try:
        return None if "%" in address else ipaddress.ip_address(address)
    except ValueError:
        return None


def _reachable(address: urls.Address, port: int, allowed: Allowed, host: str) -> bool:
    if _public(address):
        return True
    if not allowed.opens(address, port, host):
        return False
    # Opening a network of addresses that stand for IPv4 ones does not open what lies behind those.
    inner = _embedded(address)
    return inner is None or _reachable(inner, port, allowed, host)


def _public(address: urls.Address) -> bool:
    if address in _METADATA or address.is_multicast or not address.is_global:
        return False
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _CLOSED)


def _embedded(address: urls.Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _wrong_port(host: str, port: int) -> errors.BlockedAddress:
    return errors.BlockedAddress(
        f"{host} is asked for at port {port}; only 80 and 443 are fetched unless a setting allows it."
    )
