"""How often a caller may ask. Each API process counts by itself, in memory: nothing is written for a request.

With several API processes a caller may so get up to that many times the limit (docs/decisions/limits.md).
"""

import dataclasses
import ipaddress
import math
import time

import limits
from limits import storage, strategies

from ambrotype.core import owners

GUESSES = 10
"""Attempts at a password that one address has within ten minutes."""
PREFIX_V6 = 64
"""Bits of an IPv6 address that one customer of a network has at the least (RFC 6177)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Requests a minute by role, and guests that one address may make in an hour. 0 = any number."""

    keys: int
    users: int
    guests: int
    nobody: int
    new_guests: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a caller stands after a request. `reset` is seconds until the next one can count as the first."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool


class Limiter:
    """Counts requests in sliding windows."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._strategy = strategies.SlidingWindowCounterRateLimiter(storage.MemoryStorage())

    def request(self, who: owners.Principal | None, address: str) -> Standing | None:
        """Counts a request of a caller, or of the address where nobody asks; None where there is no limit."""
        if who is None:
            return self._count(limits.RateLimitItemPerMinute, self._rates.nobody, f"nobody/{network(address)}")
        if who.is_key:
            return self._count(limits.RateLimitItemPerMinute, self._rates.keys, f"key/{who.key_id}")
        most = self._rates.users if who.role == "user" else self._rates.guests
        return self._count(limits.RateLimitItemPerMinute, most, who.name)

    def new_guest(self, address: str) -> Standing | None:
        """Counts a guest that somebody without a key makes."""
        return self._count(limits.RateLimitItemPerHour, self._rates.new_guests, f"new/{network(address)}")

    def guess(self, what: str, address: str) -> Standing:
        """Counts an attempt at a password: of one thing, from one address."""
        return self._hit(limits.RateLimitItemPerMinute(GUESSES, 10), f"guess/{what}/{network(address)}")

    def _count(self, window: type[limits.RateLimitItem], most: int, name: str) -> Standing | None:
        return self._hit(window(most), name) if most else None

    def _hit(self, item: limits.RateLimitItem, name: str) -> Standing:
        taken = self._strategy.hit(item, name)
        stats = self._strategy.get_window_stats(item, name)
        return Standing(
            limit=item.amount,
            remaining=int(stats.remaining) if taken else 0,
            reset=max(1, math.ceil(stats.reset_time - time.time())),
            exceeded=not taken,
        )


def network(address: str) -> str:
    """What counts as one place on the network: an IPv4 address, or an IPv6 network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, PREFIX_V6), strict=False))
