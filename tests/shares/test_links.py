"""Signed links: one item, one form, until they run out."""

import datetime
import urllib.parse

import pytest

from tests.api import samples
from tests.api import stack as stacks
from tests.shares.conftest import kept


def path_and_query(url: str) -> str:
    found = urllib.parse.urlsplit(url)
    return f"{found.path}?{found.query}"


def test_a_link_opens_a_private_item_for_anyone(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = kept(me, 61)
    made = me.post(f"/v1/media/{item}/links", {"expires_in": 600}).json()
    left = datetime.datetime.fromisoformat(made["expires_at"]) - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(seconds=590) < left <= datetime.timedelta(seconds=600 + 3600)
    where = path_and_query(made["url"])
    assert stack.nobody.get(where).body == samples.picture(61)
    assert stack.nobody.get(f"{where}&download=1").status == 403
    assert me.post(f"/v1/media/{item}/links").status == 200


def test_a_link_may_be_for_downloading(stack: stacks.Stack, me: stacks.Caller) -> None:
    made = me.post(f"/v1/media/{kept(me, 62)}/links", {"download": True}).json()
    reply = stack.nobody.get(path_and_query(made["url"]))
    assert reply.headers["content-disposition"].startswith("attachment")


def test_a_link_signs_the_form_that_was_asked_for(me: stacks.Caller) -> None:
    item = kept(me, 63)
    made = me.post(f"/v1/media/{item}/links", {"transform": {"w": 400, "fit": "cover", "format": "webp"}}).json()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(made["url"]).query))
    assert {"w": "400", "fit": "cover", "format": "webp"}.items() <= query.items()
    named = me.post(f"/v1/media/{item}/links", {"rendition": "thumb"}).json()
    assert "rendition=thumb" in named["url"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_in": 0},
        {"expires_in": 10**9},
        {"rendition": "huge"},
        {"transform": {"w": 0}},
        {"transform": {"w": 10}, "rendition": "thumb"},
        {"share": "x"},
    ],
)
def test_what_can_not_be_signed_is_refused(me: stacks.Caller, wrong: dict[str, object]) -> None:
    assert me.post(f"/v1/media/{kept(me, 64)}/links", wrong).status == 422


def test_links_to_what_is_not_ones_own_are_not_made(me: stacks.Caller, other: stacks.Caller) -> None:
    assert me.post(f"/v1/media/{kept(other, 65)}/links").status == 404
