"""The providers that are set up, and what an installation adds to them: who can be reached from where."""

import dataclasses
import ipaddress
import urllib.parse
from collections.abc import Mapping

from ambrotype.core import errors
from ambrotype.providers import contract

_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """Adapters by name, those with a key; and the names of those that could be set up too."""

    adapters: Mapping[str, contract.Provider]
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Name → the setting that would configure it."""

    def get(self, name: str) -> contract.Provider:
        """The adapter of this name; `errors.InvalidRequest` where there is none or it has no key."""
        found = self.adapters.get(name)
        if found is not None:
            return found
        if name in self.settings:
            raise errors.InvalidRequest(
                f"The provider {name!r} is not configured: set {self.settings[name]}.", pointer="/provider"
            )
        known = ", ".join(sorted({*self.adapters, *self.settings})) or "none"
        raise errors.InvalidRequest(f"There is no provider {name[:80]!r}; there are {known}.", pointer="/provider")

    def locks(self, url: str) -> bool:
        """Whether a URL lies within a provider's API, where only its key opens anything."""
        return any(
            url.startswith(f"{adapter.base_url}/") and origin(url) == origin(adapter.base_url)
            for adapter in self.adapters.values()
        )


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what has no such thing."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or port is None:
        return None
    return parts.scheme, parts.hostname.lower(), port


def reaches(provider: contract.Provider, public_url: str | None) -> bool:
    """Whether the provider can reach us: at a public address, or on loopback where it is there itself."""
    ours = origin(public_url) if public_url else None
    theirs = origin(provider.base_url)
    return ours is not None and (not _near(ours[1]) or (theirs is not None and _near(theirs[1])))


def _near(host: str) -> bool:
    """Loopback, or a private network's address."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
