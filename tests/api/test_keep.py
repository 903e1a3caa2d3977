"""`POST /v1/keep` and `POST /v1/media/{id}/keep`: what is promised, what is known, what is tried again."""

import concurrent.futures
import uuid
from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller, Stack, until


def test_a_new_source_is_promised_at_once(me: Caller, sim: simulators.Simulator) -> None:
    reply = me.keep(samples.url(sim, 1))
    assert reply.status == 202
    assert reply.headers["location"] == f"/v1/media/{reply.json()['id']}"


def test_who_waits_gets_the_kept_item(me: Caller, sim: simulators.Simulator) -> None:
    reply = me.keep(samples.url(sim, 2), wait=60)
    assert (reply.status, reply.json()["status"]) == (201, "kept")


def test_who_waits_is_answered_in_time_while_the_source_does_not_come(me: Caller, sim: simulators.Simulator) -> None:
    reply = me.keep(samples.url(sim, 3, fault="hang"), wait=0.5)
    assert (reply.status, reply.json()["status"]) == (202, "keeping")


def test_who_waits_learns_of_a_loss(me: Caller, sim: simulators.Simulator) -> None:
    reply = me.keep(samples.url(sim, 4, fault="status", code=410), wait=60)
    assert (reply.status, reply.json()["status"]) == (202, "lost")


def test_a_kept_source_is_known_also_under_a_new_signature(me: Caller, sim: simulators.Simulator) -> None:
    first = me.kept(samples.url(sim, 5, ttl=600))
    reply = me.keep(samples.url(sim, 5, ttl=900))
    assert reply.status == 200
    for field in ("id", "status", "url", "source_url", "sha256", "kept_at"):
        assert reply.json()[field] == first[field]


def test_a_source_that_is_being_kept_is_known(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 6, fault="status", code=503)
    first, second = me.keep(url), me.keep(url)
    assert (first.status, second.status) == (202, 200)
    assert first.json()["id"] == second.json()["id"]


def test_a_temporary_item_is_known_and_left_where_it_is(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 7)
    first, second = me.keep(url, mode="temporary"), me.keep(url, mode="temporary")
    assert (first.status, second.status) == (202, 200)
    assert (second.json()["id"], second.json()["status"]) == (first.json()["id"], "temporary")


def test_a_temporary_item_is_saved_by_keeping_its_url(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 8)
    temporary = me.keep(url, mode="temporary").json()
    saved = me.keep(url)
    assert saved.status == 200
    assert saved.json()["id"] == temporary["id"]
    assert me.settled(temporary["id"])["status"] == "kept"


def test_a_temporary_item_is_saved_by_its_id(me: Caller, sim: simulators.Simulator) -> None:
    temporary = me.keep(samples.url(sim, 9), mode="temporary").json()
    saved = me.post(f"/v1/media/{temporary['id']}/keep")
    assert (saved.status, saved.json()["status"]) == (202, "keeping")
    assert me.settled(temporary["id"])["status"] == "kept"


def test_saving_what_is_kept_or_being_kept_changes_nothing(me: Caller, sim: simulators.Simulator) -> None:
    kept = me.kept(samples.url(sim, 10))
    keeping = me.keep(samples.url(sim, 11, fault="status", code=503)).json()
    for item in (kept, keeping):
        reply = me.post(f"/v1/media/{item['id']}/keep")
        assert (reply.status, reply.json()["status"]) == (200, item["status"])


def lose(me: Caller, sim: simulators.Simulator, seed: int) -> tuple[str, Any]:
    """A source that answers 404 once and then works, and its lost item."""
    url = samples.url(sim, seed, fault="status", code=404, times=1)
    lost = me.kept(url)
    assert lost["status"] == "lost"
    return url, lost


def test_a_lost_source_is_tried_again_under_its_id(me: Caller, sim: simulators.Simulator) -> None:
    url, lost = lose(me, sim, 12)
    again = me.keep(url)
    assert again.status == 202
    assert (again.json()["id"], again.json()["url"], again.json()["lost"]) == (lost["id"], lost["url"], None)
    assert me.settled(lost["id"])["status"] == "kept"


def test_a_lost_source_that_comes_while_somebody_waits_is_201(me: Caller, sim: simulators.Simulator) -> None:
    url, lost = lose(me, sim, 13)
    again = me.keep(url, wait=60)
    assert (again.status, again.json()["id"], again.json()["status"]) == (201, lost["id"], "kept")


