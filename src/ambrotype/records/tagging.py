"""Pictures that a vision model is still to be asked about (migration 0017)."""

import dataclasses
import uuid
from collections.abc import Sequence

from ambrotype.records import database


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A picture to ask about; `attempts` counts this one."""

    media_id: uuid.UUID
    picture: bytes
    attempts: int


async def add(tx: database.Transaction, media_id: uuid.UUID, picture: bytes) -> None:
    """The model shall be asked about this one."""
    await tx.run(
        "insert into ambrotype.tagging (media_id, picture) values (%(id)s, %(picture)s) on conflict (media_id) do nothing",
        id=media_id,
        picture=picture,
    )


async def claim(tx: database.Transaction, *, most: int, seconds: float) -> list[Due]:
    """Takes what is due, the longest waiting first; due again after `seconds` unless somebody says how it ended."""
    found = await tx.all(
        "update ambrotype.tagging t set attempts = t.attempts + 1, not_before = now() + make_interval(secs => %(seconds)s)"
        " where t.media_id in (select d.media_id from ambrotype.tagging d where d.not_before <= now()"
        "   order by d.not_before limit %(most)s for update skip locked)"
        " returning t.media_id, t.picture, t.attempts",
        most=most,
        seconds=seconds,
    )
    return [Due(**row) for row in found]


async def put_off(tx: database.Transaction, media_id: uuid.UUID, *, seconds: float) -> None:
    """It is asked about again later."""
    await tx.run(
        "update ambrotype.tagging set not_before = now() + make_interval(secs => %(seconds)s) where media_id = %(id)s",
        id=media_id,
        seconds=seconds,
    )


async def done(tx: database.Transaction, media_id: uuid.UUID) -> None:
    """It is not asked about any more."""
    await tx.run("delete from ambrotype.tagging where media_id = %(id)s", id=media_id)


async def tags(tx: database.Transaction, media_id: uuid.UUID) -> database.Row | None:
    """`tags`, `suggested_tags` and `refused_tags` of an item, locked; None if it is not kept any more."""
    return await tx.one(
        "select t.tags, t.suggested_tags, t.refused_tags from ambrotype.media m"
        " join ambrotype.media_text t on t.media_id = m.id where m.id = %(id)s and m.status = 'kept' for update",
        id=media_id,
    )


async def suggest(tx: database.Transaction, media_id: uuid.UUID, suggested: Sequence[str]) -> None:
    """What is suggested for it from now on."""
    await tx.run(
        "update ambrotype.media_text set suggested_tags = %(tags)s::text[] where media_id = %(id)s",
        id=media_id,
        tags=list(suggested),
    )
