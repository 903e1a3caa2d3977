"""Guests over HTTP: who may make them, and how they become users."""

import pytest

from tests.accounts import conftest
from tests.api import samples
from tests.api import stack as stacks


def data(seed: int) -> str:
    return samples.base64_of(samples.picture(seed))


def test_a_key_makes_a_guest_whose_token_is_shown_once(house: conftest.House) -> None:
    made = house.app_key.post("/v1/guests").json()
    assert made["token"].startswith("gst_")
    assert len(made["token"]) >= 47
    assert made["owner"].startswith("guest:")
    kept = house.bearer(made["token"]).keep(data=data(8001)).json()
    assert kept["owner"] == made["owner"]
    assert house.app_key.with_(Ambrotype_Owner=made["owner"]).media(kept["id"])["id"] == kept["id"]


def test_a_session_id_is_one_guest_for_ever(house: conftest.House) -> None:
    first, second = (house.app_key.post("/v1/guests", {"session_id": "sess-1"}).json() for _ in range(2))
    assert first["owner"] == second["owner"] == "guest:sess-1"
    assert first["token"] != second["token"]
    kept = house.bearer(first["token"]).keep(data=data(8002)).json()
    assert house.bearer(second["token"]).media(kept["id"])["owner"] == "guest:sess-1"


def test_the_same_idempotency_key_gives_the_same_guest(house: conftest.House) -> None:
    first, second = (house.app_key.post("/v1/guests", Idempotency_Key="guest-1") for _ in range(2))
    assert first.json() == second.json()
    assert conftest.cookie(first) == conftest.cookie(second)


@pytest.mark.parametrize("session_id", ["", "x" * 256, "a\0b", "a\nb", 7])
def test_a_session_id_that_is_none_is_refused(house: conftest.House, session_id: object) -> None:
    assert house.app_key.post("/v1/guests", {"session_id": session_id}).problem()["code"] == "invalid_request"


def test_a_guests_library_becomes_the_users(house: conftest.House) -> None:
    made = house.app_key.post("/v1/guests").json()
    guest, me = house.bearer(made["token"]), house.user("links")
    kept = guest.keep(data=data(8003)).json()
    linked = me.post("/v1/guests/link", {"guest_token": made["token"]})
    assert linked.json() == {"owner": "user:links", "linked": True, "moved": 1}
    assert me.media(kept["id"])["owner"] == "user:links"
    assert me.media(kept["id"])["url"] == kept["url"]
    assert guest.get("/v1/media").status == 401
    assert me.post("/v1/guests/link", {"guest_token": made["token"]}).json() == linked.json()
    other = house.user("another").post("/v1/guests/link", {"guest_token": made["token"]})
    assert (other.status, other.problem()["code"]) == (409, "already_linked")
    stacks.until(
        lambda: house.stack.sql("select 1 from ambrotype.owner where subject = %(s)s and moved_at is not null",
                                s=made["owner"].removeprefix("guest:"))
    )  # fmt: skip
    assert me.media(kept["id"])["owner"] == "user:links"
    assert me.get(kept["url"].split(str(house.stack.port), 1)[1]).body == samples.picture(8003)


def test_a_browser_links_by_its_cookie_which_then_goes(house: conftest.House) -> None:
    made = house.app_key.post("/v1/guests")
    browser = house.user("by-cookie").with_(Cookie=conftest.cookie(made))
    linked = browser.post("/v1/guests/link")
    assert linked.json()["linked"]
    assert str(linked.headers["set-cookie"]).startswith('ambrotype_guest="";')


def test_a_key_that_names_a_user_links_for_them(house: conftest.House) -> None:
    token = house.app_key.post("/v1/guests").json()["token"]
    named = house.app_key.with_(Ambrotype_Owner="user:by-key")
    assert named.post("/v1/guests/link", {"guest_token": token}).json()["owner"] == "user:by-key"


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"guest_token": "gst_unknown"}, 403), ({"guest_token": "x\0"}, 403)]
)
def test_what_proves_no_guest_links_none(house: conftest.House, body: dict[str, str], status: int) -> None:
    assert house.user("nothing").post("/v1/guests/link", body).status == status


