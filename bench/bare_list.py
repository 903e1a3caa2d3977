"""The least that a list of media can be: a raw ASGI route, one prepared statement, JSON built by PostgreSQL.

No caller, no rights, no cursor, no URLs, no log. `python -m bench.bare_list PORT`, with the database in BARE_DSN and the owner
in BARE_OWNER.
"""

import os
import sys
import urllib.parse
from typing import Any

import granian
import psycopg
import psycopg_pool
from granian import constants

ORDERS = {
    "-created_at": "m.created_at desc, m.id desc",
    "created_at": "m.created_at, m.id",
    "-size": "m.size desc, m.id desc",
    "size": "m.size, m.id",
    "title": "m.title_order, m.id",
    "source_expires_at": "m.source_expires_at, m.id",
}
_ROWS = """
select coalesce(json_agg(row_to_json(x)), '[]')::text from (
  select m.id, m.status, m.kind, m.source, m.enhancement, m.visibility, m.name, m.favorite, m.provider, m.model, m.request_id,
    m.generation_id, m.project, m.slot, m.version, m.source_expires_at, m.source_expiry_rule, m.layout, m.bucket, m.path, m.size,
    m.content_type, encode(m.sha256, 'hex') as sha256, m.width, m.height, m.duration, encode(m.thumbhash, 'base64') as thumbhash,
    m.inspection, m.inspection_detail, m.lost_code, m.lost_detail, m.lost_retryable, m.expires_at, m.created_at, m.kept_at,
    m.updated_at, m.deleted_at, t.source_url, t.title, t.description, t.tags, t.metadata, t.attribution, t.prompt, t.settings,
    t.provenance, t.cost,
    (select json_agg(json_build_object('id', p.parent_id, 'role', p.role) order by p.position)
     from ambrotype.media_parent p where p.media_id = m.id) as parents
  from (select * from ambrotype.media m
        where m.owner_id = %s and m.deleted_at is null and m.status in ('kept', 'keeping') {present}
        order by {order} limit 50) as m
  join ambrotype.media_text t on t.media_id = m.id order by {order}
) as x
"""


class App:
    """The route."""

    def __init__(self) -> None:
        self._pool: psycopg_pool.AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None = None
        self._owner = os.environ["BARE_OWNER"]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if self._pool is None:
            self._pool = psycopg_pool.AsyncConnectionPool(
                os.environ["BARE_DSN"], min_size=10, max_size=10, open=False,
                kwargs={"autocommit": True, "prepare_threshold": 0},
            )  # fmt: skip
            await self._pool.open(wait=True)
        sort = dict(urllib.parse.parse_qsl(scope["query_string"].decode())).get("sort", "-created_at")
        present = "and m.title_order is not null" if sort == "title" else ""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_ROWS.format(order=ORDERS[sort], present=present).encode(), [self._owner])
            row = await cursor.fetchone()
        body = row[0].encode() if row else b"[]"
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def create() -> App:
    return App()


if __name__ == "__main__":
    granian.Granian(
        "bench.bare_list:create",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=constants.Interfaces.ASGI,
        loop=constants.Loops.uvloop,
        factory=True,
        workers=1,
        runtime_threads=1,
        websockets=False,
        log_enabled=False,
    ).serve()
