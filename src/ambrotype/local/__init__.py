"""Ambrotype embedded: `open` gives a `Library`, which has the verbs of the clients."""

from ambrotype.local.library import Library
from ambrotype.local.opening import open

__all__ = ["Library", "open"]
