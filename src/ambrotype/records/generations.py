"""The `generation` table: jobs as their owners see them, and what the worker writes of them."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from ambrotype.records import database

_COLUMNS = """
  g.id, o.kind as owner_kind, o.subject as owner_subject, g.provider, g.model, g.kind, g.prompt, g.settings, g.status,
  g.progress, g.provider_job_id, g.keep, g.project, g.slot, g.error_code, g.error_detail, g.error_retryable, g.cost,
  g.metadata, g.created_at, g.started_at, g.finished_at,
  (select json_agg(json_build_object('id', i.media_id, 'role', i.role) order by i.position)
   from ambrotype.generation_input i where i.generation_id = g.id) as inputs,
  (select array_agg(u.media_id order by u.position) from ambrotype.generation_output u where u.generation_id = g.id)
    as outputs
"""
_TABLES = """
  ambrotype.generation g
  join ambrotype.owner w on w.id = g.owner_id
  join ambrotype.owner o on o.id = coalesce(w.merged_into, w.id)
"""


async def get(tx: database.Transaction, generation_id: uuid.UUID) -> database.Row | None:
    """The caller's generation."""
    return await tx.one(sql.SQL(f"select {_COLUMNS} from {_TABLES} where g.id = %(id)s"), id=generation_id)


async def page(
    tx: database.Transaction,
    *,
    filters: Mapping[str, Sequence[str]],
    after: tuple[str, uuid.UUID] | None,
    most: int,
) -> list[database.Row]:
    """The caller's generations, newest first. Indexes: generation_newest, generation_everybody."""
    return await tx.all(
        sql.SQL(
            f"select {_COLUMNS}, g.created_at::text as sort_value from {_TABLES}"
            " where (current_setting('role') = 'ambrotype_service'"
            "        or g.owner_id = any((select ambrotype.former_owners())::uuid[]))"
            " and (%(at)s::timestamptz is null or (g.created_at, g.id) < (%(at)s, %(id)s))"
            " and (%(status)s::text[] is null or g.status = any(%(status)s))"
            " and (%(provider)s::text[] is null or g.provider = any(%(provider)s))"
            " and (%(model)s::text[] is null or g.model = any(%(model)s))"
            " and (%(project)s::text[] is null or g.project = any(%(project)s))"
            " order by g.created_at desc, g.id desc limit %(most)s"
        ),
        at=after[0] if after else None,
        id=after[1] if after else None,
        most=most,
        **{name: filters.get(name) for name in ("status", "provider", "model", "project")},
    )


async def create(
    tx: database.Transaction, values: Mapping[str, Any], inputs: Sequence[tuple[uuid.UUID, str, str | None]]
) -> None:
    """A generation of the caller (`values["owner_id"]`), with its inputs: item, role, and URL where it was given by one."""
    await tx.run(
        "insert into ambrotype.generation (id, app, owner_id, provider, model, kind, prompt, settings, keep, project, slot, wanted)"
        " select %(id)s, o.app, o.id, %(provider)s, %(model)s, %(kind)s, %(prompt)s, %(settings)s, %(keep)s, %(project)s,"
        " %(slot)s, %(wanted)s from ambrotype.owner o where o.id = %(owner_id)s",
        **{**values, **{name: database.json(values[name]) for name in ("settings", "wanted")}},
    )
    for position, (media_id, role, url) in enumerate(inputs):
        await tx.run(
            "insert into ambrotype.generation_input (generation_id, position, media_id, role, url)"
            " values (%(generation)s, %(position)s, %(media)s, %(role)s, %(url)s)",
            generation=values["id"],
            position=position,
            media=media_id,
            role=role,
            url=url,
        )


async def of_job(tx: database.Transaction, provider: str, job_id: str) -> uuid.UUID | None:
    """The caller's generation that this job of the provider is. Index: generation_job."""
    row = await tx.one(
        "select id from ambrotype.generation where provider = %(provider)s and provider_job_id = %(job)s"
        " order by created_at limit 1",
        provider=provider,
        job=job_id,
    )
    return row["id"] if row else None


async def outputs_to_save(tx: database.Transaction, generation_id: uuid.UUID) -> list[uuid.UUID]:
    """From now on the generation's outputs are kept; those that are there and not asked for yet, in order."""
    await tx.run("update ambrotype.generation set keep = 'auto' where id = %(id)s and keep <> 'auto'", id=generation_id)
    found = await tx.all(
        "select m.id from ambrotype.generation_output u join ambrotype.media m on m.id = u.media_id"
        " where u.generation_id = %(id)s and m.status in ('temporary', 'expired', 'lost') and m.deleted_at is null"
        " order by u.position",
        id=generation_id,
    )
    return [row["id"] for row in found]


async def cancel(tx: database.Transaction, generation_id: uuid.UUID) -> str:
    """`cancelled` where nothing had gone out, `asked` where the worker is to ask the provider, `missing`, or the state in
    which it has ended already."""
    row = await tx.one("select ambrotype.cancel_generation(%(id)s) as outcome", id=generation_id)
    assert row is not None
    return str(row["outcome"])


async def lock(tx: database.Transaction, generation_id: uuid.UUID) -> database.Row | None:
    """For the worker: the generation with all it holds, locked until the transaction ends."""
    return await tx.one(
        "select g.*, o.kind as owner_kind, o.subject as owner_subject from ambrotype.generation g"
        " join ambrotype.owner o on o.id = g.owner_id where g.id = %(id)s for no key update of g",
        id=generation_id,
    )


