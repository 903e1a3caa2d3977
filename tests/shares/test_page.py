"""The page of a share, as somebody without an account sees it; and what it hands out, which ends with it."""

import datetime
import re
import urllib.parse
from typing import Any

import pytest

from tests.api import samples
from tests.api import stack as stacks
from tests.shares.conftest import Page, kept, path_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def unlock(who: stacks.Caller, path: str, password: str) -> stacks.Reply:
    return who.send("POST", path, body=urllib.parse.urlencode({"password": password}).encode(), headers=FORM)


def shared(me: stacks.Caller, target: dict[str, Any] | None = None, **how: Any) -> dict[str, Any]:
    made = me.post("/v1/shares", {**(target or {"media_id": kept(me)}), **how})
    assert made.status == 201, made.body
    return dict(made.json())


def test_anyone_with_the_link_sees_the_picture_and_may_download_it(stack: stacks.Stack, me: stacks.Caller) -> None:
    page = Page(stack.nobody.get(path_of(shared(me, {"media_id": kept(me, 7, title="A fox")}))))
    assert "A fox" in page.text
    (picture,), (download,) = page.pictures, page.downloads
    seen = stack.nobody.get(picture)
    assert (seen.status, seen.body) == (200, samples.picture(7))
    assert seen.headers["content-disposition"].startswith("inline")
    assert seen.headers["cache-control"] == "private, no-cache"
    assert stack.nobody.get(download).headers["content-disposition"].startswith("attachment")


def test_nothing_of_the_owner_is_on_the_page(me: stacks.Caller, stack: stacks.Stack) -> None:
    secrets = {"prompt": "secret-prompt", "model": "secret-model", "description": "secret-description"}
    item = kept(me, 8, title="Shown", project="secret-project", slot="secret-slot", tags=["secret-tag"],
                metadata={"k": "secret-meta"}, settings={"s": "secret-setting"}, **secrets)  # fmt: skip
    share = shared(me, {"media_id": item})
    page = Page(stack.nobody.get(path_of(share)))
    assert "Shown" in page.text
    assert "secret" not in page.text
    for url in (*page.pictures, *page.downloads):
        assert "secret" not in str(stack.nobody.get(url).headers)
    assert me.headers["Ambrotype-Owner"].partition(":")[2] not in page.text


def test_nothing_runs_on_the_page_and_nobody_is_told_of_it(stack: stacks.Stack, me: stacks.Caller) -> None:
    title = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    reply = stack.nobody.get(path_of(shared(me, {"media_id": kept(me, 9, title=title)})))
    page = Page(reply)
    assert "script" not in page.tags
    assert len(page.pictures) == 1
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert " style=" not in page.text
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in reply.headers["x-robots-tag"]
    assert reply.headers["cache-control"] == "private, no-store"


def test_a_collection_is_shown_in_order_with_notes(stack: stacks.Stack, me: stacks.Caller) -> None:
    collection = me.post("/v1/collections", {"name": "Moods of autumn"}).json()["id"]
    items = [kept(me, seed) for seed in (11, 12, 13)]
    for item in items:
        assert me.post(f"/v1/collections/{collection}/items", {"media_id": item, "note": f"note {item}"}).status == 201
    me.send("PATCH", f"/v1/collections/{collection}/items", {"media_id": items[2], "before": items[0]})
    page = Page(stack.nobody.get(path_of(shared(me, {"collection_id": collection}))))
    assert "Moods of autumn" in page.text
    order = [re.fullmatch(r"/m/([^/]+)/.*", picture)[1] for picture in page.pictures]  # type: ignore[index]
    assert order == [items[2], items[0], items[1]]
    assert all(f"note {item}" in page.text for item in items)


def test_a_slot_shows_what_is_current_at_the_time(stack: stacks.Stack, me: stacks.Caller) -> None:
    first = kept(me, 21, project="film", slot="hero")
    path = path_of(shared(me, {"project": "film", "slot": "hero"}))
    (before,) = Page(stack.nobody.get(path)).pictures
    second = kept(me, 22, project="film", slot="hero")
    (after,) = Page(stack.nobody.get(path)).pictures
    assert first in before
    assert second in after
    assert stack.nobody.get(after).body == samples.picture(22)
    assert stack.nobody.get(before).status == 403


def test_revoking_ends_the_page_and_all_that_it_handed_out_at_once(stack: stacks.Stack, me: stacks.Caller) -> None:
    share = shared(me)
    page = Page(stack.nobody.get(path_of(share)))
    handed_out = [*page.pictures, *page.downloads]
    seen = stack.nobody.get(handed_out[0])
    assert seen.status == 200
    me.send("DELETE", f"/v1/shares/{share['id']}")
    assert stack.nobody.get(path_of(share)).status == 404
    assert [stack.nobody.get(url).status for url in handed_out] == [403, 403]
    assert stack.nobody.get(handed_out[0], If_None_Match=seen.headers["etag"]).status == 403


def test_a_share_that_has_run_out_is_as_one_that_never_was(stack: stacks.Stack, me: stacks.Caller) -> None:
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    share = shared(me, expires_at=until.isoformat())
    (picture,) = Page(stack.nobody.get(path_of(share))).pictures
    stack.sql("update ambrotype.share set expires_at = now() - interval '1 s' where id = %(id)s", id=share["id"])
    ended = stack.nobody.get(path_of(share))
    never = stack.nobody.get(f"/s/{'A' * 43}")
    assert (ended.status, ended.body) == (404, never.body)
    assert stack.nobody.get(picture).status == 403


