"""Posters and smaller films of videos, over HTTP."""

import time
from typing import Any

import pytest

from tests.api import stack as stacks
from tests.renditions import conftest as house
from tests.renditions import films


@pytest.fixture(scope="module")
def film() -> bytes:
    return films.film(1280, 720, seconds=7, sound=True)


def test_a_video_has_a_poster_and_smaller_films(stack: stacks.Stack, me: stacks.Caller, film: bytes) -> None:
    item = house.inspected(me, house.keep(me, film)["id"])
    assert set(item["renditions"]) == {"thumb", "poster", "preview", "480p", "720p"}
    names = {row[0] for row in stack.sql("select name from ambrotype.rendition where media_id = %(id)s", id=item["id"])}
    assert {"thumb", "poster"} <= names, "they are there at once"
    found = {name: house.made(stack.nobody, house.place(url)) for name, url in item["renditions"].items()}
    assert {reply.status for reply in found.values()} == {200}
    assert [house.seen(found[name].body).width for name in ("thumb", "poster")] == [400, 1280]
    assert found["480p"].headers["content-type"] == "video/mp4"
    assert films.told(found["480p"].body) == {
        "codecs": ["h264", "aac"], "size": (854, 480), "seconds": 7.0, "frames": 168, "faststart": True,
    }  # fmt: skip
    preview = films.told(found["preview"].body)
    assert (preview["codecs"], preview["size"]) == (["h264"], (640, 360))
    assert 4.5 < preview["seconds"] <= 5.0
    assert preview["frames"] <= 76
    part = stack.nobody.get(house.place(item["renditions"]["480p"]), Range="bytes=100-199")
    assert (part.status, part.body) == (206, found["480p"].body[100:200])


def test_nothing_is_made_larger(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = house.keep(me, films.film(162, 90, seconds=1), visibility="unlisted")
    for name in ("480p", "1080p", "preview"):
        reply = house.made(stack.nobody, f"/m/{item['id']}/x?rendition={name}")
        assert films.told(reply.body)["size"] == (162, 90)
    poster = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?rendition=poster").body)
    assert (poster.width, poster.height) == (162, 90)


@pytest.mark.parametrize(("turned", "size"), [(90, (180, 320)), (180, (320, 180)), (270, (180, 320))])
def test_what_was_filmed_turned_stands_upright(
    stack: stacks.Stack, me: stacks.Caller, turned: int, size: tuple[int, int]
) -> None:
    item = house.keep(me, films.film(turned=turned, seconds=0.5), visibility="unlisted")
    poster = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?rendition=poster").body)
    film = films.told(house.made(stack.nobody, f"/m/{item['id']}/x?rendition=480p").body)
    assert ((poster.width, poster.height), film["size"]) == (size, size)


def test_a_poster_shows_more_than_black(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = house.keep(me, films.film(dark=20), visibility="unlisted")
    poster = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?rendition=poster").body)
    assert poster.deviate() > 20


def test_other_codecs_and_containers_become_h264(stack: stacks.Stack, me: stacks.Caller) -> None:
    for form, codec in (("webm", "libvpx-vp9"), ("matroska", "mpeg4")):
        content = films.film(160, 90, seconds=0.5, form=form, codec=codec)
        item = house.keep(me, content, visibility="unlisted")
        told = films.told(house.made(stack.nobody, f"/m/{item['id']}/x?rendition=480p").body)
        assert (told["codecs"], told["faststart"]) == (["h264"], True)


def test_pictures_sizes_are_not_for_videos_and_sounds_have_nothing(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = house.keep(me, films.film(64, 64, seconds=0.2), visibility="unlisted")
    assert stack.nobody.get(f"/m/{item['id']}/x?w=64").status == 422


def test_a_film_that_is_not_there_yet_is_said_to_come(stack: stacks.Stack, me: stacks.Caller, film: bytes) -> None:
    """Whether it is waited for or not, the answer is one of two."""
    item: Any = house.keep(me, film, visibility="unlisted")
    began = time.monotonic()
    reply = stack.nobody.get(f"/m/{item['id']}/x?rendition=720p")
    if reply.status == 503:
        assert reply.problem()["code"] == "unavailable"
        assert int(reply.headers["retry-after"]) >= 1
    else:
        assert reply.status == 200
    assert time.monotonic() - began < stacks.PATIENCE
    assert house.made(stack.nobody, f"/m/{item['id']}/x?rendition=720p").status == 200
