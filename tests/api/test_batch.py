"""`POST /v1/keep/batch`: many at once, in order, each failing alone."""

from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller
from tests.api.test_media_object import shaped


def batch(caller: Caller, items: list[Any]) -> list[Any]:
    reply = caller.post("/v1/keep/batch", {"items": items})
    assert reply.status == 200, reply.body
    results: list[Any] = reply.json()["results"]
    assert all(result.keys() in ({"media"}, {"problem"}) for result in results)
    return results


def test_results_come_in_order_and_a_bad_item_fails_alone(me: Caller, sim: simulators.Simulator) -> None:
    results = batch(
        me,
        [
            {"url": samples.url(sim, 1)},
            {"url": "http://10.0.0.1/a.png"},
            {"url": samples.url(sim, 2), "mode": "temporary"},
            {"colour": "red"},
            {"data": samples.base64_of(samples.picture(3))},
            {"data": "data:text/html,<html></html>"},
            {"url": samples.url(sim, 4), "parents": [{"id": "01890a5d-ac96-774b-bcce-b302099a8057"}]},
            {"provider": "fal", "request_id": "r"},
            {"url": samples.url(sim, 5), "wait": 30},
        ],
    )
    assert [one.get("problem", {}).get("code") for one in results] == [
        None, "blocked_address", None, "invalid_request", None, "not_media", "not_found", "invalid_request", None,
    ]  # fmt: skip
    assert [one["problem"]["status"] for one in results if "problem" in one] == [422, 422, 422, 404, 422]
    assert {"/colour"} < {one["pointer"] for one in results[3]["problem"]["errors"]} | {"/colour", ""}
    states = {place: shaped(results[place]["media"])["status"] for place in (2, 4, 8)}
    assert states == {2: "temporary", 4: "kept", 8: "kept"}
    assert me.settled(results[0]["media"]["id"])["status"] == "kept"


def test_one_source_several_times_is_one_item(me: Caller, sim: simulators.Simulator) -> None:
    url, data = samples.url(sim, 6), samples.base64_of(samples.picture(7))
    results = batch(
        me, [{"url": url}, {"data": data}, {"url": url}, {"data": data}, {"url": samples.url(sim, 6, ttl=60)}]
    )
    ids = [one["media"]["id"] for one in results]
    assert ids[0] == ids[2] == ids[4]
    assert ids[1] == ids[3] != ids[0]


def test_again_makes_as_many_as_asked_for(me: Caller, sim: simulators.Simulator) -> None:
    results = batch(me, [{"url": samples.url(sim, 8), "again": True}] * 3)
    assert len({one["media"]["id"] for one in results}) == 3


def test_versions_of_one_slot_are_numbered_in_the_order_of_the_batch(me: Caller, sim: simulators.Simulator) -> None:
    items = [{"url": samples.url(sim, seed), "project": "film", "slot": "b"} for seed in range(10, 20)]
    assert [one["media"]["version"] for one in batch(me, items)] == list(range(1, 11))


def test_500_fit_and_501_do_not(me: Caller, sim: simulators.Simulator) -> None:
    items = [{"url": f"https://cdn.example.com/{number}.png", "mode": "temporary"} for number in range(501)]
    results = batch(me, items[:500])
    assert [one["media"]["source_url"] for one in results] == [item["url"] for item in items[:500]]
    refused = me.post("/v1/keep/batch", {"items": items})
    assert (refused.status, refused.problem()["errors"][0]["pointer"]) == (422, "/items")


@pytest.mark.parametrize(
    "body", [{}, {"items": []}, {"items": None}, {"items": {}}, {"items": [], "x": 1}, {"items": [1]}]
)
def test_a_batch_is_a_list_of_objects(me: Caller, body: Any) -> None:
    assert me.post("/v1/keep/batch", body).problem()["code"] == "invalid_request"
