"""Items whose files are still to be looked into, and what was found in them."""

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ambrotype.records import database

_LOCK = 0x616D6269

# Several workers at once are kept apart by the primary key, and by the lock from choosing the same items.
_CLAIM = """
with due as materialized (
  select m.id from ambrotype.media m
  where m.status = 'kept' and m.inspection = 'pending'
    and not exists (select from ambrotype.inspecting i where i.media_id = m.id and i.until > now())
  order by m.kept_at, m.id limit %(most)s
), held as (
  insert into ambrotype.inspecting as i (media_id, until)
  select id, now() + make_interval(secs => %(seconds)s) from due
  on conflict (media_id) do update set until = excluded.until, attempts = i.attempts + 1 where i.until <= now()
  returning media_id, attempts
)
select h.media_id, h.attempts, m.bucket, m.path, m.size, m.content_type, m.name from held h
join ambrotype.media m on m.id = h.media_id
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A kept file that this process is to look into. `attempts` counts this one."""

    media_id: uuid.UUID
    attempts: int
    bucket: str
    path: str
    size: int
    content_type: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an inspection found; `detail` says what could not be read, and makes it failed."""

    detail: str | None
    thumbhash: bytes | None
    phash: int | None
    """Unsigned."""
    recipe: Mapping[str, Any] | None
    raw_text: str | None
    raw_text_cut: bool
    facts: Mapping[str, Any] | None
    provenance: Mapping[str, Any]
    ingredients: Sequence[Mapping[str, Any]]


async def claim(tx: database.Transaction, *, most: int, seconds: float) -> list[Claim]:
    """Takes kept items that nobody looks into, longest kept first. Index: media_uninspected."""
    await tx.run("select pg_advisory_xact_lock(%(lock)s)", lock=_LOCK)
    return [Claim(**row) for row in await tx.all(_CLAIM, most=most, seconds=seconds)]


async def put_off(tx: database.Transaction, claims: Sequence[uuid.UUID], *, seconds: float, attempt: int) -> None:
    """These are tried again later; `attempt` is 1 where the try shall not count."""
    await tx.run(
        "update ambrotype.inspecting set until = now() + make_interval(secs => %(seconds)s),"
        " attempts = attempts - %(attempt)s"
        " where media_id = any(%(ids)s)",
        ids=list(claims),
        seconds=seconds,
        attempt=attempt,
    )


async def text_of(tx: database.Transaction, media_id: uuid.UUID) -> database.Row | None:
    """What the item is called and was told, locked; None if it is not kept any more."""
    return await tx.one(
        "select m.name, t.title, t.description, t.tags, t.prompt, t.refused_tags"
        " from ambrotype.media m join ambrotype.media_text t on t.media_id = m.id"
        " where m.id = %(id)s and m.status = 'kept' for update",
        id=media_id,
    )


async def record(
    tx: database.Transaction,
    media_id: uuid.UUID,
    found: Found,
    *,
    search: str,
    suggested_tags: Sequence[str],
) -> None:
    """Writes what was found. What the item was told stays: prompt, model and settings are filled in only where it has
    none."""
    await tx.run("delete from ambrotype.inspecting where media_id = %(id)s", id=media_id)
    recipe = found.recipe or {}
    await tx.run(
        "update ambrotype.media set inspection = %(state)s, inspection_detail = %(detail)s, thumbhash = %(thumbhash)s,"
        " phash = %(phash)s, model = coalesce(model, %(model)s) where id = %(id)s and status = 'kept'",
        id=media_id,
        state="failed" if found.detail else "done",
        detail=found.detail,
        thumbhash=found.thumbhash,
        phash=_signed(found.phash),
        model=recipe.get("model"),
    )
    await tx.run(
        "update ambrotype.media_text set recipe = %(recipe)s::jsonb, raw_text = %(raw)s, raw_text_cut = %(cut)s,"
        " facts = %(facts)s::jsonb,"
        " provenance = %(provenance)s::jsonb, ingredients = %(ingredients)s::jsonb, suggested_tags = %(tags)s::text[],"
        " search = %(search)s::tsvector, prompt = coalesce(prompt, %(prompt)s),"
        " settings = case when settings = '{}' then coalesce(%(settings)s::jsonb, settings) else settings end"
        " where media_id = %(id)s",
        id=media_id,
        recipe=database.json(found.recipe),
        raw=found.raw_text,
        cut=found.raw_text_cut,
        facts=database.json(found.facts),
        provenance=database.json(found.provenance),
        ingredients=database.json(found.ingredients),
        tags=list(suggested_tags),
        search=search,
        prompt=recipe.get("prompt"),
        settings=database.json(recipe.get("settings")),
    )


async def failed(tx: database.Transaction, media_id: uuid.UUID, *, detail: str) -> None:
    """Nothing could be read; the item stays kept."""
    await tx.run("delete from ambrotype.inspecting where media_id = %(id)s", id=media_id)
    await tx.run(
        "update ambrotype.media set inspection = 'failed', inspection_detail = %(detail)s"
        " where id = %(id)s and status = 'kept' and inspection = 'pending'",
        id=media_id,
        detail=detail,
    )


async def next_due(tx: database.Transaction) -> datetime.datetime | None:
    """When the next item that rests may be tried again, or None where none rests."""
    row = await tx.one("select min(until) as at from ambrotype.inspecting")
    return row["at"] if row else None


async def forget(tx: database.Transaction) -> int:
    """Timetables of what is not pending any more (purged meanwhile, or settled by another process)."""
    return await tx.run(
        "delete from ambrotype.inspecting i where i.until < now() and not exists (select from ambrotype.media m"
        " where m.id = i.media_id and m.status = 'kept' and m.inspection = 'pending')"
    )


async def recipe(tx: database.Transaction, media_id: uuid.UUID) -> database.Row | None:
    """What is known of how the caller's item was made."""
    return await tx.one(
        "select m.id, m.provider, m.model, m.inspection, m.inspection_detail, t.prompt, t.settings, t.recipe,"
        " t.raw_text, t.raw_text_cut, t.provenance, t.ingredients, t.tags, t.suggested_tags, t.refused_tags"
        " from ambrotype.media m join ambrotype.media_text t on t.media_id = m.id"
        " where m.id = %(id)s and m.status <> 'tombstone'",
        id=media_id,
    )


async def suggest(
    tx: database.Transaction, media_id: uuid.UUID, *, suggested: Sequence[str], refused: Sequence[str]
) -> None:
    """What is left of the suggestions, and what the owner does not want suggested again."""
    await tx.run(
        "update ambrotype.media_text set suggested_tags = %(suggested)s::text[], refused_tags = %(refused)s::text[]"
        " where media_id = %(id)s",
        id=media_id,
        suggested=list(suggested),
        refused=list(refused),
    )


def _signed(value: int | None) -> int | None:
    """PostgreSQL's bigint has a sign: the same 64 bits."""
    return value - (1 << 64) if value is not None and value >= 1 << 63 else value
