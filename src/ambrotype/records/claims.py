"""Claims on the `capture` table: which captures a worker takes next, and for how long it holds them."""

import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Final, LiteralString

from ambrotype.records import captures, database


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim(captures.Item):
    """A capture that this worker holds."""

    lease: uuid.UUID
    url: str
    trusted: bool
    deadline: datetime.datetime
    assumed: bool
    attempts: int
    accepted_at: datetime.datetime
    generation_id: uuid.UUID | None = None
    authenticated_by: str | None = None
    """The provider whose credentials this very URL needs."""


# Claims are made one at a time (the advisory lock), so that the limits per host are exact across workers.
# Candidates come from three short index scans, so that neither one owner's thousands nor one host's hide the rest:
# who is waited for, what dies first on each host, what dies first of each owner. Where there are many hosts or owners,
# each claim looks at some of them, and the next one goes on behind them.
# The plan is made once for all values: the constant limits tell it how few rows there are; without them it reads tables.
# Among the candidates: waited for first, then what dies within five minutes, then in turn among owners, then by
# deadline.
_CLAIM = """
with recursive
  running as materialized (select owner_id, host from ambrotype.capture where lease is not null),
  busy_hosts as materialized (select host, count(*) as n from running group by host),
  busy_owners as materialized (select owner_id, count(*) as n from running group by owner_id),
  hosts (host, began, seen) as (
    select f.host, f.host, 1 from (
      select coalesce(
        (select host from ambrotype.capture where lease is null and host > %(after_host)s order by host limit 1),
        (select host from ambrotype.capture where lease is null order by host limit 1)) as host
    ) f where f.host is not null
    union all
    select n.host, h.began, h.seen + 1 from hosts h, lateral (
      select coalesce(
        (select c.host from ambrotype.capture c where c.lease is null and c.host > h.host order by c.host limit 1),
        (select host from ambrotype.capture where lease is null order by host limit 1)) as host
    ) n where h.seen < %(sample)s and n.host <> h.began
  ),
  owners (owner_id, began, seen) as (
    select f.owner_id, f.owner_id, 1 from (
      select coalesce(
        (select owner_id from ambrotype.capture where lease is null and owner_id > %(after_owner)s
         order by owner_id limit 1),
        (select owner_id from ambrotype.capture where lease is null order by owner_id limit 1)) as owner_id
    ) f where f.owner_id is not null
    union all
    select n.owner_id, o.began, o.seen + 1 from owners o, lateral (
      select coalesce(
        (select c.owner_id from ambrotype.capture c where c.lease is null and c.owner_id > o.owner_id
         order by c.owner_id limit 1),
        (select owner_id from ambrotype.capture where lease is null order by owner_id limit 1)) as owner_id
    ) n where o.seen < %(sample)s and n.owner_id <> o.began
  ),
  looked as materialized (
    select (select host from hosts order by seen desc limit 1) as host,
           (select owner_id from owners order by seen desc limit 1) as owner_id,
           (select count(*) from hosts)::int as hosts, (select count(*) from owners)::int as owners
  ),
  candidates as (
    (select media_id, owner_id, host, urgent_at, deadline from ambrotype.capture
     where urgent_at is not null and lease is null and not_before <= now() order by urgent_at limit 256)
    union
    select c.* from hosts h left join busy_hosts b using (host), lateral (select * from (
      select media_id, owner_id, host, urgent_at, deadline from ambrotype.capture
      where lease is null and host = h.host and not_before <= now() order by deadline
      limit least(%(n)s, %(per_host)s, greatest(2, 128 / (select hosts from looked)))
    ) c limit 16) c where coalesce(b.n, 0) < %(per_host)s
    union
    select c.* from owners o, lateral (select * from (
      select media_id, owner_id, host, urgent_at, deadline from ambrotype.capture
      where lease is null and owner_id = o.owner_id and not_before <= now() order by deadline
      limit greatest(2, least(%(n)s, 128 / (select owners from looked)))
    ) c limit 16) c
  ),
  ranked as (
    select *, deadline < now() + interval '5 minutes' as dying,
           coalesce((select b.n from busy_owners b where b.owner_id = c.owner_id), 0)
             + row_number() over (partition by owner_id order by deadline) as turn
    from candidates c
  ),
  placed as (
    select *, coalesce((select b.n from busy_hosts b where b.host = r.host), 0)
              + row_number() over (partition by host order by urgent_at nulls last, not dying, turn, deadline) as place
    from ranked r
  ),
  picked as (
    select media_id from (
      select media_id from placed where place <= %(per_host)s
      order by urgent_at nulls last, not dying, turn, deadline limit %(n)s
    ) p limit 256
  ),
  chosen as materialized (
    select c.media_id from picked p, lateral (
      select media_id from ambrotype.capture where media_id = p.media_id and lease is null for update skip locked
    ) c
  ),
  claimed as (
    update ambrotype.capture c
    set lease = %(lease)s, lease_until = now() + make_interval(secs => %(seconds)s), attempts = attempts + 1
    from chosen, ambrotype.media m, ambrotype.owner o
    where c.media_id = chosen.media_id and m.id = c.media_id and o.id = m.owner_id
    returning c.media_id, c.lease, c.url, c.trusted, c.deadline, c.assumed, c.attempts, c.created_at as accepted_at,
              m.owner_id, o.kind as owner_kind, o.subject as owner_subject, m.source, m.kind, m.enhancement, m.project,
              m.slot, m.version, m.name, m.layout, m.created_at, m.generation_id,
              (select g.provider from ambrotype.generation_output u join ambrotype.generation g on g.id = u.generation_id
               where u.media_id = c.media_id and u.authenticated and u.url = c.url limit 1) as authenticated_by
  )
select l.host as looked_host, l.owner_id as looked_owner, greatest(l.hosts, l.owners) as looked, claimed.*
from looked l left join claimed on true
"""
_STALLED: Final = "5s"
"""How long a worker may say nothing in a transaction of claims before PostgreSQL ends it: one that is stopped (a paused
machine, a cut network) would keep all others from claiming."""
# Planning takes longer than the claim itself: the plan of the prepared statement is kept.
_CLAIMING: LiteralString = f"""
select set_config('idle_in_transaction_session_timeout', '{_STALLED}', true),
       set_config('plan_cache_mode', 'force_generic_plan', true), pg_advisory_xact_lock({0x616D6263});
update ambrotype.capture set lease = null, lease_until = null where media_id in (
  select media_id from ambrotype.capture where lease is not null and lease_until <= now() for update skip locked)
"""
_SAMPLE = 64
_NIL = uuid.UUID(int=0)


