"""The `following` table: when which job is submitted, and asked for; leases, and how each turn ends."""

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ambrotype.core import owners
from ambrotype.records import database

Phase = Literal["submit", "poll"]

_COLUMNS = """
  f.generation_id as id, f.phase, f.lease, f.attempts, f.heard_at, f.cancel_at, g.app, g.owner_id, o.kind as owner_kind,
  o.subject as owner_subject, g.provider, g.model, g.kind, g.prompt, g.settings, g.keep, g.project, g.slot, g.wanted,
  g.status, g.progress, g.begun_at, g.provider_job_id, g.handle, g.created_at
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A job that this worker holds, as it was when it was claimed."""

    id: uuid.UUID
    phase: Phase
    lease: uuid.UUID
    attempts: int
    heard_at: datetime.datetime
    cancel_at: datetime.datetime | None
    app: str
    owner_id: uuid.UUID
    owner_kind: owners.OwnerKind
    owner_subject: str
    provider: str
    model: str
    kind: str | None
    prompt: str | None
    settings: dict[str, Any]
    keep: str
    project: str | None
    slot: str | None
    wanted: dict[str, Any]
    status: str
    progress: float | None
    begun_at: datetime.datetime | None
    provider_job_id: str | None
    handle: dict[str, Any]
    created_at: datetime.datetime


# For each phase and provider the first few that are due, in their order; what another worker looks at is passed by.
# Index: following_due.
_CLAIM = f"""
with asked as materialized (
  select * from jsonb_to_recordset(%(room)s::jsonb) as r (phase text, provider text, most integer)
), chosen as materialized (
  select d.generation_id from asked r, lateral (
    select generation_id from ambrotype.following
    where lease is null and phase = r.phase and provider = r.provider and next_at <= now()
    order by turn_at limit r.most for update skip locked
  ) d
)
update ambrotype.following f
set lease = %(lease)s, lease_until = now() + make_interval(secs => %(seconds)s), polled_at = clock_timestamp()
from chosen, ambrotype.generation g, ambrotype.owner o
where f.generation_id = chosen.generation_id and g.id = f.generation_id and o.id = g.owner_id
returning {_COLUMNS}
"""


async def schedule(tx: database.Transaction, *, generation_id: uuid.UUID, owner_id: uuid.UUID, provider: str) -> None:
    """A new generation is to be submitted. Each one that its owner has waiting puts it a second back in the order, up to ten
    minutes: thousands of one owner don't hold up the one of another."""
    await tx.run(
        "insert into ambrotype.following (generation_id, owner_id, provider, phase, turn_at)"
        " select %(id)s, %(owner)s, %(provider)s, 'submit', now() + make_interval(secs => least("
        "   (select count(*) from ambrotype.following where owner_id = %(owner)s and phase = 'submit'), 600))",
        id=generation_id,
        owner=owner_id,
        provider=provider,
    )
    await tx.run("select pg_notify('ambrotype_generation', '')")


async def claim(
    tx: database.Transaction, *, room: Sequence[tuple[Phase, str, int]], lease: uuid.UUID, seconds: float
) -> list[Held]:
    """Takes what is due, up to so many of each phase and provider, under `lease` for `seconds`."""
    asked = [{"phase": phase, "provider": provider, "most": most} for phase, provider, most in room]
    found = await tx.all(_CLAIM, room=database.json(asked), lease=lease, seconds=seconds)
    return [Held(**row) for row in found]


async def next_due(tx: database.Transaction, providers: Sequence[str]) -> float | None:
    """Seconds until something of these providers is due; None where nothing waits."""
    row = await tx.one(
        "select extract(epoch from min(next_at) - clock_timestamp())::float8 as seconds from ambrotype.following"
        " where lease is null and provider = any(%(providers)s)",
        providers=list(providers),
    )
    return row["seconds"] if row else None


async def extend(tx: database.Transaction, *, lease: uuid.UUID, ids: Sequence[uuid.UUID], seconds: float) -> None:
    """Holds on to what is under way."""
    await tx.run(
        "update ambrotype.following set lease_until = now() + make_interval(secs => %(seconds)s)"
        " where lease = %(lease)s and generation_id = any(%(ids)s)",
        lease=lease,
        ids=list(ids),
        seconds=seconds,
    )


