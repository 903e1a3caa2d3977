"""Queues made straight in the database: as many captures as wanted, in a moment."""

import dataclasses
import uuid

import psycopg

from ambrotype.core import ids

OWNERS = """
insert into ambrotype.owner (id, app, kind, subject)
select id, 'default', 'user', %(prefix)s || id from unnest(%(ids)s::uuid[]) id
"""
ITEMS = """
with item as (
  insert into ambrotype.media (id, app, owner_id, status, kind, source, visibility, name, layout)
  select gen_random_uuid(), 'default', %(owner)s, 'keeping', 'image', 'generation', 'private', 'image.png', 'default'
  from generate_series(1, %(n)s) returning id
)
insert into ambrotype.capture (media_id, owner_id, url, host, deadline, not_before, urgent_at)
select id, %(owner)s, 'http://' || %(host)s || '/' || id, %(host)s,
       now() + make_interval(secs => %(deadline)s + row_number() over ()),
       now() + make_interval(secs => %(not_before)s),
       case when %(urgent)s then now() end
from item returning media_id
"""


@dataclasses.dataclass(frozen=True)
class Queue:
    """Adds to the queue of the database behind `conninfo`, a superuser's."""

    conninfo: str

    def owners(self, n: int, *, prefix: str = "owner") -> list[uuid.UUID]:
        fresh = [ids.new() for _ in range(n)]
        with psycopg.connect(self.conninfo) as connection:
            connection.execute(OWNERS, {"prefix": prefix, "ids": fresh})
        return fresh

    def add(
        self,
        owner: uuid.UUID,
        n: int = 1,
        *,
        host: str = "cdn.test",
        deadline: float = 86400,
        not_before: float = 0,
        urgent: bool = False,
    ) -> set[uuid.UUID]:
        """`n` captures of `owner` from `host`, a second between deadlines, the first dies in `deadline` seconds."""
        values = {
            "owner": owner,
            "n": n,
            "host": host,
            "deadline": deadline,
            "not_before": not_before,
            "urgent": urgent,
        }
        with psycopg.connect(self.conninfo) as connection:
            connection.execute("set local session_replication_role = replica")  # no triggers: events are not the matter
            return {row[0] for row in connection.execute(ITEMS, values).fetchall()}

    def analyzed(self) -> None:
        """Statistics as autovacuum has them a minute later."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("vacuum analyze ambrotype.capture, ambrotype.media, ambrotype.owner")