def test_a_lost_item_is_tried_again_by_its_id(me: Caller, sim: simulators.Simulator) -> None:
    _, lost = lose(me, sim, 14)
    again = me.post(f"/v1/media/{lost['id']}/keep")
    assert (again.status, again.json()["status"]) == (202, "keeping")
    assert me.settled(lost["id"])["status"] == "kept"


def test_a_lost_item_is_kept_from_another_url(me: Caller, sim: simulators.Simulator) -> None:
    lost = me.kept(samples.url(sim, 15, fault="status", code=410))
    other = samples.url(sim, 16)
    again = me.post(f"/v1/media/{lost['id']}/keep", {"url": other})
    assert (again.status, again.json()["source_url"]) == (202, other)
    kept = me.settled(lost["id"])
    assert (kept["status"], kept["url"]) == ("kept", lost["url"])
    assert kept["sha256"] == samples.sha256(samples.picture(16))


def test_an_item_is_not_kept_from_a_url_that_is_another_items(me: Caller, sim: simulators.Simulator) -> None:
    taken = me.kept(samples.url(sim, 17))
    lost = me.kept(samples.url(sim, 18, fault="status", code=410))
    reply = me.post(f"/v1/media/{lost['id']}/keep", {"url": taken["source_url"]})
    assert (reply.status, reply.problem()["code"]) == (409, "conflict")
    assert me.media(lost["id"])["status"] == "lost"


def test_an_item_is_not_kept_from_a_private_address(me: Caller, sim: simulators.Simulator) -> None:
    temporary = me.keep(samples.url(sim, 19), mode="temporary").json()
    reply = me.post(f"/v1/media/{temporary['id']}/keep", {"url": "http://10.0.0.1/a.png"})
    assert (reply.status, reply.problem()["code"]) == (422, "blocked_address")
    assert me.media(temporary["id"])["status"] == "temporary"


def test_an_expired_source_is_tried_again_under_its_id(me: Caller, sim: simulators.Simulator, stack: Stack) -> None:
    url = samples.url(sim, 20)
    item = me.keep(url, mode="temporary").json()
    stack.sql("update ambrotype.media set status = 'expired' where id = %(id)s", id=item["id"])
    assert me.media(item["id"])["status"] == "expired"
    again = me.keep(url)
    assert (again.status, again.json()["id"]) == (202, item["id"])
    assert me.settled(item["id"])["status"] == "kept"


def test_a_trashed_item_is_not_matched(me: Caller, sim: simulators.Simulator, stack: Stack) -> None:
    item = me.kept(samples.url(sim, 21))
    stack.sql("update ambrotype.media set deleted_at = now() where id = %(id)s", id=item["id"])
    again = me.keep(samples.url(sim, 21))
    assert again.status == 202
    assert again.json()["id"] != item["id"]
    assert me.media(item["id"])["deleted_at"] is not None


def test_again_makes_a_new_item_each_time_and_is_not_matched_later(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 22)
    plain = me.keep(url).json()["id"]
    forced = {me.keep(url, again=True).json()["id"] for _ in range(2)}
    assert len(forced | {plain}) == 3
    assert me.keep(url).json()["id"] == plain


def test_one_source_in_another_slot_is_another_item(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 23)
    places: list[dict[str, Any]] = [{}, {"project": "p"}, {"project": "p", "slot": "a"}, {"project": "p", "slot": "b"}]
    first = [me.keep(url, **place).json()["id"] for place in places]
    second = [me.keep(url, **place) for place in places]
    assert len(set(first)) == 4
    assert [reply.status for reply in second] == [200] * 4
    assert [reply.json()["id"] for reply in second] == first


def test_many_callers_at_once_get_one_item(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 24)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: me.keep(url), range(16)))
    assert sorted(reply.status for reply in replies) == [200] * 15 + [202]
    assert len({reply.json()["id"] for reply in replies}) == 1


def test_a_job_of_a_provider_without_a_key_is_refused_with_the_settings_name(me: Caller) -> None:
    reply = me.keep(provider="fal", request_id="r-1")
    assert (reply.status, reply.problem()["code"]) == (422, "invalid_request")
    assert "AMBROTYPE_FAL_API_KEY" in reply.problem()["detail"]


# Bytes


