"""The gallery's session and a guest's cookie: what they let in, and what another site can't make a browser do."""

import asyncio
import time

import pytest

from ambrotype.accounts import sessions
from ambrotype.records import database
from tests.accounts import conftest, issuers
from tests.api import samples
from tests.api import stack as stacks

OURS = {"Sec-Fetch-Site": "same-origin"}


def test_a_key_is_exchanged_for_a_cookie_that_scripts_and_other_sites_do_not_get(house: conftest.House) -> None:
    service = house.stack.service.headers["Authorization"].removeprefix("Bearer ")
    reply = house.stack.nobody.post("/v1/session", {"key": service})
    assert (reply.status, reply.json()["role"], reply.json()["owner"]) == (201, "service", None)
    assert service not in str(reply.headers["set-cookie"])
    parts = {part.strip().lower() for part in str(reply.headers["set-cookie"]).split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    browser = house.with_cookie(reply)
    assert browser.get("/v1/keys").status == 200


def test_cookies_are_secure_where_the_public_url_is(house: conftest.House) -> None:
    assert "Secure" not in str(house.app_key.post("/v1/guests").headers["set-cookie"])


def test_a_users_session_is_theirs_and_ends_with_their_token(house: conftest.House) -> None:
    ends = int(time.time()) + 600
    reply = house.stack.nobody.post("/v1/session", {"jwt": issuers.token(sub="s1", exp=ends)})
    assert (reply.json()["role"], reply.json()["owner"]) == ("user", "user:s1")
    assert reply.json()["expires_at"].startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ends)))
    item = house.user("s1").keep(data=samples.base64_of(samples.picture(7001))).json()["id"]
    assert house.with_cookie(reply).get(f"/v1/media/{item}").status == 200
    assert house.with_cookie(reply).get("/v1/keys").status == 403
    assert house.with_cookie(reply).get("/v1/media", Ambrotype_Owner="user:other").status == 403


def test_an_app_keys_session_names_an_owner_as_the_key_does(house: conftest.House) -> None:
    key = house.app_key.headers["Authorization"].removeprefix("Bearer ")
    browser = house.with_cookie(house.stack.nobody.post("/v1/session", {"key": key}))
    assert browser.get("/v1/media").problem()["code"] == "owner_required"
    assert browser.get("/v1/media", Ambrotype_Owner="user:x").status == 200


def test_a_session_ends_at_once(house: conftest.House) -> None:
    browser = house.with_cookie(house.stack.nobody.post("/v1/session", {"jwt": issuers.token()}))
    reply = browser.send("DELETE", "/v1/session", headers=OURS)
    assert reply.status == 204
    assert "Max-Age=0" in str(reply.headers["set-cookie"])
    assert browser.get("/v1/media").status == 401


def test_a_session_ends_with_the_key_that_began_it(house: conftest.House) -> None:
    made = house.stack.service.post("/v1/keys", {"name": "x", "role": "service"}).json()
    browser = house.with_cookie(house.stack.nobody.post("/v1/session", {"key": made["key"]}))
    assert browser.get("/v1/media").status == 200
    house.stack.service.send("DELETE", f"/v1/keys/{made['id']}")
    assert browser.get("/v1/media").status == 401


def test_a_session_that_has_run_out_is_nobodys(house: conftest.House) -> None:
    browser = house.with_cookie(house.stack.nobody.post("/v1/session", {"jwt": issuers.token(sub="runs-out")}))
    house.stack.sql("update ambrotype.session set expires_at = now() where subject = 'runs-out'")
    assert browser.get("/v1/media").status == 401


def test_a_one_time_link_signs_in_once(house: conftest.House) -> None:
    async def link() -> str:
        data = database.Database(house.stack._cluster.dsn("ambrotype"))
        await data.open()
        try:
            return await sessions.one_time_link(data, public_url="https://media.example.com")
        finally:
            await data.close()

    url = asyncio.run(link())
    base, _, token = url.partition("#sign-in=")
    assert base == "https://media.example.com/"
    reply = house.stack.nobody.post("/v1/session", {"token": token})
    assert house.with_cookie(reply).get("/v1/keys").status == 200
    assert house.stack.nobody.post("/v1/session", {"token": token}).status == 401
    late = asyncio.run(link()).partition("#sign-in=")[2]
    house.stack.sql("update ambrotype.sign_in set expires_at = now()")
    assert house.stack.nobody.post("/v1/session", {"token": late}).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"key": "amb_x", "jwt": "x"}, 422),
        ({"key": "amb_nobodys-key-0123456789"}, 401),
        ({"key": "x\0y"}, 401),
        ({"jwt": "x"}, 401),
        ({"token": "lnk_unknown"}, 401),
        ({"password": "x"}, 422),
    ],
)
def test_what_proves_nothing_begins_nothing(house: conftest.House, body: dict[str, str], status: int) -> None:
    reply = house.stack.nobody.post("/v1/session", body)
    assert reply.status == status
    assert "set-cookie" not in reply.headers


