"""Shares as their owners see them: made, listed, changed, revoked; only of what is theirs."""

import datetime
import hashlib

import pytest

from tests.api import stack as stacks
from tests.shares.conftest import kept, path_of


def test_a_share_is_made_shown_listed_and_revoked(me: stacks.Caller) -> None:
    item = kept(me)
    made = me.post("/v1/shares", {"media_id": item})
    assert made.status == 201
    share = made.json()
    assert share["target"] == {"media_id": item, "collection_id": None, "project": None, "slot": None}
    assert (share["expires_at"], share["has_password"], share["allow_download"]) == (None, False, True)
    assert (share["views"], share["revoked_at"]) == (0, None)
    assert me.get(f"/v1/shares/{share['id']}").json() == share
    assert me.get("/v1/shares").json()["items"] == [share]
    ended = me.send("DELETE", f"/v1/shares/{share['id']}").json()
    assert ended["revoked_at"] is not None
    assert me.send("DELETE", f"/v1/shares/{share['id']}").json() == ended
    assert me.send("PATCH", f"/v1/shares/{share['id']}", {"expires_at": None}).problem()["code"] == "conflict"


def test_tokens_have_256_bits_and_only_their_hash_is_stored(stack: stacks.Stack, me: stacks.Caller) -> None:
    share = me.post("/v1/shares", {"media_id": kept(me)}).json()
    token = path_of(share).removeprefix("/s/")
    assert len(token) == 43
    ((stored, whole),) = stack.sql(
        "select token_hash, s::text from ambrotype.share s where id = %(id)s", id=share["id"]
    )
    assert bytes(stored) == hashlib.sha256(token.encode()).digest()
    assert token not in whole


def test_passwords_are_stored_by_argon2_and_never_told(stack: stacks.Stack, me: stacks.Caller) -> None:
    made = me.post("/v1/shares", {"media_id": kept(me), "password": "open sesame"})
    assert made.json()["has_password"] is True
    ((stored,),) = stack.sql("select password_hash from ambrotype.share where id = %(id)s", id=made.json()["id"])
    assert stored.startswith("$argon2id$")
    assert b"sesame" not in made.body
    assert b"argon2" not in made.body


def test_what_is_not_ones_own_can_not_be_shared(me: stacks.Caller, other: stacks.Caller) -> None:
    item = kept(other, project="film", slot="hero")
    collection = other.post("/v1/collections", {"name": "mood"}).json()["id"]
    for target in ({"media_id": item}, {"collection_id": collection}, {"project": "film", "slot": "hero"}):
        assert me.post("/v1/shares", target).problem()["code"] == "not_found"
        share = other.post("/v1/shares", target).json()
        assert me.get(f"/v1/shares/{share['id']}").status == 404
        assert me.send("PATCH", f"/v1/shares/{share['id']}", {"password": "mine"}).status == 404
        assert me.send("DELETE", f"/v1/shares/{share['id']}").status == 404
    assert me.get("/v1/shares").json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"project": "film"},
        {"slot": "hero"},
        {"media_id": "01890a5d-ac96-774b-bcce-b302099a8057", "collection_id": "01890a5d-ac96-774b-bcce-b302099a8057"},
        {"media_id": "01890a5d-ac96-774b-bcce-b302099a8057", "password": ""},
        {"media_id": "01890a5d-ac96-774b-bcce-b302099a8057", "expires_at": "2020-01-01T00:00:00Z"},
        {"media_id": "01890a5d-ac96-774b-bcce-b302099a8057", "expires_at": "2099-01-01T00:00:00"},
        {"media_id": "01890a5d-ac96-774b-bcce-b302099a8057", "colour": "red"},
    ],
)
def test_what_makes_no_sense_is_refused(me: stacks.Caller, wrong: dict[str, str]) -> None:
    assert me.post("/v1/shares", wrong).problem()["status"] == 422


def test_a_refused_password_is_not_repeated(me: stacks.Caller) -> None:
    reply = me.post("/v1/shares", {"media_id": kept(me), "password": "hunter2\x00"})
    assert reply.status == 422
    assert b"hunter2" not in reply.body


def test_the_same_idempotency_key_makes_one_share(me: stacks.Caller) -> None:
    wanted = {"media_id": kept(me)}
    first = me.post("/v1/shares", wanted, Idempotency_Key="once")
    assert me.post("/v1/shares", wanted, Idempotency_Key="once").body == first.body
    assert len(me.get("/v1/shares").json()["items"]) == 1


def test_shares_are_listed_newest_first_over_pages(me: stacks.Caller) -> None:
    item = kept(me)
    made = [me.post("/v1/shares", {"media_id": item}).json()["id"] for _ in range(5)]
    found, cursor = [], ""
    while True:
        page = me.get(f"/v1/shares?limit=2{cursor}").json()
        found += [share["id"] for share in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == made[::-1]


def test_a_change_keeps_what_it_does_not_name(me: stacks.Caller) -> None:
    share = me.post("/v1/shares", {"media_id": kept(me), "password": "a"}).json()
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).replace(microsecond=0)
    changed = me.send("PATCH", f"/v1/shares/{share['id']}", {"expires_at": until.isoformat()}).json()
    assert datetime.datetime.fromisoformat(changed["expires_at"]) == until
    assert (changed["has_password"], changed["allow_download"], changed["url"]) == (True, True, share["url"])
    cleared = me.send("PATCH", f"/v1/shares/{share['id']}", {"expires_at": None, "password": None}).json()
    assert (cleared["expires_at"], cleared["has_password"]) == (None, False)


def test_a_read_key_makes_and_ends_no_shares(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = kept(me)
    share = me.post("/v1/shares", {"media_id": item}).json()
    reader = stack.key("read").with_(Ambrotype_Owner=me.headers["Ambrotype-Owner"])
    assert reader.post("/v1/shares", {"media_id": item}).status == 403
    assert reader.send("DELETE", f"/v1/shares/{share['id']}").status == 403
    assert reader.get(f"/v1/shares/{share['id']}").json() == share
