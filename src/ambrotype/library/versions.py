"""Projects and their slots: named places with versions, the newest kept one current until somebody brings back another."""

import uuid

from ambrotype.core import errors, owners
from ambrotype.core import projects as nouns
from ambrotype.library import cursor as cursors
from ambrotype.library import listing, view
from ambrotype.records import database, editing
from ambrotype.records import lineage as rows
from ambrotype.records import media as items

NO_ID = uuid.UUID(int=0)


async def projects(
    data: database.Database, who: owners.Principal, *, cursor: str | None = None, limit: int = 50
) -> listing.Page[nouns.Project]:
    """The caller's projects by name."""
    position = cursors.decode("projects", cursor, spells=cursors.text)
    async with data.transaction(who) as tx:
        found = await rows.projects(tx, after=position[0] if position else None, most=limit + 1)
    shown = [nouns.Project(**row) for row in found[:limit]]
    more = cursors.encode("projects", (shown[-1].name, NO_ID)) if len(found) > limit else None
    return listing.Page(items=shown, next_cursor=more)


async def slots(
    data: database.Database,
    who: owners.Principal,
    addresses: view.Addresses,
    project: str,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> listing.Page[nouns.Slot]:
    """A project's slots by name, each with what it shows and what is pending; their versions are asked for one by one."""
    position = cursors.decode("slots", cursor, spells=cursors.text)
    async with data.transaction(who) as tx:
        found = await rows.slots(tx, project, after=position[0] if position else None, most=limit + 1)
        wanted = [row[key] for row in found for key in ("current_id", "pending_id") if row[key] is not None]
        nodes = await items.some(tx, wanted)
    shown = [_slot(row, nodes, [], addresses) for row in found[:limit]]
    more = cursors.encode("slots", (shown[-1].slot, NO_ID)) if len(found) > limit else None
    return listing.Page(items=shown, next_cursor=more)


async def slot(
    data: database.Database, who: owners.Principal, addresses: view.Addresses, project: str, name: str
) -> nouns.Slot:
    """A slot with all its versions outside the trash; `errors.NotFound` where the caller has none such."""
    async with data.transaction(who) as tx:
        found = await rows.slot(tx, project, name)
        if found is None:
            raise _missing(project, name)
        versions = await rows.versions(tx, project, name)
        nodes = await items.some(tx, [row["id"] for row in versions])
    current = nodes.get(found["current_id"])
    above = current["version"] if current else 0
    pending = next((row["id"] for row in versions if row["status"] == "keeping" and row["version"] > above), None)
    return _slot(found | {"pending_id": pending}, nodes, [row["id"] for row in versions], addresses)


async def show(data: database.Database, who: owners.Principal, project: str, name: str, version: int) -> None:
    """Brings a version back as the current one; what is kept later becomes current again by itself."""
    async with data.transaction(who) as tx:
        if await rows.slot(tx, project, name) is None:
            raise _missing(project, name)
        found = next((row for row in await rows.versions(tx, project, name) if row["version"] == version), None)
        if found is None:
            raise errors.NotFound(f"The slot {name!r} of {project!r} has no version {version} outside the trash.")
        if found["status"] != "kept":
            raise errors.Conflict(
                f"Version {version} of the slot {name!r} is {found['status']}; only a kept one can be current."
            )
        await rows.show(tx, project, name, found["id"])


async def prune(data: database.Database, who: owners.Principal, project: str, name: str, *, keep: int) -> int:
    """Moves all kept versions but the newest `keep` to the trash, never the current one; how many."""
    async with data.transaction(who) as tx:
        found = await rows.slot(tx, project, name)
        if found is None:
            raise _missing(project, name)
        kept = [row["id"] for row in await rows.versions(tx, project, name) if row["status"] == "kept"]
        old = [media_id for media_id in kept[keep:] if media_id != found["current_id"]]
        for media_id in old:
            await editing.trash(tx, media_id)
    return len(old)


def _slot(
    row: database.Row, nodes: dict[uuid.UUID, database.Row], versions: list[uuid.UUID], addresses: view.Addresses
) -> nouns.Slot:
    shown = {media_id: view.media_of(node, addresses) for media_id, node in nodes.items()}
    current, pending = shown.get(row["current_id"]), shown.get(row["pending_id"])
    best = current or pending
    return nouns.Slot(
        project=row["project"],
        slot=row["slot"],
        current=current,
        pending=pending,
        versions=[shown[media_id] for media_id in versions if media_id in shown],
        url=best.url if best else None,
    )


def _missing(project: str, name: str) -> errors.NotFound:
    return errors.NotFound(f"There is no slot {name!r} in the project {project!r}.")
