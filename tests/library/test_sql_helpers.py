"""What apps read by SQL: the current items of slots, and URLs that work."""

import datetime
import urllib.parse

from ambrotype.delivery import signing
from ambrotype.records import database, instance
from tests.library import shelf

URL = "https://media.example.com"


async def told(data: database.Database) -> None:
    key = shelf.ADDRESSES.keys[0]
    inner, outer = signing.pads(key)
    async with data.transaction(database.WORKER) as tx:
        await instance.write(tx, public_url=URL, kid=key.kid, inner=inner, outer=outer)


async def url_of(data: database.Database, who: shelf.owners.Principal, project: str, slot: str) -> str | None:
    async with data.transaction(who) as tx:
        row = await tx.one("select ambrotype.media_url(%(p)s, %(s)s) as url", p=project, s=slot)
    assert row is not None
    found: str | None = row["url"]
    return found


async def test_a_slot_s_url_in_sql_is_the_permanent_one(data: database.Database) -> None:
    await told(data)
    made = await shelf.kept(data, project="film", slot="hero", visibility="unlisted", name="Ünï côde.png")
    wanted = shelf.ADDRESSES.permanent(made, "Ünï côde.png", "unlisted")
    found = await url_of(data, shelf.ANNA, "film", "hero")
    assert found is not None
    assert found.split("/m/")[1].split("/")[0] == wanted.split("/m/")[1].split("/")[0]
    assert await url_of(data, shelf.BERT, "film", "hero") is None
    assert await url_of(data, shelf.ANNA, "film", "nothing") is None


async def test_a_private_slot_s_url_in_sql_carries_a_signature_that_holds(data: database.Database) -> None:
    await told(data)
    made = await shelf.kept(data, project="film", slot="hero")
    found = await url_of(data, shelf.ANNA, "film", "hero")
    assert found is not None
    parts = urllib.parse.urlsplit(found)
    query = dict(urllib.parse.parse_qsl(parts.query))
    now = datetime.datetime.now(datetime.UTC)
    grant = signing.verify(made, query, keys=shelf.ADDRESSES.keys, now=now)
    assert grant is not None
    assert datetime.timedelta(hours=1) <= grant.expires_at - now <= datetime.timedelta(hours=2, seconds=1)


async def test_the_view_shows_an_owner_their_current_items_alone(data: database.Database) -> None:
    await shelf.kept(data, project="film", slot="hero")
    newest = await shelf.kept(data, project="film", slot="hero")
    await shelf.kept(data, shelf.BERT, project="film", slot="hero")
    async with data.transaction(shelf.ANNA) as tx:
        rows = await tx.all("select id, project, slot, version from ambrotype.current_media")
    assert [(row["id"], row["project"], row["slot"], row["version"]) for row in rows] == [(newest, "film", "hero", 2)]