@pytest.mark.parametrize("form", ["base64", "urlsafe", "unpadded", "wrapped", "uri", "quoted uri", "percent uri"])
def test_bytes_are_kept_at_once_in_every_spelling(me: Caller, form: str) -> None:
    seed = 100 + len(form)
    content = samples.picture(seed)
    text = samples.base64_of(content)
    spelled = {
        "base64": text,
        "urlsafe": text.replace("+", "-").replace("/", "_"),
        "unpadded": text.rstrip("="),
        "wrapped": "\n".join(text[place : place + 76] for place in range(0, len(text), 76)),
        "uri": f"data:image/png;base64,{text}",
        "quoted uri": "DATA:image/png;name=a.png;BASE64," + text.replace("+", "%2B").replace("/", "%2F"),
        "percent uri": "data:image/png," + "".join(f"%{byte:02X}" for byte in content),
    }[form]
    reply = me.keep(data=spelled, name="a.png")
    assert reply.status == 201
    item = reply.json()
    assert (item["status"], item["sha256"], item["source_url"]) == ("kept", samples.sha256(content), None)
    assert me.get(item["url"].partition(f":{me.port}")[2]).body == content


def test_the_same_bytes_are_known(me: Caller) -> None:
    data = samples.base64_of(samples.picture(120))
    first, second = me.keep(data=data), me.keep(data="data:;base64," + data)
    assert (first.status, second.status) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ("", 422, "invalid_request"),
        ("data:image/png;base64,", 422, "invalid_request"),
        ("not base64 at all!", 422, "invalid_request"),
        ("a", 422, "invalid_request"),
        ("data:image/png;base64,%%%", 422, "invalid_request"),
        ("\ud800", 422, "invalid_request"),
        ("data:image/png,\ud800", 422, "not_media"),
        ("data:text/html,<!doctype html><html><body>Sorry</body></html>", 422, "not_media"),
        (samples.base64_of(b'{"error": "expired"}'), 422, "not_media"),
        (samples.base64_of(samples.picture(121)[:900]), 422, "truncated"),
        (samples.base64_of(b"\x00" * 100), 422, "not_media"),
        (samples.base64_of(b"%PDF-1.7\n" + bytes(100)), 422, "unsupported_type"),
    ],
)
def test_what_is_no_media_is_refused_and_leaves_nothing_behind(
    me: Caller, stack: Stack, data: str, status: int, code: str
) -> None:
    reply = me.keep(data=data, project="refused", slot="a")
    assert (reply.status, reply.problem()["code"]) == (status, code)
    assert me.get("/v1/media?status=keeping&status=kept&status=lost").json()["items"] == []
    (subject,) = me.headers["Ambrotype-Owner"].removeprefix("user:").split()
    mine = "select o.id from ambrotype.owner o where o.subject = %(subject)s"
    assert stack.sql(f"select count(*) from ambrotype.slot where owner_id in ({mine})", subject=subject) == [(0,)]
    assert not [file for file in stack.objects() if "refused" in str(file)]


def test_bytes_can_not_be_temporary(me: Caller) -> None:
    reply = me.keep(data=samples.base64_of(samples.picture(122)), mode="temporary")
    assert (reply.status, reply.problem()["code"]) == (422, "invalid_request")


# Parents


def test_parents_are_named_by_id_and_by_url_and_those_are_kept_too(me: Caller, sim: simulators.Simulator) -> None:
    base = me.keep(samples.url(sim, 30)).json()["id"]
    child = me.keep(
        samples.url(sim, 31),
        parents=[{"id": base, "role": "base_image"}, {"url": samples.url(sim, 32), "role": "mask"}, {"id": base}],
    ).json()
    assert [parent["role"] for parent in child["parents"]] == ["base_image", "mask", "reference"]
    assert [child["parents"][place]["id"] for place in (0, 2)] == [base, base]
    mask = me.settled(child["parents"][1]["id"])
    assert (mask["status"], mask["sha256"]) == ("kept", samples.sha256(samples.picture(32)))


def test_a_temporary_items_parents_are_kept_all_the_same(me: Caller, sim: simulators.Simulator) -> None:
    child = me.keep(samples.url(sim, 33), mode="temporary", parents=[{"url": samples.url(sim, 34)}]).json()
    assert me.settled(child["parents"][0]["id"])["status"] == "kept"
    assert me.media(child["id"])["status"] == "temporary"


