"""A signature opens one item, in one form, for one share, until one moment; and nothing else."""

import urllib.parse
from typing import Any

import pytest

from tests.api import stack as stacks
from tests.renditions import conftest as house


@pytest.fixture
def item(me: stacks.Caller) -> Any:
    return house.keep(me, bytes(house.painted(900, 500).jpegsave_buffer()))


def link(me: stacks.Caller, item: Any, **wanted: Any) -> str:
    made = me.post(f"/v1/media/{item['id']}/links", wanted)
    assert made.status == 200, made.body
    return house.place(made.json()["url"])


def moved(where: str, *, to: str | None = None, **changes: str | None) -> str:
    """The address with other parameters, or of another item."""
    path, _, query = where.partition("?")
    params: dict[str, str] = dict(urllib.parse.parse_qsl(query))
    for name, value in changes.items():
        params.pop(name, None)
        if value is not None:
            params[name] = value
    return f"{path if to is None else f'/m/{to}/x'}?{urllib.parse.urlencode(params)}"


def test_a_signed_size_is_exact(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    where = link(me, item, transform={"w": 333, "h": 111, "fit": "cover", "format": "jpeg", "q": 77})
    reply = house.made(stack.nobody, where)
    picture = house.seen(reply.body)
    assert (reply.status, picture.width, picture.height) == (200, 333, 111)
    assert reply.headers["cache-control"].startswith("private, max-age=")


def test_a_signature_is_for_one_form_only(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    where = link(me, item, transform={"w": 320, "format": "webp"})
    assert house.made(stack.nobody, where).status == 200
    for changes in (
        {"w": "640"}, {"w": None}, {"h": "100"}, {"fit": "cover"}, {"format": "png"}, {"format": None}, {"q": "10"},
        {"rendition": "thumb"}, {"download": "1"}, {"exp": "9999999999"}, {"kid": "other"}, {"share": "x"},
        {"sig": "A" * 43}, {"w": None, "format": None},
    ):  # fmt: skip
        reply = stack.nobody.get(moved(where, **changes))
        assert (reply.status, reply.problem()["code"]) == (403, "invalid_signature"), changes


def test_a_rendition_is_not_the_original_and_not_another_one(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    where = link(me, item, rendition="thumb")
    assert house.made(stack.nobody, where).headers["content-type"] == "image/webp"
    for changes in ({"rendition": None}, {"rendition": "preview"}, {"w": "64"}):
        assert stack.nobody.get(moved(where, **changes)).status == 403


def test_a_signature_can_not_be_moved_to_another_item(
    stack: stacks.Stack, me: stacks.Caller, other: stacks.Caller, item: Any
) -> None:
    theirs = house.keep(other, bytes(house.painted(300, 300).jpegsave_buffer()))
    for wanted in ({}, {"rendition": "thumb"}, {"transform": {"w": 64}}, {"download": True}):
        where = link(me, item, **wanted)
        assert house.made(stack.nobody, where).status == 200
        assert stack.nobody.get(moved(where, to=theirs["id"])).status == 403


def test_a_download_may_be_of_a_rendition(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    where = link(me, item, rendition="thumb", download=True)
    assert house.made(stack.nobody, where).headers["content-disposition"].startswith("attachment")
    assert stack.nobody.get(moved(where, download=None)).status == 403


def test_what_can_not_be_made_is_not_signed(me: stacks.Caller, item: Any) -> None:
    for wanted in (
        {"rendition": "720p"},
        {"rendition": "poster"},
        {"transform": {"w": 16000, "h": 16000, "fit": "cover"}},
    ):
        assert me.post(f"/v1/media/{item['id']}/links", wanted).status == 422


def test_a_private_item_is_nowhere_for_others(
    stack: stacks.Stack, me: stacks.Caller, other: stacks.Caller, item: Any
) -> None:
    missing = "00000000-0000-7000-8000-000000000000"
    house.made(me, f"/m/{item['id']}/x?rendition=thumb")
    for query in ("", "?w=64", "?rendition=thumb", "?rendition=huge", "?w=0", "?download=1", "?w=64&format=auto"):
        for caller in (other, stack.nobody):
            for method in ("GET", "HEAD"):
                theirs = caller.send(method, f"/m/{item['id']}/x{query}")
                nothing = caller.send(method, f"/m/{missing}/x{query}")
                assert (theirs.status, theirs.body) == (nothing.status, nothing.body) == (404, nothing.body)
    assert other.post(f"/v1/media/{item['id']}/links").status == 404
    assert other.get(f"/v1/media/{item['id']}/events").status == 404
    assert other.get(f"/v1/media?similar_to={item['id']}").status == 404
    assert other.post("/v1/shares", {"media_id": item["id"]}).status == 404
    assert me.get(f"/m/{item['id']}/x?rendition=thumb").status == 200


def test_urls_of_a_share_end_with_it(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = house.keep(me, bytes(house.painted(1500, 900).jpegsave_buffer()))
    share = me.post("/v1/shares", {"media_id": item["id"]}).json()
    page = stack.nobody.get(house.place(share["url"])).body.decode()
    addresses = {
        part.split('"')[0].replace("&amp;", "&").replace("../", "/")
        for part in page.split('src="')[1:] + page.split('href="')[1:]
        if part.startswith("../m/")
    }
    assert {("rendition=" in address or "w=" in address) for address in addresses} == {True, False}
    for address in addresses:
        assert house.made(stack.nobody, address).status == 200, address
        assert stack.nobody.get(moved(address, share=None)).status == 403
        assert stack.nobody.get(moved(address, w="64")).status == 403
    assert me.send("DELETE", f"/v1/shares/{share['id']}").status in (200, 204)
    for address in addresses:
        assert stack.nobody.get(address).status == 403, address
