"""What every verb over HTTP needs."""

from typing import TypeVar

import pydantic

from ambrotype import paging
from ambrotype.client import http
from ambrotype.client.asynchronous import answers

T = TypeVar("T")


class Base:
    """A connection to a server."""

    def __init__(self, connection: http.Connection) -> None:
        self._http = connection

    def _listed(
        self,
        adapter: pydantic.TypeAdapter[T],
        path: str,
        query: tuple[tuple[str, str], ...] = (),
        *,
        limit: int | None = None,
    ) -> paging.Listed[T]:
        async def fetch(cursor: str | None, most: int) -> tuple[list[T], str | None]:
            at = (("cursor", cursor),) if cursor is not None else ()
            call = http.Call(method="GET", path=path, query=(*query, ("limit", str(most)), *at))
            found = answers.document(await self._http.send(call))
            return [answers.read(adapter, one) for one in found["items"]], found["next_cursor"]

        return paging.Listed(fetch, limit=limit)
