"""Sharing from Python: the same in a folder, and over HTTP with and without `await`."""

import asyncio
import datetime
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest

import ambrotype
from ambrotype.core import errors
from tests.api import samples
from tests.api import stack as stacks

PICTURE = samples.picture(71)


async def fetched(url: str) -> bytes:
    def fetch() -> bytes:
        with urllib.request.urlopen(url) as answer:
            return bytes(answer.read())

    return await asyncio.to_thread(fetch)


async def all_of_it(library: Any) -> ambrotype.Media:
    """Shares, links and sums up, whichever face it is; answers with what was kept."""
    item: ambrotype.Media = await library.keep(data=PICTURE, project="film", slot="hero")
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    one = await library.share(item.id, expires_at=until, password="secret", allow_download=False)
    slot = await library.share(project="film", slot="hero")
    assert (one.target.media_id, one.expires_at, one.has_password, one.allow_download) == (item.id, until, True, False)
    assert (slot.target.project, slot.target.slot) == ("film", "hero")
    assert [share.id async for share in library.shares()] == [slot.id, one.id]
    assert (await library.revoke_share(str(one.id))).revoked_at is not None
    with pytest.raises(errors.NotFound):
        await library.share(uuid.uuid4())
    with pytest.raises(errors.InvalidRequest):
        await library.share()
    assert (await library.link(item.id, expires_in=60)).expires_at > datetime.datetime.now(datetime.UTC)
    told = await library.usage("project")
    assert [(group.key, group.bytes) for group in told.groups] == [("film", len(PICTURE))]
    with pytest.raises(errors.InvalidRequest):
        await library.usage("colour")
    return item


async def test_over_http(stack: stacks.Stack) -> None:
    key = stack.service.headers["Authorization"].removeprefix("Bearer ")
    url = f"http://127.0.0.1:{stack.port}"
    async with ambrotype.AsyncClient(url, key=key, owner=stacks.somebody()) as client:
        item = await all_of_it(client)
        assert await fetched((await client.link(item.id)).url) == PICTURE
        assert (await client.stats()).by_status["kept"] >= 1


async def test_in_a_folder(tmp_path: Path) -> None:
    async with ambrotype.open(tmp_path / "media", work=False, owner="user:1") as library:
        await all_of_it(library)
        assert (await library.stats()).outcomes == {"kept": 1}


def test_without_await(stack: stacks.Stack) -> None:
    key = stack.service.headers["Authorization"].removeprefix("Bearer ")
    with ambrotype.Client(f"http://127.0.0.1:{stack.port}", key=key, owner=stacks.somebody()) as client:
        item = client.keep(data=PICTURE)
        share = client.share(item.id)
        assert [one.id for one in client.shares()] == [share.id]
        assert client.revoke_share(share.id).revoked_at is not None
        assert str(item.id) in client.link(item.id, rendition="thumb", download=True).url
        assert client.usage().total.items == 1
        assert client.stats().by_status["kept"] >= 1
