"""The trash is emptied by itself only where the setting says so, and then only of what is due."""

import datetime
import uuid

import psycopg
import pytest

from ambrotype.addresses import Addresses
from ambrotype.core import errors
from ambrotype.library import editing, listing
from ambrotype.maintenance import sweep
from ambrotype.records import database
from tests.library import shelf


async def trashed(data: database.Database, admin: str, *, days: int, **fields: object) -> uuid.UUID:
    """An item that went to the trash so many days ago."""
    item = await shelf.kept(data, **fields)  # type: ignore[arg-type]
    await editing.delete(data, shelf.ANNA, item)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            "update ambrotype.media set deleted_at = now() - make_interval(days => %s) where id = %s", [days, item]
        )
    return item


async def test_what_is_due_is_purged_and_nothing_else(data: database.Database, admin: str) -> None:
    due = await trashed(data, admin, days=31)
    early = await trashed(data, admin, days=29)
    parent = await trashed(data, admin, days=31)
    await shelf.kept(data, parents=[{"id": parent, "role": "mask"}])
    await sweep.empty_trash(data, days=30)
    with pytest.raises(errors.Gone):
        await listing.get(data, shelf.ANNA, shelf.ADDRESSES, due)
    for left in (early, parent):
        assert (await listing.get(data, shelf.ANNA, shelf.ADDRESSES, left)).deleted_at is not None
    with psycopg.connect(admin) as connection:
        rows = connection.execute(
            "select media_id, decided_by, removed_at, remove_after > now() + interval '6 days' from ambrotype.purge"
        ).fetchall()
    assert rows == [(due, "AMBROTYPE_TRASH_DAYS", None, True)]


async def test_an_item_tells_when_it_will_go(data: database.Database, admin: str) -> None:
    item = await trashed(data, admin, days=1)
    months = Addresses(public_url="https://a.example", cdn_url=None, keys=shelf.ADDRESSES.keys,
                       trash=datetime.timedelta(days=30))  # fmt: skip
    told = await listing.get(data, shelf.ANNA, months, item)
    assert told.deleted_at is not None
    assert told.trashed_until == told.deleted_at + datetime.timedelta(days=30)
    assert (await listing.get(data, shelf.ANNA, shelf.ADDRESSES, item)).trashed_until is None
    assert (await listing.get(data, shelf.ANNA, months, await shelf.kept(data))).trashed_until is None