def test_what_goes_to_the_trash_or_leaves_the_collection_is_seen_no_more(
    stack: stacks.Stack, me: stacks.Caller
) -> None:
    collection = me.post("/v1/collections", {"name": "c"}).json()["id"]
    trashed, taken, stays = (kept(me, seed) for seed in (31, 32, 33))
    for item in (trashed, taken, stays):
        me.post(f"/v1/collections/{collection}/items", {"media_id": item})
    path = path_of(shared(me, {"collection_id": collection}))
    handed_out = Page(stack.nobody.get(path)).pictures
    me.send("DELETE", f"/v1/media/{trashed}")
    me.send("DELETE", f"/v1/collections/{collection}/items?media_id={taken}")
    assert [stack.nobody.get(url).status for url in handed_out] == [404, 403, 200]
    (left,) = Page(stack.nobody.get(path)).pictures
    assert stays in left


def test_without_downloads_there_is_no_link_and_the_signature_allows_none(
    stack: stacks.Stack, me: stacks.Caller
) -> None:
    share = shared(me)
    handed_out = Page(stack.nobody.get(path_of(share)))
    me.send("PATCH", f"/v1/shares/{share['id']}", {"allow_download": False})
    assert stack.nobody.get(handed_out.downloads[0]).status == 403
    page = Page(stack.nobody.get(path_of(share)))
    assert page.downloads == []
    assert stack.nobody.get(page.pictures[0]).status == 200
    assert stack.nobody.get(f"{page.pictures[0]}&download=1").status == 403


def test_a_password_is_asked_for_and_remembered_for_this_page_alone(stack: stacks.Stack, me: stacks.Caller) -> None:
    item = kept(me, 41, title="behind the door")
    share = shared(me, {"media_id": item}, password="пароль & co")
    path = path_of(share)
    locked = stack.nobody.get(path)
    assert Page(locked).forms == [{"method": "post"}]
    assert item not in locked.body.decode()
    assert "behind" not in locked.body.decode()
    wrong = unlock(stack.nobody, path, "guess")
    assert (wrong.status, len(Page(wrong).forms)) == (403, 1)
    opened = unlock(stack.nobody, path, "пароль & co")
    assert (opened.status, opened.headers["location"]) == (303, path.removeprefix("/s/"))
    cookie = opened.headers["set-cookie"]
    assert f"Path={path};" in cookie
    assert "HttpOnly" in cookie
    known = {"Cookie": cookie.partition(";")[0]}
    assert "behind the door" in stack.nobody.get(path, **known).body.decode()
    another = path_of(shared(me, {"media_id": item}, password="x"))
    assert "behind" not in stack.nobody.get(another, **known).body.decode()


def test_a_new_password_ends_what_the_old_one_opened(stack: stacks.Stack, me: stacks.Caller) -> None:
    share = shared(me, password="old")
    path = path_of(share)
    known = {"Cookie": unlock(stack.nobody, path, "old").headers["set-cookie"].partition(";")[0]}
    (picture,) = Page(stack.nobody.get(path, **known)).pictures
    me.send("PATCH", f"/v1/shares/{share['id']}", {"password": "new"})
    assert Page(stack.nobody.get(path, **known)).forms
    assert stack.nobody.get(picture).status == 403
    assert unlock(stack.nobody, path, "old").status == 403
    assert unlock(stack.nobody, path, "new").status == 303


@pytest.mark.parametrize("change", ["9999999999", "1"])
def test_a_cookie_can_not_be_made_up(stack: stacks.Stack, me: stacks.Caller, change: str) -> None:
    path = path_of(shared(me, password="p"))
    name, _, value = unlock(stack.nobody, path, "p").headers["set-cookie"].partition(";")[0].partition("=")
    forged = change + value[value.index(".") :]
    assert Page(stack.nobody.get(path, Cookie=f"{name}={forged}")).forms
    assert Page(stack.nobody.get(path, Cookie=f"{name}=ä.b.c")).forms


def test_passwords_can_not_be_tried_without_end(stack: stacks.Stack, me: stacks.Caller) -> None:
    path = path_of(shared(me, password="right"))
    statuses = [unlock(stack.nobody, path, f"guess {n}").status for n in range(10)]
    assert set(statuses) == {403}
    late = unlock(stack.nobody, path, "right")
    assert late.status == 429
    assert int(late.headers["retry-after"]) > 0
    assert unlock(stack.nobody, path_of(shared(me, password="right")), "right").status == 303


def test_views_are_counted_and_looking_ahead_is_none(stack: stacks.Stack, me: stacks.Caller) -> None:
    share = shared(me)
    for _ in range(3):
        stack.nobody.get(path_of(share))
    head = stack.nobody.send("HEAD", path_of(share))
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"].startswith("text/html")
    assert me.get(f"/v1/shares/{share['id']}").json()["views"] == 3
    assert stack.nobody.send("HEAD", "/s/nothing").status == 404


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("application/json", "application/problem+json"),
        ("application/problem+json, text/html;q=0.5", "application/problem+json"),
    ],
)
def test_programs_are_told_in_json_people_in_words(stack: stacks.Stack, accept: str, expected: str) -> None:
    reply = stack.nobody.get("/s/unknown", Accept=accept)
    assert (reply.status, reply.headers["content-type"]) == (404, expected)


def test_an_empty_share_says_so(stack: stacks.Stack, me: stacks.Caller) -> None:
    collection = me.post("/v1/collections", {"name": "Soon"}).json()["id"]
    reply = stack.nobody.get(path_of(shared(me, {"collection_id": collection})))
    assert reply.status == 200
    assert "Come back later" in Page(reply).text


def test_a_share_opens_its_own_items_only(stack: stacks.Stack, me: stacks.Caller) -> None:
    mine, private = kept(me, 51), kept(me, 52)
    (picture,) = Page(stack.nobody.get(path_of(shared(me, {"media_id": mine})))).pictures
    assert stack.nobody.get(picture.replace(mine, private)).status == 403
