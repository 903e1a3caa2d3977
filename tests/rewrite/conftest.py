"""A server, a simulator to capture from, and the faces that rewrite."""

from tests.faces.conftest import client, library, owner, server, sim

__all__ = ["client", "library", "owner", "server", "sim"]
