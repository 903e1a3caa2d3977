"""Rate limits of the routes: who is counted, from which address, and the headers that tell where they stand."""

import ipaddress
from collections.abc import Sequence

from starlette import requests

from ambrotype.accounts import rates
from ambrotype.core import errors, owners
from ambrotype.delivery import asgi

_STANDING = "ambrotype.standing"
"""Where the request's scope says it: every reply tells, whoever answers."""


def count(connection: requests.HTTPConnection, who: owners.Principal | None) -> None:
    """Counts the request. Raises `errors.RateLimited` where it is one too many."""
    limiter: rates.Limiter = connection.app.state.limiter
    _told(connection, limiter.request(who, address(connection)), "requests")


def count_new_guest(connection: requests.HTTPConnection) -> None:
    """Counts a guest that nobody's key makes."""
    limiter: rates.Limiter = connection.app.state.limiter
    _told(connection, limiter.new_guest(address(connection)), "new guests")


def count_guess(connection: requests.HTTPConnection, what: str) -> None:
    """Counts an attempt at the password of `what`."""
    limiter: rates.Limiter = connection.app.state.limiter
    _told(connection, limiter.guess(what, address(connection)), "attempts")


def headers(scope: asgi.Scope) -> asgi.Headers:
    """What a reply says of the limit (draft-ietf-httpapi-ratelimit-headers-07)."""
    standing: rates.Standing | None = scope.get(_STANDING)
    if standing is None:
        return []
    return [
        (b"ratelimit-limit", str(standing.limit).encode()),
        (b"ratelimit-remaining", str(standing.remaining).encode()),
        (b"ratelimit-reset", str(standing.reset).encode()),
    ]


def address(connection: requests.HTTPConnection) -> str:
    """Whom the request is from: behind proxies of AMBROTYPE_TRUSTED_PROXIES, the last address that is none of them."""
    trusted = [ipaddress.ip_network(one) for one in connection.app.state.context.app.settings.trusted_proxies]
    found = connection.client.host if connection.client is not None else ""
    told = ",".join(connection.headers.getlist("x-forwarded-for")) if trusted else ""
    for earlier in reversed([part.strip() for part in told.split(",") if part.strip()]):
        if not _within(found, trusted):
            break
        found = earlier
    return found


def _within(text: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        return any(ipaddress.ip_address(text) in network for network in networks)
    except ValueError:
        return False


def _told(connection: requests.HTTPConnection, standing: rates.Standing | None, what: str) -> None:
    if standing is None:
        return
    connection.scope[_STANDING] = standing
    if standing.exceeded:
        raise errors.RateLimited(
            f"There were more than {standing.limit} {what} lately; try again in {standing.reset} seconds.",
            retry_after=standing.reset,
        )
