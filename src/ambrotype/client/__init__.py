"""The verbs over HTTP.

`http` sends, `asking` and `problems` translate, `asynchronous` has the verbs and `blocking` the same without an event
loop.
"""

from ambrotype.client.asynchronous import AsyncClient
from ambrotype.client.blocking import Client

__all__ = ["AsyncClient", "Client"]
