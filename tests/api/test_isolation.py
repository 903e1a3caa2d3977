"""Two owners under one key: what one has is to the other as if it were not there."""

import uuid

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller, Stack


def test_lists_hold_ones_own_items_only(me: Caller, other: Caller, sim: simulators.Simulator) -> None:
    mine, theirs = me.kept(samples.url(sim, 1))["id"], other.kept(samples.url(sim, 1))["id"]
    waiting = me.keep(samples.url(sim, 2), mode="temporary").json()["id"]
    assert mine != theirs
    assert [item["id"] for item in other.get("/v1/media?status=kept&status=temporary").json()["items"]] == [theirs]
    assert [item["id"] for item in me.get("/v1/at-risk").json()["items"]] == [waiting]
    assert other.get("/v1/at-risk").json()["items"] == []


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/events"), ("POST", "/keep")])
@pytest.mark.parametrize("visibility", ["private", "unlisted", "public"])
def test_anothers_item_is_answered_like_one_that_does_not_exist(
    me: Caller, other: Caller, sim: simulators.Simulator, method: str, path: str, visibility: str
) -> None:
    item = me.keep(samples.url(sim, 3), mode="temporary", visibility=visibility).json()["id"]
    nothing = str(uuid.uuid4())
    theirs, missing = other.send(method, f"/v1/media/{item}{path}"), other.send(method, f"/v1/media/{nothing}{path}")
    assert (theirs.status, theirs.problem()["code"]) == (404, "not_found")
    assert theirs.problem()["detail"].replace(item, nothing) == missing.problem()["detail"]
    assert me.media(item)["status"] == "temporary"


def test_anothers_item_can_not_be_a_parent(me: Caller, other: Caller, sim: simulators.Simulator) -> None:
    item = me.kept(samples.url(sim, 4))["id"]
    reply = other.keep(samples.url(sim, 5), parents=[{"id": item}])
    assert (reply.status, reply.problem()["code"]) == (404, "not_found")
    assert other.get("/v1/media").json()["items"] == []


def test_anothers_lost_source_is_not_tried_again(me: Caller, other: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 6, fault="status", code=404)
    lost = me.kept(url)
    theirs = other.keep(url).json()
    assert theirs["id"] != lost["id"]
    assert me.media(lost["id"]) == lost


def test_projects_of_two_owners_that_are_named_alike_are_two(
    me: Caller, other: Caller, sim: simulators.Simulator
) -> None:
    place = {"project": "film", "slot": "hero"}
    mine, theirs = me.kept(samples.url(sim, 7), **place), other.kept(samples.url(sim, 8), **place)
    assert (mine["version"], theirs["version"]) == (1, 1)
    assert me.media(mine["id"])["is_current"] is other.media(theirs["id"])["is_current"] is True


def test_a_private_items_bytes_are_for_its_owner_and_the_administrator(
    me: Caller, other: Caller, stack: Stack, sim: simulators.Simulator
) -> None:
    item = me.kept(samples.url(sim, 9))["id"]
    missing = other.get(f"/m/{uuid.uuid4()}/x").problem()
    for caller in (other, stack.nobody, stack.key("app")):
        reply = caller.get(f"/m/{item}/x")
        assert reply.status == 404
        assert reply.problem() == missing
    assert [caller.get(f"/m/{item}/x").status for caller in (me, stack.service)] == [200, 200]


@pytest.mark.parametrize("visibility", ["unlisted", "public"])
def test_whoever_has_the_url_may_see_what_is_not_private_but_not_read_about_it(
    me: Caller, other: Caller, stack: Stack, sim: simulators.Simulator, visibility: str
) -> None:
    item = me.kept(samples.url(sim, 10), visibility=visibility)
    for caller in (other, stack.nobody):
        reply = caller.get(f"/m/{item['id']}/x")
        assert (reply.status, reply.body) == (200, samples.picture(10))
    assert other.get(f"/v1/media/{item['id']}").status == 404
    assert stack.nobody.get(f"/v1/media/{item['id']}").status == 401
    assert other.get("/v1/media").json()["items"] == []


def test_the_same_subject_as_guest_and_as_user_is_two_owners(stack: Stack, sim: simulators.Simulator) -> None:
    subject = uuid.uuid4()
    key = stack.key("app")
    user = key.with_(Ambrotype_Owner=f"user:{subject}")
    guest = key.with_(Ambrotype_Owner=f"guest:{subject}")
    item = user.kept(samples.url(sim, 11))["id"]
    assert guest.get(f"/v1/media/{item}").status == 404
    assert guest.get("/v1/media").json()["items"] == []
