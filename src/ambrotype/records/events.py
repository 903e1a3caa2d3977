"""Events in the order in which they may be read: a transaction that commits late is never passed by.

An event is shown once every transaction that began before its own has ended (`pg_snapshot_xmin`); then (xid, id) is final.
"""

from ambrotype.core import errors
from ambrotype.records import database

Position = tuple[int, int]
"""Transaction and id of the last event read."""


def position(text: str) -> Position:
    """The position that `Last-Event-ID` names; `errors.InvalidRequest` for what was not one of ours."""
    xid, dot, number = text.partition(".")
    if dot and xid.isascii() and xid.isdigit() and number.isascii() and number.isdigit() and len(text) <= 40:
        return int(xid), int(number)
    raise errors.InvalidRequest(f"{text[:60]!r} is no event's id; leave Last-Event-ID out to begin with what comes.")


async def now(tx: database.Transaction) -> Position:
    """Behind all that has been shown already."""
    row = await tx.one("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xid")
    assert row is not None
    return row["xid"], 0


async def after(tx: database.Transaction, at: Position, *, most: int) -> list[database.Row]:
    """The caller's events behind a position, in order. Indexes: event_owner, event_order."""
    return await tx.all(
        "select e.xid::text::bigint as xid, e.id, e.media_id, e.generation_id, e.type, e.at, e.data from ambrotype.event e"
        " where (e.xid, e.id) > (%(xid)s::text::xid8, %(id)s) and e.xid < pg_snapshot_xmin(pg_current_snapshot())"
        " and (current_setting('role') = 'ambrotype_service'"
        "      or e.owner_id = any((select ambrotype.current_owners())::uuid[]))"
        " order by e.xid, e.id limit %(most)s",
        xid=str(at[0]),
        id=at[1],
        most=most,
    )