def test_a_session_is_stored_as_its_hash(house: conftest.House) -> None:
    reply = house.stack.nobody.post("/v1/session", {"jwt": issuers.token(sub="hashed")})
    secret = conftest.cookie(reply).partition("=")[2]
    assert secret not in str(house.stack.sql("select s::text from ambrotype.session s"))


# Requests that other sites make a browser send


@pytest.fixture
def signed_in(house: conftest.House) -> stacks.Caller:
    return house.with_cookie(house.stack.nobody.post("/v1/session", {"jwt": issuers.token(sub="csrf")}))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Origin": "OURS"}, 201),
        ({"Sec-Fetch-Site": "cross-site", "Origin": conftest.ORIGIN}, 201),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "OURS"}, 403),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_a_session_changes_things_only_for_our_own_pages(
    signed_in: stacks.Caller, headers: dict[str, str], status: int
) -> None:
    ours = f"http://127.0.0.1:{signed_in.port}"
    sent = {name: ours if value == "OURS" else value for name, value in headers.items()}
    data = samples.base64_of(samples.picture(7100))
    reply = signed_in.send("POST", "/v1/keep", {"data": data, "again": True}, headers=sent)
    assert reply.status == status
    assert signed_in.send("GET", "/v1/media", headers=sent).status == 200


def test_another_site_can_neither_sign_in_nor_out(house: conftest.House, signed_in: stacks.Caller) -> None:
    evil = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.com"}
    assert signed_in.send("DELETE", "/v1/session", headers=evil).status == 403
    assert house.stack.nobody.send("POST", "/v1/session", {"jwt": issuers.token()}, headers=evil).status == 403
    assert signed_in.get("/v1/media").status == 200


def test_a_token_in_the_header_needs_no_origin_and_beats_the_cookie(
    house: conftest.House, signed_in: stacks.Caller
) -> None:
    both = signed_in.with_(Authorization=house.user("by-header").headers["Authorization"])
    kept = both.keep(data=samples.base64_of(samples.picture(7200)))
    assert (kept.status, kept.json()["owner"]) == (201, "user:by-header")
    wrong = signed_in.with_(Authorization="Bearer amb_nobodys")
    assert wrong.get("/v1/media").status == 401


# Guests' cookies


def test_a_guests_cookie_is_the_guest(house: conftest.House) -> None:
    reply = house.app_key.post("/v1/guests")
    assert "samesite=lax" in str(reply.headers["set-cookie"]).lower()
    assert "httponly" in str(reply.headers["set-cookie"]).lower()
    browser = house.with_cookie(reply)
    kept = browser.keep(data=samples.base64_of(samples.picture(7300)))
    assert (kept.status, kept.json()["owner"]) == (201, reply.json()["owner"])
    path = kept.json()["url"].split(str(house.stack.port), 1)[1]
    assert browser.get(path).status == 200
    assert house.stack.nobody.get(path).status == 404
    evil = {"Origin": "https://evil.example.com"}
    assert browser.send("DELETE", f"/v1/media/{kept.json()['id']}", headers=evil).status == 403


def test_a_session_permits_private_items_under_their_permanent_urls(
    house: conftest.House, signed_in: stacks.Caller
) -> None:
    kept = house.user("csrf").keep(data=samples.base64_of(samples.picture(7400))).json()
    path = kept["url"].split(str(house.stack.port), 1)[1]
    assert signed_in.get(path).status == 200


def test_cookies_that_mean_nothing_any_more_do_no_harm(house: conftest.House) -> None:
    stale = stacks.Caller(port=house.stack.port, headers={"Cookie": "ambrotype_session=x; ambrotype_guest=gst_y"})
    public = house.user("pub").keep(data=samples.base64_of(samples.picture(7500)), visibility="public").json()
    assert stale.get(public["url"].split(str(house.stack.port), 1)[1]).status == 200
    assert stale.get("/v1/media").status == 401
