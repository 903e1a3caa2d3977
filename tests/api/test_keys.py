"""`/v1/keys` and who may do what; `Idempotency-Key`."""

import concurrent.futures
import json
import uuid
from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller, Stack, somebody

SHOWN = {"id", "name", "role", "app", "prefix", "created_at", "last_used_at", "revoked_at"}


def test_a_key_is_shown_once(stack: Stack) -> None:
    made = stack.service.post("/v1/keys", {"name": "app of mine"})
    key = made.json()
    assert made.status == 201
    assert made.headers["cache-control"] == "no-store"
    assert key.keys() == SHOWN | {"key"}
    assert (key["name"], key["role"], key["app"], key["revoked_at"]) == ("app of mine", "app", "default", None)
    assert key["key"].startswith(key["prefix"])
    assert len(key["key"]) >= 40
    one = stack.service.get(f"/v1/keys/{key['id']}")
    every = stack.service.get("/v1/keys?limit=200")
    assert one.json().keys() == SHOWN
    assert key["id"] in [other["id"] for other in every.json()["items"]]
    assert all(other.keys() == SHOWN for other in every.json()["items"])
    assert key["key"] not in (one.body + every.body).decode()


def test_keys_are_stored_hashed(stack: Stack) -> None:
    key = stack.service.post("/v1/keys", {"name": "hashed"}).json()["key"]
    rows = stack.sql("select to_jsonb(k)::text from ambrotype.api_key k")
    assert rows
    assert not [row for (row,) in rows if key in row]


def test_a_revoked_key_ends_at_once(stack: Stack) -> None:
    made = stack.service.post("/v1/keys", {"name": "short-lived"}).json()
    caller = stack.nobody.with_(Authorization=f"Bearer {made['key']}", Ambrotype_Owner=somebody())
    assert caller.get("/v1/media").status == 200
    revoked = stack.service.send("DELETE", f"/v1/keys/{made['id']}")
    assert revoked.status == 200
    assert revoked.json()["revoked_at"] is not None
    assert (caller.get("/v1/media").status, caller.get(f"/m/{uuid.uuid4()}/x").status) == (401, 401)
    assert stack.service.send("DELETE", f"/v1/keys/{made['id']}").json() == revoked.json()


