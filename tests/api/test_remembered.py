"""What permanent URLs remember is forgotten as soon as it changes."""

import base64

from ambrotype.simulator import media
from tests.api import stack as stacks

TRAVELS = 5
"""Requests that may be answered while a notification is on its way."""


def kept(me: stacks.Caller, seed: int, visibility: str) -> tuple[str, str]:
    """An item's id, and the path of its permanent URL."""
    data = base64.b64encode(media.picture(seed)).decode()
    found = me.post("/v1/keep", {"data": data, "visibility": visibility}).json()
    assert found["status"] == "kept"
    return found["id"], "/m/" + found["url"].split("/m/")[1]


def test_an_item_made_private_is_refused_to_those_who_saw_it_a_moment_ago(
    stack: stacks.Stack, me: stacks.Caller
) -> None:
    media_id, path = kept(me, 901, "public")
    assert [stack.nobody.get(path).status for _ in range(3)] == [200] * 3
    assert me.send("PATCH", f"/v1/media/{media_id}", {"visibility": "private"}).status == 200
    seen = [stack.nobody.get(path).status for _ in range(50)]
    assert seen[-1] == 404
    assert seen.count(200) <= TRAVELS


def test_what_is_in_the_trash_is_not_served_to_others(stack: stacks.Stack, me: stacks.Caller) -> None:
    media_id, path = kept(me, 902, "public")
    assert stack.nobody.get(path).status == 200
    assert me.send("DELETE", f"/v1/media/{media_id}").status == 200
    seen = [stack.nobody.get(path).status for _ in range(50)]
    assert seen[-1] == 404
    assert seen.count(200) <= TRAVELS


def test_a_revoked_key_opens_nothing_that_it_opened_a_moment_ago(stack: stacks.Stack, me: stacks.Caller) -> None:
    _, path = kept(me, 903, "private")
    made = stack.service.post("/v1/keys", {"name": "x", "role": "service"}).json()
    caller = stacks.Caller(port=stack.port, headers={"Authorization": f"Bearer {made['key']}"})
    assert [caller.get(path).status for _ in range(3)] == [200] * 3
    assert stack.service.send("DELETE", f"/v1/keys/{made['id']}").status == 200
    assert caller.get(path).status == 401


def test_what_one_caller_may_see_is_not_remembered_for_another(
    stack: stacks.Stack, me: stacks.Caller, other: stacks.Caller
) -> None:
    _, path = kept(me, 904, "private")
    assert [me.get(path).status, other.get(path).status, stack.nobody.get(path).status] == [200, 404, 404]
    assert [me.get(path).status, other.get(path).status, stack.nobody.get(path).status] == [200, 404, 404]
