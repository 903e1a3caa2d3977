"""The verbs over HTTP without `await`, in the same files as in `asynchronous`."""

from ambrotype.client.blocking.client import Client

__all__ = ["Client"]
