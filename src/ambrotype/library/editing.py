"""Changing an item: edit, favourite, tags, visibility; trash, restore, purge."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from ambrotype.core import errors, media, owners, words
from ambrotype.library import listing, view
from ambrotype.records import database
from ambrotype.records import editing as rows


async def edit(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    media_id: uuid.UUID,
    changes: Mapping[str, Any],
    *,
    if_match: str | None = None,
) -> media.Media:
    """Merges the changes in: what is absent stays, None clears, `metadata` merges key by key, `tags` is replaced.

    Raises `errors.PreconditionFailed` where `if_match` names another version of the item.
    """
    async with data.transaction(who) as tx:
        row = await rows.locked(tx, media_id)
        if row is None:
            raise listing.missing(media_id)
        _matches(row["updated_at"], if_match, media_id)
        values = {name: value for name, value in changes.items() if name != "metadata"}
        if "metadata" in changes:
            values["metadata"] = _merged(row["metadata"], changes["metadata"])
        if "tags" in values:
            values["tags"] = list(dict.fromkeys(values["tags"] or ()))
        if values.keys() & {"title", "tags", "prompt", "description"}:
            shown = {**row, **values}
            values["search"] = words.of_media(
                name=row["name"],
                title=shown["title"],
                tags=shown["tags"],
                prompt=shown["prompt"],
                description=shown["description"],
                raw=row["raw_text"],
            )
        if values:
            await rows.update(tx, media_id, values)
    return await listing.get(data, who, addresses, media_id)


def _merged(before: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """RFC 7396 on the first level: None removes a key, and clears all where it stands for the whole."""
    if changes is None:
        return {}
    merged = {**before, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _matches(updated_at: datetime.datetime, if_match: str | None, media_id: uuid.UUID) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    now = media.etag(updated_at)
    if now not in [one.strip().removeprefix("W/") for one in if_match.split(",")]:
        raise errors.PreconditionFailed(f"The media item {media_id} was changed meanwhile; read it again.")


async def delete(data: database.Database, who: owners.Principal, media_id: uuid.UUID) -> bool:
    """Moves an item with bytes to the trash (True); one without ends at once as a tombstone (False)."""
    async with data.transaction(who) as tx:
        row = await rows.locked(tx, media_id)
        if row is None:
            raise listing.missing(media_id)
        if row["path"] is not None:
            await rows.trash(tx, media_id)  # there already: nothing changes
            return True
        await rows.discard(tx, media_id, reason="deleted")
        return False


async def restore(data: database.Database, who: owners.Principal, media_id: uuid.UUID) -> None:
    """Brings an item back from the trash; one that is not there stays as it is."""
    async with data.transaction(who) as tx:
        if await rows.locked(tx, media_id) is None:
            raise listing.missing(media_id)
        await rows.restore(tx, media_id)


async def purge(data: database.Database, who: owners.Principal, media_id: uuid.UUID, *, force: bool) -> None:
    """Ends an item in the trash for good. Raises `errors.Conflict` outside the trash, `errors.InUse` with dependents."""
    async with data.transaction(who) as tx:
        row = await rows.locked(tx, media_id)
        if row is None:
            raise listing.missing(media_id)
        if row["path"] is None:
            await rows.discard(tx, media_id, reason="deleted")
            return
        if row["deleted_at"] is None:
            raise errors.Conflict(f"The media item {media_id} is not in the trash; delete it first, then purge it.")
        n = await rows.dependents(tx, media_id)
        if n and not force:
            raise errors.InUse(
                f"{n} media items were made from {media_id} and would lose their source; say force=true if that may be."
            )
        await rows.purge(tx, media_id, who=who.name)