# Where anybody may be a guest


def from_(house: conftest.House, address: str) -> stacks.Caller:
    return house.stack.nobody.with_(X_Forwarded_For=address)


def test_anybody_may_be_a_guest_but_only_so_often(open_house: conftest.House) -> None:
    here = from_(open_house, "203.0.113.7")
    made = [here.post("/v1/guests") for _ in range(5)]
    assert [reply.status for reply in made] == [201, 201, 201, 201, 429]
    assert int(made[4].headers["retry-after"]) > 0
    assert from_(open_house, "203.0.113.8").post("/v1/guests").status == 201
    assert from_(open_house, "203.0.113.7, 127.0.0.9").post("/v1/guests").status == 429, "behind two proxies"
    assert from_(open_house, "198.51.100.1, 203.0.113.7").post("/v1/guests").status == 429, "what a client invents"


def test_addresses_of_one_ipv6_network_count_as_one(open_house: conftest.House) -> None:
    made = [from_(open_house, f"2001:db8:1:1::{n}").post("/v1/guests").status for n in range(1, 6)]
    assert made == [201, 201, 201, 201, 429]
    assert from_(open_house, "2001:db8:1:2::1").post("/v1/guests").status == 201


def test_nobody_names_a_session_id(open_house: conftest.House) -> None:
    assert from_(open_house, "203.0.113.20").post("/v1/guests", {"session_id": "theirs"}).status == 403


def test_an_open_guest_has_little_room(open_house: conftest.House) -> None:
    guest = open_house.bearer(from_(open_house, "203.0.113.30").post("/v1/guests").json()["token"])
    kept = [guest.keep(url=f"https://cdn.example.com/room-{n}.png", mode="temporary") for n in range(3)]
    assert [reply.status for reply in kept] == [202, 202, 403]
    assert kept[2].problem()["code"] == "quota_exceeded"
    batch = guest.post("/v1/keep/batch", {"items": [{"url": "https://cdn.example.com/room-9.png"}]}).json()
    assert batch["results"][0]["problem"]["code"] == "quota_exceeded"


def test_bytes_beyond_the_room_are_refused_before_they_are_stored(open_house: conftest.House) -> None:
    picture = samples.picture(8100, size="400x300")
    assert len(picture) > 400
    before = open_house.stack.objects()
    me = open_house.user("full")
    reply = me.keep(data=samples.base64_of(picture))
    assert (reply.status, reply.problem()["code"]) == (403, "quota_exceeded")
    assert open_house.stack.objects() == before
    assert me.get("/v1/media").json()["items"] == []


# Rates


def test_a_limited_callers_replies_all_say_where_they_stand(open_house: conftest.House) -> None:
    me = open_house.user("busy")
    replies = [me.get("/v1/media"), me.get("/v1/media/no-id"), me.get("/v1/keys"), me.post("/v1/keep", {})]
    assert [reply.status for reply in replies] == [200, 422, 403, 422]
    assert [reply.headers["ratelimit-remaining"] for reply in replies] == ["4", "3", "2", "1"]
    assert all(
        reply.headers["ratelimit-limit"] == "5" and int(reply.headers["ratelimit-reset"]) > 0 for reply in replies
    )
    me.get("/v1/media")
    over = me.get("/v1/media")
    assert (over.status, over.problem()["code"]) == (429, "rate_limited")
    assert over.headers["ratelimit-remaining"] == "0"
    assert over.headers["retry-after"] == over.headers["ratelimit-reset"]


def test_one_callers_limit_is_not_anothers_and_keys_have_none(open_house: conftest.House) -> None:
    first = open_house.user("first")
    assert [first.get("/v1/media").status for _ in range(6)][-1] == 429
    assert open_house.user("second").get("/v1/media").status == 200
    replies = [open_house.stack.service.get("/v1/media") for _ in range(10)]
    assert all(reply.status == 200 and "ratelimit-limit" not in reply.headers for reply in replies)
