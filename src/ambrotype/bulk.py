"""Actions on many items: up to a thousand at once, each in a short transaction of its own; more as an operation."""

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Annotated, Any

import pydantic
import structlog

from ambrotype import verbs
from ambrotype.core import errors, ids, media, owners
from ambrotype.core import operations as nouns
from ambrotype.library import changes, collections, editing, listing
from ambrotype.library import filters as filters_
from ambrotype.records import database, operations
from ambrotype.records import listing as lists

AT_ONCE = 1000
PAGE = 200

_OPERATION = pydantic.TypeAdapter(nouns.Operation)

log = structlog.get_logger("ambrotype.bulk")


class BulkRequest(pydantic.BaseModel):
    """`POST /v1/media/bulk`: which items, and what is to be done with them."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    ids: Annotated[list[uuid.UUID], pydantic.Field(min_length=1, max_length=AT_ONCE)] | None = None
    filter: filters_.Filters | None = None
    action: nouns.Action
    tags: Annotated[list[changes.Tag], pydantic.Field(min_length=1, max_length=100)] | None = None
    visibility: media.Visibility | None = None
    collection: uuid.UUID | None = None
    force: bool = False

    @pydantic.model_validator(mode="after")
    def _whole(self) -> "BulkRequest":
        if (self.ids is None) == (self.filter is None):
            raise ValueError("give either ids or filter")
        needs = {
            "tag": "tags",
            "untag": "tags",
            "visibility": "visibility",
            "collect": "collection",
            "uncollect": "collection",
        }
        needed = needs.get(self.action)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"the action {self.action} needs {needed}")
        if self.filter is not None and self.filter.similar_to is not None:
            raise ValueError("similar_to can't narrow a bulk action; list the items and give their ids")
        return self


async def run(here: verbs.Context, who: owners.Principal, asked: BulkRequest) -> nouns.Done:
    """Does it at once for up to a thousand items, else writes it down as an operation."""
    data = here.app.data
    if asked.ids is not None:
        return await perform(here, who, asked, list(dict.fromkeys(asked.ids)))
    conditions = _conditions(asked, who)
    async with data.transaction(who) as tx:
        if await operations.count(tx, conditions, most=AT_ONCE + 1) <= AT_ONCE:
            found = await lists.heads(
                tx, filters=conditions, order=lists.ORDERS["created_at"], after=None, most=AT_ONCE
            )
            chosen = [head.id for head in found]
        else:
            chosen = None
    if chosen is not None:
        return await perform(here, who, asked, chosen)
    async with data.transaction(who) as tx:
        total = await operations.count(tx, conditions, most=2**31 - 1)
    operation_id = ids.new()
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        await operations.create(
            tx,
            operation_id=operation_id,
            principal=_written(who),
            owner_name=who.name,
            request=asked.model_dump(mode="json", exclude_unset=True),
            total=total,
        )
    return nouns.Done(operation_id=operation_id)


async def perform(
    here: verbs.Context, who: owners.Principal, asked: BulkRequest, chosen: Sequence[uuid.UUID]
) -> nouns.Done:
    """Does it with each of these; one that fails fails alone."""
    failed: list[nouns.Failure] = []
    for media_id in chosen:
        try:
            await _one(here, who, asked, media_id)
        except errors.Unavailable:
            raise
        except errors.AmbrotypeError as error:
            failed.append(nouns.Failure(id=media_id, code=error.code, detail=error.detail))
    return nouns.Done(done=len(chosen) - len(failed), failed=failed)


async def operation(data: database.Database, who: owners.Principal, operation_id: uuid.UUID) -> nouns.Operation:
    """One operation of the caller, or of anybody for the administrator."""
    async with data.transaction(owners.ADMINISTRATOR) as tx:
        row = await operations.get(tx, operation_id)
    if row is None or not (who.administrator or row["owner_name"] == who.name):
        raise errors.NotFound(f"There is no operation {operation_id}.")
    return _OPERATION.validate_python({field.name: row[field.name] for field in dataclasses.fields(nouns.Operation)})


async def go_on(here: verbs.Context) -> bool:
    """Works on the oldest operation that nobody works on, to its end; False when there is none."""
    async with here.app.data.transaction(database.WORKER) as tx:
        row = await operations.claim(tx)
    if row is None:
        return False
    who = _read(row["principal"])
    asked = BulkRequest.model_validate(row["request"])
    conditions = _conditions(asked, who)
    position: str | None = row["position"]
    while True:
        after = _position(position)
        async with here.app.data.transaction(who) as tx:
            found = await lists.heads(tx, filters=conditions, order=lists.ORDERS["created_at"], after=after, most=PAGE)
        done = await perform(here, who, asked, [head.id for head in found])
        if found:
            position = f"{found[-1].sort_value}|{found[-1].id}"
        finished = len(found) < PAGE
        async with here.app.data.transaction(database.WORKER) as tx:
            await operations.advance(
                tx,
                row["id"],
                position=position,
                done=done.done,
                failures=[{**dataclasses.asdict(failure), "id": str(failure.id)} for failure in done.failed],
                finished=finished,
            )
        if finished:
            log.info("operation done", operation_id=str(row["id"]), action=asked.action)
            return True


async def _one(here: verbs.Context, who: owners.Principal, asked: BulkRequest, media_id: uuid.UUID) -> None:
    data, addresses = here.app.data, here.app.addresses
    match asked.action:
        case "delete":
            await editing.delete(data, who, media_id)
        case "restore":
            await editing.restore(data, who, media_id)
        case "purge":
            await editing.purge(data, who, media_id, force=asked.force)
        case "keep":
            await verbs.keep_again(here, who, media_id)
        case "favorite" | "unfavorite":
            await editing.edit(data, who, addresses, media_id, {"favorite": asked.action == "favorite"})
        case "visibility":
            await editing.edit(data, who, addresses, media_id, {"visibility": asked.visibility})
        case "tag" | "untag":
            await _tag(here, who, asked, media_id)
        case "collect" if asked.collection is not None:
            await collections.put(data, who, addresses, asked.collection, media_id)
        case "uncollect" if asked.collection is not None:
            await collections.take_out(data, who, asked.collection, media_id)
        case _:
            raise errors.InvalidRequest(f"The action {asked.action} needs more than was given.")


async def _tag(here: verbs.Context, who: owners.Principal, asked: BulkRequest, media_id: uuid.UUID) -> None:
    item = await listing.get(here.app.data, who, here.app.addresses, media_id)
    named = asked.tags or []
    tags = [tag for tag in item.tags if tag not in named] if asked.action == "untag" else [*item.tags, *named]
    await editing.edit(here.app.data, who, here.app.addresses, media_id, {"tags": tags}, if_match=item.etag)


def _conditions(asked: BulkRequest, who: owners.Principal) -> dict[str, Any]:
    filters = asked.filter or filters_.EVERYTHING
    conditions = filters.conditions(who)
    if asked.action in ("restore", "purge"):
        conditions |= {"trashed": True, "status": list(media.STATUSES)}
    return conditions


def _written(who: owners.Principal) -> dict[str, Any]:
    return {
        "role": who.role,
        "app": who.app,
        "owner": str(who.owner) if who.owner else None,
        "key_id": str(who.key_id) if who.key_id else None,
    }


def _read(principal: dict[str, Any]) -> owners.Principal:
    return owners.Principal(
        role=principal["role"],
        app=principal["app"],
        owner=owners.parse(principal["owner"]) if principal["owner"] else None,
        key_id=uuid.UUID(principal["key_id"]) if principal["key_id"] else None,
    )


def _position(text: str | None) -> tuple[str, uuid.UUID] | None:
    if text is None:
        return None
    value, _, last = text.rpartition("|")
    return value, uuid.UUID(last)
