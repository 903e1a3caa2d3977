"""The verbs over HTTP with `await`: keeping and lists in `client`, the rest by what it is about."""

from ambrotype.client.asynchronous.client import AsyncClient

__all__ = ["AsyncClient"]