async def inputs(tx: database.Transaction, generation_id: uuid.UUID) -> list[database.Row]:
    """For the worker: what the job works on, with what is known of each item."""
    return await tx.all(
        "select i.media_id, i.role, i.url, m.status, m.name, m.visibility, m.kind, m.content_type, m.size, m.bucket, m.path,"
        " m.provider, m.request_id, m.lost_code, m.source_trusted, t.source_url,"
        " exists (select from ambrotype.generation_output u where u.media_id = m.id and u.authenticated) as authenticated"
        " from ambrotype.generation_input i join ambrotype.media m on m.id = i.media_id"
        " join ambrotype.media_text t on t.media_id = m.id where i.generation_id = %(id)s order by i.position",
        id=generation_id,
    )


async def begin(tx: database.Transaction, generation_id: uuid.UUID, *, token_hash: bytes) -> bool:
    """The request that starts the job goes out once this is committed; False where it must not."""
    return bool(
        await tx.run(
            "update ambrotype.generation set begun_at = clock_timestamp(), token_hash = %(token)s"
            " where id = %(id)s and status = 'queued' and begun_at is null",
            id=generation_id,
            token=token_hash,
        )
    )


async def not_begun(tx: database.Transaction, generation_id: uuid.UUID) -> None:
    """The provider is known not to have taken it: it may be sent again."""
    await tx.run(
        "update ambrotype.generation set begun_at = null, token_hash = null"
        " where id = %(id)s and status = 'queued' and provider_job_id is null",
        id=generation_id,
    )


async def write(tx: database.Transaction, generation_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Writes columns of a locked generation; documents as JSON."""
    documents = {"handle", "metadata", "cost"}
    given = {name: database.json(value) if name in documents else value for name, value in values.items()}
    changes = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in given]
    await tx.run(
        sql.SQL("update ambrotype.generation set {} where id = %(generation_id)s").format(sql.SQL(", ").join(changes)),
        generation_id=generation_id,
        **given,
    )


async def outputs(tx: database.Transaction, generation_id: uuid.UUID) -> dict[str, database.Row]:
    """For the worker: what was accepted already, by key."""
    found = await tx.all(
        "select key, position, media_id, role, url, authenticated, renewals from ambrotype.generation_output"
        " where generation_id = %(id)s order by position",
        id=generation_id,
    )
    return {row["key"]: row for row in found}


async def put_output(
    tx: database.Transaction,
    generation_id: uuid.UUID,
    *,
    key: str,
    media_id: uuid.UUID,
    role: str,
    url: str | None,
    authenticated: bool,
) -> None:
    """Notes an accepted output; as the worker, in the transaction that accepted it."""
    await tx.run(
        "insert into ambrotype.generation_output (generation_id, key, position, media_id, role, url, authenticated)"
        " select %(generation)s, %(key)s, coalesce(max(position) + 1, 0), %(media)s, %(role)s, %(url)s, %(authenticated)s"
        " from ambrotype.generation_output where generation_id = %(generation)s",
        generation=generation_id,
        key=key,
        media=media_id,
        role=role,
        url=url,
        authenticated=authenticated,
    )
    await tx.run(
        "update ambrotype.media set generation_id = %(generation)s where id = %(media)s and generation_id is null"
        " and status <> 'tombstone'",
        generation=generation_id,
        media=media_id,
    )


async def put_cost(tx: database.Transaction, media_id: uuid.UUID, cost: Mapping[str, Any]) -> None:
    """What the job cost, on its first output, where usage sums it once. The item before its text, as everybody locks them."""
    await tx.run("select from ambrotype.media where id = %(id)s for update", id=media_id)
    await tx.run(
        "with one as (update ambrotype.media_text set cost = %(cost)s where media_id = %(id)s and cost is null"
        " returning media_id) update ambrotype.media m set updated_at = now() from one where m.id = one.media_id",
        id=media_id,
        cost=database.json(cost),
    )


async def counts(tx: database.Transaction) -> dict[str, int]:
    """How many generations have not ended, by state. Index: generation_open."""
    found = await tx.all(
        "select status, count(*) as n from ambrotype.generation where status in ('queued', 'processing') group by status"
    )
    return {"queued": 0, "processing": 0} | {row["status"]: row["n"] for row in found}


async def renewing(tx: database.Transaction, generation_id: uuid.UUID, key: str) -> None:
    """The provider is asked for a fresh URL of this output."""
    await tx.run(
        "update ambrotype.generation_output set renewals = renewals + 1 where generation_id = %(id)s and key = %(key)s",
        id=generation_id,
        key=key,
    )


async def renewed(
    tx: database.Transaction, generation_id: uuid.UUID, key: str, *, url: str, authenticated: bool
) -> None:
    """It gave one."""
    await tx.run(
        "update ambrotype.generation_output set url = %(url)s, authenticated = %(authenticated)s"
        " where generation_id = %(id)s and key = %(key)s",
        id=generation_id,
        key=key,
        url=url,
        authenticated=authenticated,
    )


async def end(tx: database.Transaction, generation_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """The same as `write`, and that it has ended now."""
    await write(tx, generation_id, values)
    await tx.run("update ambrotype.generation set finished_at = clock_timestamp() where id = %(id)s", id=generation_id)


async def there(tx: database.Transaction, media_id: uuid.UUID) -> bool:
    """Whether the caller has this item."""
    row = await tx.one("select id from ambrotype.media where id = %(id)s and status <> 'tombstone'", id=media_id)
    return row is not None


async def save_staged(tx: database.Transaction, media_id: uuid.UUID) -> bool:
    """The caller's temporary item is to be kept, and its bytes lie in the store: False where that is not so."""
    return bool(
        await tx.run(
            "update ambrotype.media set status = 'keeping' where id = %(id)s and status = 'temporary'"
            " and path is not null and deleted_at is null",
            id=media_id,
        )
    )
