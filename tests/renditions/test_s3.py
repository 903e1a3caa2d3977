"""Renditions in an S3 store: beside the original there, and handed out by its own URLs where that may be."""

import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api import stack as stacks
from tests.renditions import conftest as house
from tests.renditions import films
from tests.storage import test_s3
from tests.support import ceph as servers
from tests.support import server as serving


@pytest.fixture
def remote(ceph: servers.Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[stacks.Stack]:
    test_s3.use(ceph.account(), monkeypatch)
    with (
        serving.running(tmp_path / "data", store_url="s3://{bucket}", rate_nobody="0") as server,
        stacks.Stack(server) as running,
    ):
        yield running


def test_they_are_handed_out_by_the_store(remote: stacks.Stack) -> None:
    me = remote.key("app").with_(Ambrotype_Owner=stacks.somebody())
    item = house.keep(me, bytes(house.painted(1500, 900).jpegsave_buffer()))
    item = house.inspected(me, item["id"])
    for name in ("thumb", "w640"):
        away = house.made(remote.nobody, house.place(item["renditions"][name]))
        assert (away.status, away.headers["cache-control"]) == (307, "no-store")
        where = away.headers["location"]
        assert urllib.parse.urlsplit(where).path.startswith(f"/media/renditions/{item['id']}/")
        with urllib.request.urlopen(where) as reply:
            assert (reply.status, reply.headers["content-type"]) == (200, "image/webp")
            assert house.seen(reply.read()).width == (400 if name == "thumb" else 640)
    original = remote.nobody.get(house.place(item["access_url"]))
    assert original.status == 307
    share = me.post("/v1/shares", {"media_id": item["id"]}).json()
    page = remote.nobody.get(house.place(share["url"])).body.decode()
    picture = page.split('<img src="../')[1].split('"')[0].replace("&amp;", "&")
    passed = house.made(remote.nobody, f"/{picture}")
    assert (passed.status, house.seen(passed.body).width) == (200, 1280), "a URL of the store's would outlive the share"


def test_a_video_is_copied_made_of_and_the_copy_removed(remote: stacks.Stack) -> None:
    me = remote.key("app").with_(Ambrotype_Owner=stacks.somebody())
    item = house.inspected(me, house.keep(me, films.film(160, 90, seconds=1))["id"])
    away = house.made(remote.nobody, house.place(item["renditions"]["480p"]))
    with urllib.request.urlopen(away.headers["location"]) as reply:
        assert films.told(reply.read())["frames"] == films.RATE
    stacks.until(lambda: not list((remote.data / "tmp").glob("look-*")))
