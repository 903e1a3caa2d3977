"""What was made from what, and what is put where: edges, slots and their versions."""

import uuid

from ambrotype.records import database

# Union removes what was seen, so a ring (which the API can't make) ends too.
_GRAPH = """
with recursive up (id, depth) as (
  select %(id)s::uuid, 0
  union
  select p.parent_id, up.depth + 1 from up join ambrotype.media_parent p on p.media_id = up.id where up.depth < %(depth)s
), down (id, depth) as (
  select %(id)s::uuid, 0
  union
  select p.media_id, down.depth + 1 from down join ambrotype.media_parent p on p.parent_id = down.id
  where down.depth < %(depth)s
), nodes as (select distinct id from (select id from up union all select id from down) as every limit %(most)s)
select p.media_id, p.parent_id, p.role from nodes a
join ambrotype.media_parent p on p.media_id = a.id
join nodes b on b.id = p.parent_id
order by p.media_id, p.position
"""


async def edges(tx: database.Transaction, media_id: uuid.UUID, *, depth: int, most: int) -> list[database.Row]:
    """The edges among the item, its ancestors and its descendants, as far as the caller may see them."""
    return await tx.all(_GRAPH, id=media_id, depth=depth, most=most)


async def projects(tx: database.Transaction, *, after: str | None, most: int) -> list[database.Row]:
    """The caller's projects by name, with how many items and slots they have. Index: media_project, skipped through."""
    return await tx.all(
        """
        with recursive names (project) as (
          (select m.project from ambrotype.media m
           where m.owner_id = any((select ambrotype.current_owners())::uuid[]) and m.project is not null
             and m.deleted_at is null and m.status in ('kept', 'keeping')
             and (%(after)s::text is null or m.project > %(after)s) order by m.project limit 1)
          union all
          select (select m.project from ambrotype.media m
                  where m.owner_id = any((select ambrotype.current_owners())::uuid[]) and m.project > n.project
                    and m.deleted_at is null and m.status in ('kept', 'keeping') order by m.project limit 1)
          from names n where n.project is not null
        )
        select n.project as name,
          (select count(*) from ambrotype.media m where m.project = n.project and m.deleted_at is null
           and m.status in ('kept', 'keeping') and m.owner_id = any((select ambrotype.current_owners())::uuid[])) as items,
          (select count(*) from ambrotype.slot s where s.project = n.project
           and s.owner_id = any((select ambrotype.current_owners())::uuid[])) as slots
        from names n where n.project is not null limit %(most)s
        """,
        after=after,
        most=most,
    )


async def slots(tx: database.Transaction, project: str, *, after: str | None, most: int) -> list[database.Row]:
    """The slots of a project by name: which version each shows, and which newest one is pending."""
    return await tx.all(
        """
        select s.project, s.name as slot, s.current_id,
          (select m.id from ambrotype.media m
           where m.owner_id = s.owner_id and m.project = s.project and m.slot = s.name and m.status = 'keeping'
             and m.deleted_at is null and m.version > coalesce(
               (select c.version from ambrotype.media c where c.id = s.current_id), 0)
           order by m.version desc limit 1) as pending_id
        from ambrotype.slot s
        where s.project = %(project)s and s.owner_id = any((select ambrotype.current_owners())::uuid[])
          and (%(after)s::text is null or s.name > %(after)s)
        order by s.name limit %(most)s
        """,
        project=project,
        after=after,
        most=most,
    )


async def slot(tx: database.Transaction, project: str, name: str) -> database.Row | None:
    """One slot of the caller, locked: its versions stay as they are until the transaction ends."""
    return await tx.one(
        "select owner_id, project, name as slot, current_id from ambrotype.slot"
        " where project = %(project)s and name = %(name)s"
        " and owner_id = any((select ambrotype.current_owners())::uuid[]) for update",
        project=project,
        name=name,
    )


async def versions(tx: database.Transaction, project: str, name: str) -> list[database.Row]:
    """The versions of a slot outside the trash, newest first."""
    return await tx.all(
        "select id, version, status from ambrotype.media where project = %(project)s and slot = %(name)s"
        " and owner_id = any((select ambrotype.current_owners())::uuid[])"
        " and deleted_at is null and status <> 'tombstone' order by version desc",
        project=project,
        name=name,
    )


async def show(tx: database.Transaction, project: str, name: str, media_id: uuid.UUID) -> None:
    """Makes a kept version the current one."""
    await tx.run(
        "update ambrotype.slot set current_id = %(id)s where project = %(project)s and name = %(name)s"
        " and owner_id = any((select ambrotype.current_owners())::uuid[])",
        id=media_id,
        project=project,
        name=name,
    )