async def hand_back(tx: database.Transaction, *, lease: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """Gives jobs back, for anybody to take at once."""
    await tx.run(
        "update ambrotype.following set lease = null, lease_until = null"
        " where lease = %(lease)s and generation_id = any(%(ids)s)",
        lease=lease,
        ids=list(ids),
    )
    await tx.run("select pg_notify('ambrotype_generation', '')")


async def unchanged(tx: database.Transaction, *, lease: uuid.UUID, turns: Sequence[Mapping[str, Any]]) -> None:
    """Jobs that go on: `id`, `after` and `pace` in seconds, and `progress`, `status`, `handle` where they are new (else null).

    A webhook that came meanwhile brings the next look forward, but not before the pace.
    """
    await tx.run(
        """
        with turns as materialized (
          select * from jsonb_to_recordset(%(turns)s::jsonb) as t (id uuid, after double precision, pace double precision,
            progress double precision, status text, handle jsonb)
        ), told as (
          update ambrotype.generation g set progress = coalesce(t.progress, g.progress), handle = coalesce(t.handle, g.handle),
            status = coalesce(t.status, g.status),
            started_at = case when t.status = 'processing' then coalesce(g.started_at, clock_timestamp()) else g.started_at end
          from turns t where g.id = t.id and g.status in ('queued', 'processing')
            and (t.progress is not null or t.status is not null or t.handle is not null)
        )
        update ambrotype.following f set lease = null, lease_until = null, attempts = 0, heard_at = clock_timestamp(),
          cancel_at = case when f.cancel_at >= f.polled_at then f.cancel_at end, hooked_at = null, pace = t.pace,
          next_at = d.at, turn_at = d.at
        from turns t, lateral (
          select clock_timestamp() + make_interval(secs => case
            when x.cancel_at >= x.polled_at then 0 when x.hooked_at >= x.polled_at then t.pace else t.after end) as at
          from ambrotype.following x where x.generation_id = t.id
        ) d
        where f.generation_id = t.id and f.lease = %(lease)s
        """,
        lease=lease,
        turns=database.json(list(turns)),
    )


async def again(tx: database.Transaction, *, generation_id: uuid.UUID, lease: uuid.UUID, after: float) -> None:
    """The turn failed; the next one is due in `after` seconds."""
    await tx.run(
        "update ambrotype.following set lease = null, lease_until = null, attempts = attempts + 1, hooked_at = null,"
        " next_at = clock_timestamp() + make_interval(secs => %(after)s),"
        " turn_at = clock_timestamp() + make_interval(secs => %(after)s)"
        " where generation_id = %(id)s and lease = %(lease)s",
        id=generation_id,
        lease=lease,
        after=after,
    )


async def submitted(
    tx: database.Transaction, *, generation_id: uuid.UUID, provider: str, job_id: str, pace: float, after: float
) -> None:
    """The provider has the job: it is asked for in `after` seconds, or as soon as its pace allows where a webhook is there
    already. A wish to cancel that came meanwhile is seen to at once."""
    await tx.run(
        """
        with early as (
          select exists (select from ambrotype.hook where provider = %(provider)s and job_id = %(job)s) as heard
        )
        update ambrotype.following f set phase = 'poll', lease = null, lease_until = null, attempts = 0, pace = %(pace)s,
          heard_at = clock_timestamp(), next_at = d.at, turn_at = d.at
        from early, lateral (select clock_timestamp() + make_interval(secs => case
            when (select cancel_at from ambrotype.following where generation_id = %(id)s) is not null or early.heard then 0
            else %(after)s end) as at) d
        where f.generation_id = %(id)s
        """,
        id=generation_id,
        provider=provider,
        job=job_id,
        pace=pace,
        after=after,
    )


async def over(tx: database.Transaction, generation_id: uuid.UUID) -> None:
    """Nothing more is to be done for it."""
    await tx.run("delete from ambrotype.following where generation_id = %(id)s", id=generation_id)


async def free(tx: database.Transaction) -> int:
    """Jobs of workers that died: they are due again. How many."""
    return await tx.run(
        "update ambrotype.following set lease = null, lease_until = null where generation_id in ("
        " select generation_id from ambrotype.following where lease is not null and lease_until <= now()"
        " for update skip locked)"
    )


async def mend(tx: database.Transaction) -> int:
    """Makes timetables again that somebody removed; how many. Index: generation_open."""
    return await tx.run(
        "insert into ambrotype.following (generation_id, owner_id, provider, phase)"
        " select g.id, g.owner_id, g.provider, case when g.provider_job_id is null then 'submit' else 'poll' end"
        " from ambrotype.generation g where g.status in ('queued', 'processing')"
        " and not exists (select from ambrotype.following f where f.generation_id = g.id)"
        " limit 1000 on conflict do nothing"
    )


async def heard_by_token(tx: database.Transaction, generation_id: uuid.UUID) -> str | None:
    """The job that a webhook with this generation's token has named. Index: hook_token."""
    row = await tx.one(
        "select h.job_id from ambrotype.generation g join ambrotype.hook h on h.token_hash = g.token_hash"
        " where g.id = %(id)s and h.provider = g.provider order by h.received_at limit 1",
        id=generation_id,
    )
    return row["job_id"] if row else None


async def deserted(tx: database.Transaction, providers: Sequence[str], *, seconds: float, most: int) -> list[uuid.UUID]:
    """Jobs of providers that are not among those, unheard of for so long."""
    found = await tx.all(
        "select generation_id from ambrotype.following where lease is null and not provider = any(%(providers)s)"
        " and heard_at < now() - make_interval(secs => %(seconds)s) limit %(most)s",
        providers=list(providers),
        seconds=seconds,
        most=most,
    )
    return [row["generation_id"] for row in found]


async def forget_hooks(tx: database.Transaction, *, seconds: float) -> int:
    """Webhooks are remembered for so long."""
    return await tx.run(
        "delete from ambrotype.hook where received_at < now() - make_interval(secs => %(seconds)s)", seconds=seconds
    )
