"""A list shows every item as it is now, whatever was shown a moment ago."""

import json
import uuid
from typing import Any

from ambrotype.api import shown
from tests.api import samples
from tests.api import stack as stacks


def listed(caller: stacks.Caller, query: str = "") -> list[Any]:
    reply = caller.get(f"/v1/media{query}")
    assert reply.status == 200, reply.body
    found: list[Any] = reply.json()["items"]
    return found


def agree(caller: stacks.Caller, *ids: str, query: str = "") -> None:
    """The list shows these items, newest first, each as it shows itself."""
    assert listed(caller, query) == [caller.media(one) for one in ids]
    assert listed(caller, query) == [caller.media(one) for one in ids]


def test_each_change_of_an_item_shows_in_the_next_list(stack: stacks.Stack, me: stacks.Caller) -> None:
    first, second = (
        me.kept(data=samples.base64_of(samples.picture(n)), project="film", slot="hero")["id"] for n in (9101, 9102)
    )
    child = me.kept(data=samples.base64_of(samples.picture(9103)), parents=[{"id": first, "role": "mask"}])["id"]
    agree(me, child, second, first)
    me.send("PATCH", f"/v1/media/{first}", {"title": "Fox", "tags": ["a"], "metadata": {"x": 1}, "prompt": "a fox"})
    agree(me, child, second, first)
    me.send("PATCH", f"/v1/media/{first}", {"visibility": "public", "favorite": True})
    agree(me, child, second, first)
    assert [one["is_current"] for one in listed(me)] == [None, True, False]
    me.send("PUT", "/v1/projects/film/slots/hero/current", {"version": 1})
    agree(me, child, second, first)
    assert [one["is_current"] for one in listed(me)] == [None, False, True]
    me.send("DELETE", f"/v1/media/{second}")
    agree(me, child, first)
    agree(me, second, query="?trashed=true")
    me.post(f"/v1/media/{second}/restore")
    agree(me, child, second, first)


def test_a_linked_guests_items_are_shown_as_the_users(stack: stacks.Stack, app_key: stacks.Caller) -> None:
    guest = app_key.post("/v1/guests").json()
    theirs = app_key.with_(Ambrotype_Owner=guest["owner"])
    item = theirs.kept(data=samples.base64_of(samples.picture(9104)))["id"]
    assert [one["owner"] for one in listed(theirs)] == [guest["owner"]]
    user = f"user:{uuid.uuid4()}"
    mine = app_key.with_(Ambrotype_Owner=user)
    assert mine.post("/v1/guests/link", {"guest_token": guest["token"]}).status == 200
    assert [(one["id"], one["owner"]) for one in listed(mine)] == [(item, user)]
    agree(mine, item)


def test_nobody_is_told_what_is_wrong_with_a_request(stack: stacks.Stack, me: stacks.Caller) -> None:
    for query in ("?limit=999", "?nonsense=1", "?kind=sculpture", "?cursor=x", "?sort=size&sort=nonsense"):
        assert stack.nobody.get(f"/v1/media{query}").status == 401
        assert me.get(f"/v1/media{query}").status == 422
    for body in (b"{", b"[" * 100_000, b'{"unknown": 1}'):
        assert stack.nobody.send("POST", "/v1/keep", body=body).status == 401
        assert me.send("POST", "/v1/keep", body=body).status == 422
    read = stack.key("read").with_(Ambrotype_Owner="user:x")
    assert read.send("POST", "/v1/keep", body=b"{").problem()["code"] == "forbidden"
    assert stack.key("app").send("POST", "/v1/keep", body=b"{").problem()["code"] == "owner_required"


def test_no_more_is_remembered_than_fits_and_nothing_beyond_the_hour() -> None:
    memory = shown.Shown(most=25)
    assert memory.get("a", until=3600) is None
    for name in ("a", "b", "c"):
        memory.put(name, json.dumps({"id": name}).encode(), until=3600)
    assert [memory.get(name, until=3600) is None for name in ("a", "b", "c")] == [True, False, False]
    memory.put("d", b"late", until=7200)
    assert memory.get("d", until=3600) is None
    assert memory.get("b", until=7200) is None
    assert memory.get("b", until=3600) is None