def test_keys_are_paged_newest_first(stack: Stack) -> None:
    made = [stack.service.post("/v1/keys", {"name": f"{number}"}).json()["id"] for number in range(5)]
    shown: list[str] = []
    cursor = ""
    while len(shown) < 1000:
        page = stack.service.get(f"/v1/keys?limit=2{cursor}").json()
        shown += [key["id"] for key in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(shown) == len(set(shown))
    assert [key for key in shown if key in made] == made[::-1]


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({}, "/name"), ({"name": ""}, "/name"), ({"name": "n", "role": "root"}, "/role"), ({"name": "n\x00"}, "/name"),
        ({"name": "n", "app": "No App"}, "/app"), ({"name": "n", "app": "a\n"}, "/app"), ({"name": "n", "x": 1}, "/x"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_not_made(stack: Stack, wanted: Any, pointer: str) -> None:
    problem = stack.service.post("/v1/keys", wanted).problem()
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize("role", ["app", "read"])
@pytest.mark.parametrize("named", [{}, {"Ambrotype_Owner": "user:1"}])
def test_only_a_service_key_administrates(stack: Stack, role: str, named: dict[str, str]) -> None:
    caller = stack.key(role).with_(**named)
    key = str(uuid.uuid4())
    for method, path, body in (
        ("GET", "/v1/keys", None), ("POST", "/v1/keys", {"name": "n", "role": "service"}),
        ("GET", f"/v1/keys/{key}", None), ("DELETE", f"/v1/keys/{key}", None),
    ):  # fmt: skip
        reply = caller.send(method, path, body)
        assert (reply.status, reply.problem()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("role", ["app", "read"])
def test_a_key_that_forgets_whom_it_acts_for_is_told_so(stack: Stack, sim: simulators.Simulator, role: str) -> None:
    caller = stack.key(role)
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/v1/media", None), ("GET", "/v1/at-risk", None), ("GET", f"/v1/media/{uuid.uuid4()}", None),
        ("POST", "/v1/keep", {"url": samples.url(sim, 1)}), ("POST", "/v1/keep/batch", {"items": [{}]}),
        ("POST", f"/v1/media/{uuid.uuid4()}/keep", None), ("GET", f"/v1/media/{uuid.uuid4()}/events", None),
    ]  # fmt: skip
    for method, path, body in requests:
        reply = caller.send(method, path, body)
        assert (reply.status, reply.problem()["code"]) == (400, "owner_required")


def test_a_read_key_reads_and_changes_nothing(stack: Stack, sim: simulators.Simulator) -> None:
    owner = somebody()
    item = stack.key("app").with_(Ambrotype_Owner=owner).kept(samples.url(sim, 2))
    reader = stack.key("read").with_(Ambrotype_Owner=owner)
    assert reader.media(item["id"])["id"] == item["id"]
    assert [one["id"] for one in reader.get("/v1/media").json()["items"]] == [item["id"]]
    assert reader.get(f"/m/{item['id']}/x").status == 200
    for reply in (
        reader.keep(samples.url(sim, 3)),
        reader.post("/v1/keep/batch", {"items": [{"url": samples.url(sim, 3)}]}),
        reader.post(f"/v1/media/{item['id']}/keep"),
    ):
        assert (reply.status, reply.problem()["code"]) == (403, "forbidden")


def test_the_administrator_sees_all_and_creates_for_the_service(
    stack: Stack, me: Caller, sim: simulators.Simulator
) -> None:
    mine = me.kept(samples.url(sim, 4))
    theirs = stack.service.kept(samples.url(sim, 4))
    assert (mine["owner"], theirs["owner"]) == (me.headers["Ambrotype-Owner"], "service")
    assert stack.service.media(mine["id"])["owner"] == mine["owner"]
    assert me.get(f"/v1/media/{theirs['id']}").status == 404


def test_a_service_key_that_names_an_owner_acts_as_that_owner(
    stack: Stack, me: Caller, other: Caller, sim: simulators.Simulator
) -> None:
    mine, theirs = me.kept(samples.url(sim, 5)), other.kept(samples.url(sim, 5))
    acting = stack.service.with_(Ambrotype_Owner=me.headers["Ambrotype-Owner"])
    assert [item["id"] for item in acting.get("/v1/media").json()["items"]] == [mine["id"]]
    assert acting.get(f"/v1/media/{theirs['id']}").status == 404


@pytest.mark.parametrize("owner", ["", "user:", "42", "admin:1", "user", ":1", "User:1", "user:" + "u" * 256])
@pytest.mark.parametrize("role", ["service", "app"])
def test_an_owner_header_that_names_nobody_is_refused(stack: Stack, role: str, owner: str) -> None:
    caller = stack.service if role == "service" else stack.key("app")
    for path in ("/v1/media", f"/m/{uuid.uuid4()}/x"):
        reply = caller.with_(Ambrotype_Owner=owner).get(path)
        assert (reply.status, reply.problem()["code"]) == (422, "invalid_request")


def test_an_apps_key_can_not_act_for_the_service(stack: Stack) -> None:
    assert stack.key("app").with_(Ambrotype_Owner="service").get("/v1/media").problem()["code"] == "forbidden"


def test_owners_are_named_in_any_script(stack: Stack, sim: simulators.Simulator) -> None:
    name = f"user:søren 漢 {uuid.uuid4()}"
    item = stack.key("app").with_(Ambrotype_Owner=name.encode().decode("latin-1")).keep(samples.url(sim, 6)).json()
    assert item["owner"] == name


def test_only_a_service_key_may_name_another_app(stack: Stack, sim: simulators.Simulator) -> None:
    owner = somebody()
    here = stack.service.with_(Ambrotype_Owner=owner).kept(samples.url(sim, 7))
    there = stack.service.with_(Ambrotype_Owner=owner, Ambrotype_App="shop").kept(samples.url(sim, 7))
    shop = stack.key("app", app="shop").with_(Ambrotype_Owner=owner)
    assert here["id"] != there["id"]
    assert [item["id"] for item in shop.get("/v1/media").json()["items"]] == [there["id"]]
    assert shop.with_(Ambrotype_App="shop").get("/v1/media").status == 200
    assert shop.with_(Ambrotype_App="default").get("/v1/media").problem()["code"] == "forbidden"
    assert stack.service.with_(Ambrotype_App="No App").get("/v1/media").status == 422


@pytest.mark.parametrize(
    "header",
    ["Bearer amb_unknown-key-unknown-key", "Bearer", "Bearer ", "Basic eDp5", "amb_x", "Bearer gst_x", "Bearer \xe9"],
)
def test_wrong_credentials_are_401_everywhere_even_where_none_are_needed(stack: Stack, header: str) -> None:
    caller = stack.nobody.with_(Authorization=header)
    for path in ("/v1/media", "/v1/keys", f"/m/{uuid.uuid4()}/x"):
        reply = caller.get(path)
        assert (reply.status, reply.problem()["code"]) == (401, "unauthenticated")
        assert reply.headers["www-authenticate"].startswith("Bearer")


def test_nobody_gets_no_list(stack: Stack) -> None:
    for path in ("/v1/media", "/v1/at-risk", "/v1/keys", f"/v1/media/{uuid.uuid4()}"):
        assert stack.nobody.get(path).problem()["code"] == "unauthenticated"


# Idempotency-Key


def test_a_request_whose_twin_is_still_running_is_told_when_to_try_again(stack: Stack) -> None:
    once = str(uuid.uuid4())
    first = stack.service.post("/v1/keys", {"name": "twin"}, Idempotency_Key=once)
    stack.sql("update ambrotype.idempotency set status = null, body = null where key = %(key)s", key=once)
    second = stack.service.post("/v1/keys", {"name": "twin"}, Idempotency_Key=once)
    assert (first.status, second.status, second.headers["Retry-After"]) == (201, 409, "1")


def test_the_same_key_and_body_give_the_first_reply_again(stack: Stack) -> None:
    once = {"Idempotency_Key": str(uuid.uuid4())}
    first = stack.service.post("/v1/keys", {"name": "once"}, **once)
    again = stack.service.post("/v1/keys", {"name": "once"}, **once)
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert again.headers["cache-control"] == "no-store"


def test_another_body_under_the_same_key_is_a_conflict(stack: Stack) -> None:
    once = {"Idempotency_Key": str(uuid.uuid4())}
    stack.service.post("/v1/keys", {"name": "one"}, **once)
    reply = stack.service.post("/v1/keys", {"name": "two"}, **once)
    assert (reply.status, reply.problem()["code"]) == (409, "idempotency_conflict")


def test_keys_of_two_callers_are_two(stack: Stack) -> None:
    once = {"Idempotency_Key": str(uuid.uuid4())}
    mine = stack.service.post("/v1/keys", {"name": "mine"}, **once).json()
    second = stack.key("service")
    assert second.post("/v1/keys", {"name": "theirs"}, **once).json()["id"] != mine["id"]


def test_a_request_that_failed_does_not_use_its_key_up(stack: Stack) -> None:
    once = {"Idempotency_Key": str(uuid.uuid4())}
    assert stack.service.post("/v1/keys", {"name": ""}, **once).status == 422
    assert stack.service.post("/v1/keys", {"name": "now right"}, **once).status == 201


def test_callers_at_once_with_one_key_make_one_thing(stack: Stack) -> None:
    once = {"Idempotency_Key": str(uuid.uuid4())}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: stack.service.post("/v1/keys", {"name": "crowd"}, **once), range(8)))
    made = {json.loads(reply.body)["id"] for reply in replies if reply.status == 201}
    assert len(made) == 1
    assert {reply.status for reply in replies} <= {201, 409}
    assert {reply.problem()["code"] for reply in replies if reply.status == 409} <= {"conflict"}


def test_what_a_reply_held_does_not_lie_in_the_database_in_clear(stack: Stack) -> None:
    once = str(uuid.uuid4())
    key = stack.service.post("/v1/keys", {"name": "secret"}, Idempotency_Key=once).json()["key"]
    ((body,),) = stack.sql("select body from ambrotype.idempotency where key = %(key)s", key=once)
    assert key.encode() not in bytes(body)


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_idempotency_key_has_1_to_255_characters(stack: Stack, key: str) -> None:
    reply = stack.service.post("/v1/keys", {"name": "n"}, Idempotency_Key=key)
    assert (reply.status, reply.problem()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")
