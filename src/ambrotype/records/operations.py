"""Operations: actions on more items than one request may wait for. A lease holds one; a dead worker's is taken over."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ambrotype.records import database

LEASE = 60


async def count(tx: database.Transaction, filters: Mapping[str, Any], *, most: int) -> int:
    """How many of the caller's items the filters name, counted up to `most`."""
    row = await tx.one("select ambrotype.count_media(%(f)s, %(most)s) as n", f=database.json(filters), most=most)
    return row["n"] if row else 0


async def create(
    tx: database.Transaction,
    *,
    operation_id: uuid.UUID,
    principal: Mapping[str, Any],
    owner_name: str,
    request: Mapping[str, Any],
    total: int,
) -> None:
    """Writes an operation down; a worker takes it."""
    await tx.run(
        "insert into ambrotype.operation (id, principal, owner_name, request, total)"
        " values (%(id)s, %(principal)s, %(owner)s, %(request)s, %(total)s)",
        id=operation_id,
        principal=database.json(principal),
        owner=owner_name,
        request=database.json(request),
        total=total,
    )
    await tx.run("select pg_notify('ambrotype_capture', '')")


async def get(tx: database.Transaction, operation_id: uuid.UUID) -> database.Row | None:
    """One operation."""
    return await tx.one(
        "select id, owner_name, state, done, total, failures, created_at, finished_at"
        " from ambrotype.operation where id = %(id)s",
        id=operation_id,
    )


async def claim(tx: database.Transaction) -> database.Row | None:
    """The oldest operation that nobody works on."""
    return await tx.one(
        "update ambrotype.operation set state = 'running', lease_until = now() + make_interval(secs => %(lease)s)"
        " where id = (select id from ambrotype.operation where state in ('waiting', 'running')"
        "   and (lease_until is null or lease_until < now()) order by created_at limit 1 for update skip locked)"
        " returning id, principal, request, position, done, failures",
        lease=LEASE,
    )


async def advance(
    tx: database.Transaction,
    operation_id: uuid.UUID,
    *,
    position: str | None,
    done: int,
    failures: Sequence[Mapping[str, Any]],
    finished: bool,
) -> None:
    """How far it is; the lease begins anew."""
    await tx.run(
        "update ambrotype.operation set position = %(position)s, done = done + %(done)s,"
        " failures = case when jsonb_array_length(failures) < 1000 then failures || %(failures)s::jsonb else failures end,"
        " state = case when %(finished)s then 'done' else state end,"
        " finished_at = case when %(finished)s then now() end, lease_until = now() + make_interval(secs => %(lease)s)"
        " where id = %(id)s",
        id=operation_id,
        position=position,
        done=done,
        failures=database.json(list(failures)),
        finished=finished,
        lease=LEASE,
    )