def test_a_known_parent_is_the_item_that_is_there(me: Caller, sim: simulators.Simulator) -> None:
    parent = me.keep(samples.url(sim, 35)).json()["id"]
    child = me.keep(samples.url(sim, 36), parents=[{"url": samples.url(sim, 35)}]).json()
    assert child["parents"] == [{"id": parent, "role": "reference"}]


@pytest.mark.parametrize("mode", ["keep", "temporary"])
def test_an_unknown_parent_is_404_and_nothing_is_promised(me: Caller, sim: simulators.Simulator, mode: str) -> None:
    reply = me.keep(samples.url(sim, 37), mode=mode, parents=[{"url": samples.url(sim, 38)}, {"id": str(uuid.uuid4())}])
    assert (reply.status, reply.problem()["code"]) == (404, "not_found")
    assert me.get("/v1/media?status=keeping&status=kept&status=temporary").json()["items"] == []


@pytest.mark.parametrize(
    "parent",
    [{}, {"id": str(uuid.uuid4()), "url": "https://example.com/a.png"}, {"id": "x"}, {"url": "https://e.com", "x": 1}],
)
def test_a_parent_is_given_by_either_id_or_url(me: Caller, sim: simulators.Simulator, parent: Any) -> None:
    reply = me.keep(samples.url(sim, 39), parents=[parent])
    assert reply.status == 422
    assert all(one["pointer"].startswith("/parents/0") for one in reply.problem()["errors"])


def test_a_parents_private_address_is_refused_with_its_code(me: Caller, sim: simulators.Simulator) -> None:
    reply = me.keep(samples.url(sim, 40), parents=[{"url": "http://192.168.0.1/a.png"}])
    assert (reply.status, reply.problem()["code"]) == (422, "blocked_address")


# Slots


def test_versions_count_up_and_the_newest_kept_one_is_current(me: Caller, sim: simulators.Simulator) -> None:
    place = {"project": "film", "slot": "hero"}
    first = me.kept(samples.url(sim, 50), **place)
    assert (first["version"], first["is_current"]) == (1, True)
    pending = me.keep(samples.url(sim, 51, fault="status", code=503), **place).json()
    assert (pending["version"], pending["is_current"]) == (2, False)
    assert me.media(first["id"])["is_current"] is True
    third = me.kept(samples.url(sim, 52), **place)
    assert (third["version"], third["is_current"]) == (3, True)
    assert me.media(first["id"])["is_current"] is False


def test_a_lost_version_never_becomes_current(me: Caller, sim: simulators.Simulator) -> None:
    place = {"project": "film", "slot": "villain"}
    first = me.kept(samples.url(sim, 53), **place)
    lost = me.kept(samples.url(sim, 54, fault="status", code=404), **place)
    assert (lost["status"], lost["version"], lost["is_current"]) == ("lost", 2, False)
    assert me.media(first["id"])["is_current"] is True


def test_a_version_that_is_kept_late_does_not_take_the_place_of_a_newer_one(
    me: Caller, sim: simulators.Simulator
) -> None:
    place = {"project": "film", "slot": "late"}
    temporary = me.keep(samples.url(sim, 55), mode="temporary", **place).json()
    newer = me.kept(samples.url(sim, 56), **place)
    assert (temporary["version"], newer["version"]) == (1, 2)
    me.post(f"/v1/media/{temporary['id']}/keep")
    older = me.settled(temporary["id"])
    assert (older["status"], older["is_current"]) == ("kept", False)
    assert me.media(newer["id"])["is_current"] is True


def test_versions_of_callers_at_once_are_numbered_without_gap_or_double(me: Caller, sim: simulators.Simulator) -> None:
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        replies = pool.map(
            lambda seed: me.keep(samples.url(sim, seed), project="film", slot="crowd").json(), range(60, 72)
        )
        versions = sorted(reply["version"] for reply in replies)
    assert versions == list(range(1, 13))
    newest = until(lambda: _kept_all(me, 12))
    assert [item["version"] for item in newest if item["is_current"]] == [12]


def _kept_all(me: Caller, number: int) -> list[Any]:
    items: list[Any] = me.get("/v1/media?status=kept").json()["items"]
    return items if len(items) == number else []


def test_an_item_outside_of_slots_is_neither_current_nor_not(me: Caller, sim: simulators.Simulator) -> None:
    item = me.kept(samples.url(sim, 80), project="film")
    assert (item["project"], item["slot"], item["version"], item["is_current"]) == ("film", None, None, None)