class Round:
    """How far a worker's claims have come on their way around hosts and owners."""

    def __init__(self) -> None:
        self.host = ""
        self.owner = _NIL
        self.more = False
        """The last claim has not looked at all hosts or owners."""


@contextlib.asynccontextmanager
async def claiming(data: database.Database) -> AsyncIterator[database.Transaction]:
    """A transaction of claims: one at a time, and captures whose leases have run out wait again."""
    async with data.transaction(database.WORKER, opening=_CLAIMING) as tx:
        yield tx


async def claim(
    tx: database.Transaction, *, most: int, per_host: int, lease: uuid.UUID, seconds: float, turn: Round
) -> list[Claim]:
    """Takes up to `most` due captures under `lease` for `seconds`; never more than `per_host` at once to one host.

    `tx` is one of `claiming`. `turn` is kept between the claims of one worker, and moves on. 1 to 3 ms with 100,000 waiting.
    """
    found = await tx.all(
        _CLAIM,
        n=most,
        per_host=per_host,
        lease=lease,
        seconds=seconds,
        after_host=turn.host,
        after_owner=turn.owner,
        sample=_SAMPLE,
    )
    turn.host, turn.owner = found[0].pop("looked_host") or "", found[0].pop("looked_owner") or _NIL
    turn.more = found[0].pop("looked") >= _SAMPLE
    return [
        Claim(**{name: value for name, value in row.items() if not name.startswith("looked")})
        for row in found
        if row["media_id"] is not None
    ]


async def extend(tx: database.Transaction, *, lease: uuid.UUID, media: Sequence[uuid.UUID], seconds: float) -> None:
    """Holds on to captures that are under way."""
    await tx.run("select set_config('idle_in_transaction_session_timeout', %(stalled)s, true)", stalled=_STALLED)
    await tx.run(
        "update ambrotype.capture set lease_until = now() + make_interval(secs => %(seconds)s)"
        " where lease = %(lease)s and media_id = any(%(media)s)",
        lease=lease,
        media=list(media),
        seconds=seconds,
    )


async def hand_back(tx: database.Transaction, *, lease: uuid.UUID, media: Sequence[uuid.UUID], attempt: int) -> None:
    """Gives captures back unfinished, for anybody to take at once; `attempt` is 1 where the try shall not count."""
    await tx.run(
        "update ambrotype.capture set lease = null, lease_until = null, attempts = greatest(attempts - %(attempt)s, 0)"
        " where lease = %(lease)s and media_id = any(%(media)s)",
        lease=lease,
        media=list(media),
        attempt=attempt,
    )
    await tx.run("select pg_notify('ambrotype_capture', '')")
