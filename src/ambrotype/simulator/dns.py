"""DNS rebinding: a name that is public when it is checked and private when it is connected to."""

import socket

from aiohttp import abc


class Rebinding(abc.AbstractResolver):
    """Answers the first look-up of each name with `first`, and all later ones with `then`. Asks no server."""

    def __init__(self, *, first: str = "93.184.215.14", then: str = "127.0.0.1") -> None:
        self._first = first
        self._then = then
        self.lookups: dict[str, int] = {}
        """Name → how often it was asked for."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        """One address."""
        asked = self.lookups.get(host, 0)
        self.lookups[host] = asked + 1
        address = self._then if asked else self._first
        return [
            abc.ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""
