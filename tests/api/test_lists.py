"""Lists: whatever comes and goes between pages, what was there throughout is shown exactly once, and in order."""

import base64
import json
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller, Stack
from tests.api.test_media_object import shaped

SORTS = ("-created_at", "created_at", "-size", "size", "title", "source_expires_at")
EVERY = "status=temporary&status=keeping&status=kept&status=lost&status=expired"


def pages(caller: Caller, path: str, *, limit: int, between: Callable[[], None] = lambda: None) -> Iterator[list[Any]]:
    """The list, a page at a time; `between` happens after each."""
    cursor = ""
    while True:
        reply = caller.get(f"{path}&limit={limit}{cursor}")
        assert reply.status == 200, reply.body
        page = reply.json()
        assert page.keys() == {"items", "next_cursor"}
        assert len(page["items"]) == limit if page["next_cursor"] else len(page["items"]) <= limit
        yield page["items"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"
        between()


def fill(me: Caller, number: int, *, seed: int) -> list[str]:
    """Temporary items with few different titles and ends, some without either, so that orders have ties."""
    chance = random.Random(seed)
    items: list[dict[str, Any]] = []
    for _ in range(number):
        item: dict[str, Any] = {"url": f"https://cdn.example.com/{uuid.uuid4()}.png", "mode": "temporary"}
        if chance.random() < 0.8:
            item["title"] = chance.choice("abcÄß")
        item["source_expires_at"] = f"209{chance.randrange(4)}-01-01T00:00:00Z"
        items.append(item)
    results = me.post("/v1/keep/batch", {"items": items}).json()["results"]
    return [result["media"]["id"] for result in results]


@pytest.mark.parametrize("sort", SORTS)
def test_nothing_is_skipped_or_shown_twice_while_others_come_and_go(me: Caller, stack: Stack, sort: str) -> None:
    there = fill(me, 24, seed=SORTS.index(sort))
    # Sizes with ties and nulls, as far as the table's own rules allow them for what is not kept.
    stack.sql(
        "update ambrotype.media set size = (abs(hashtext(id::text)) %% 5) where id = any(%(ids)s)", ids=there[: 24 - 5]
    )
    leaving = set(fill(me, 6, seed=99))
    staying = list(leaving)
    coming: list[str] = []

    def between() -> None:
        if len(coming) < 8:
            coming.extend(fill(me, 1, seed=len(coming)))
        if staying:
            stack.sql(
                "update ambrotype.media set status = 'tombstone', gone_at = now(), gone_reason = 'cancelled'"
                " where id = %(id)s",
                id=staying.pop(),
            )

    shown = [
        item["id"] for page in pages(me, f"/v1/media?{EVERY}&sort={sort}", limit=2, between=between) for item in page
    ]
    assert len(shown) == len(set(shown))
    assert set(there) <= set(shown)
    assert set(shown) <= set(there) | leaving | set(coming)


@pytest.mark.parametrize("sort", SORTS)
def test_pages_are_in_order_with_nulls_at_the_end(me: Caller, stack: Stack, sort: str) -> None:
    ids = fill(me, 20, seed=5)
    stack.sql("update ambrotype.media set size = (abs(hashtext(id::text)) %% 5) where id = any(%(ids)s)", ids=ids[:15])
    column = sort.lstrip("-")
    values = [item[column] for page in pages(me, f"/v1/media?{EVERY}&sort={sort}", limit=6) for item in page]
    known = [value for value in values if value is not None]
    assert len(values) == 20
    assert values == known + [None] * (20 - len(known))
    if column != "title":  # whose order is the database's, by letters
        assert known == sorted(known, reverse=sort.startswith("-"))


def test_the_newest_come_first_and_what_waits_is_listed_with_what_is_kept(
    me: Caller, sim: simulators.Simulator
) -> None:
    kept = me.kept(samples.url(sim, 1))["id"]
    keeping = me.keep(samples.url(sim, 2, fault="status", code=503)).json()["id"]
    temporary = me.keep(samples.url(sim, 3), mode="temporary").json()["id"]
    lost = me.kept(samples.url(sim, 4, fault="status", code=404))["id"]
    assert [shaped(item)["id"] for item in me.get("/v1/media").json()["items"]] == [keeping, kept]
    assert [item["id"] for item in me.get("/v1/media?status=lost&status=temporary").json()["items"]] == [
        lost,
        temporary,
    ]
    assert [item["id"] for item in me.get("/v1/media?kind=video").json()["items"]] == []


def test_the_trash_is_not_in_the_list_but_its_items_can_be_read(
    me: Caller, sim: simulators.Simulator, stack: Stack
) -> None:
    item = me.kept(samples.url(sim, 5))
    stack.sql("update ambrotype.media set deleted_at = now() where id = %(id)s", id=item["id"])
    assert me.get("/v1/media").json()["items"] == []
    assert me.media(item["id"])["deleted_at"] is not None


def test_a_tombstone_says_when_and_why_to_who_had_the_right(me: Caller, other: Caller, stack: Stack) -> None:
    (gone,) = fill(me, 1, seed=1)
    stack.sql(
        "update ambrotype.media set status = 'tombstone', gone_at = now(), gone_reason = 'purged' where id = %(id)s",
        id=gone,
    )
    mine, theirs = me.get(f"/v1/media/{gone}"), other.get(f"/v1/media/{gone}")
    assert (mine.status, mine.problem()["code"]) == (410, "gone")
    assert "purged" in mine.problem()["detail"]
    assert (theirs.status, theirs.problem()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/media", "/v1/at-risk", "/v1/media/{id}/events"])
@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1.5", "", "9" * 40])
def test_a_limit_lies_between_1_and_200(me: Caller, path: str, limit: str) -> None:
    reply = me.get(f"{path.format(id=fill(me, 1, seed=1)[0])}?limit={limit}")
    assert (reply.status, reply.problem()["errors"][0]["pointer"]) == (422, "/limit")


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).rstrip(b"=").decode()


SOME = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "AAAA", "%00", "%C3%A9", "{}", "a" * 1001, "", forged(), forged("-created_at"),
        forged(1, 2, 3), forged("x", None, SOME),
        forged("-created_at", "now", SOME), forged("-created_at", "2026-01-01", SOME), forged("-created_at", 1, SOME),
        forged("-created_at", "2026-01-01 00:00:00+00", "x"), forged("-created_at", "'; drop table media; --", SOME),
        forged("at-risk", "today", SOME), forged("events", "1e5", SOME), forged("events", "9" * 30, SOME),
        forged("events", "-1", SOME), forged("at-risk", "\u0000", SOME), "[" * 900,
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/media?", "/v1/at-risk?", "/v1/media/{id}/events?", "/v1/media?sort=size&"])
def test_a_cursor_that_was_not_made_here_is_refused(me: Caller, path: str, cursor: str) -> None:
    reply = me.get(f"{path.format(id=fill(me, 1, seed=1)[0])}cursor={cursor}")
    assert (reply.status, reply.problem()["code"]) == (422, "invalid_request")


def test_a_cursor_serves_the_order_it_was_made_for(me: Caller) -> None:
    fill(me, 3, seed=1)
    cursor = me.get(f"/v1/media?{EVERY}&limit=1").json()["next_cursor"]
    assert me.get(f"/v1/media?{EVERY}&limit=1&cursor={cursor}").status == 200
    assert me.get(f"/v1/media?{EVERY}&limit=1&cursor={cursor}&sort=created_at").status == 422
    assert me.get(f"/v1/at-risk?cursor={cursor}").status == 422


def test_a_changed_cursor_is_refused_or_still_a_position_and_never_a_crash(me: Caller) -> None:
    fill(me, 3, seed=1)
    cursor = me.get(f"/v1/media?{EVERY}&limit=1").json()["next_cursor"]
    chance = random.Random(1)
    for _ in range(60):
        place = chance.randrange(len(cursor))
        changed = cursor[:place] + chance.choice("AZaz09-_") + cursor[place + 1 :]
        assert me.get(f"/v1/media?{EVERY}&cursor={changed}").status in (200, 422)


def test_a_cursor_shows_nobody_elses_items(me: Caller, other: Caller) -> None:
    fill(me, 3, seed=1)
    cursor = me.get(f"/v1/media?{EVERY}&limit=1").json()["next_cursor"]
    assert other.get(f"/v1/media?{EVERY}&cursor={cursor}").json() == {"items": [], "next_cursor": None}


# At risk


def test_what_dies_first_is_shown_first_with_the_seconds_it_has_left(me: Caller, sim: simulators.Simulator) -> None:
    lives = {ttl: me.keep(samples.url(sim, ttl, ttl=ttl), mode="temporary").json()["id"] for ttl in (900, 300, 600)}
    waiting = me.keep(samples.url(sim, 7, ttl=450, fault="status", code=503)).json()["id"]
    me.kept(samples.url(sim, 8, ttl=100))
    items = me.get("/v1/at-risk").json()["items"]
    assert [item["id"] for item in items] == [lives[300], waiting, lives[600], lives[900]]
    for item in items:
        left = item.pop("seconds_left")
        assert shaped(item)["status"] in ("temporary", "keeping")
        assert 0 < left <= 901
    lefts = [item["seconds_left"] for item in me.get("/v1/at-risk").json()["items"]]
    assert lefts == sorted(lefts)


@pytest.mark.parametrize("limit", [1, 5])
def test_pages_of_what_is_at_risk_show_each_once(me: Caller, limit: int) -> None:
    there = fill(me, 17, seed=3)
    shown = [item["id"] for page in pages(me, "/v1/at-risk?", limit=limit, between=lambda: None) for item in page]
    assert sorted(shown) == sorted(there)


def test_a_source_whose_end_has_passed_has_less_than_no_time_left(me: Caller, sim: simulators.Simulator) -> None:
    me.keep(samples.url(sim, 9, ttl=-10), mode="temporary")
    (item,) = me.get("/v1/at-risk").json()["items"]
    assert item["seconds_left"] < 0


# Events


def test_events_tell_the_life_of_an_item_oldest_first(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 10, fault="status", code=404, times=1)
    item = me.keep(url, mode="temporary").json()["id"]
    me.post(f"/v1/media/{item}/keep")
    assert me.settled(item)["status"] == "lost"
    me.keep(url)
    assert me.settled(item)["status"] == "kept"
    events = me.get(f"/v1/media/{item}/events").json()["items"]
    life = ["temporary", "keeping", "lost", "keeping", "kept"]
    assert [event["type"] for event in events] == [f"media.{state}" for state in life]
    assert all(event.keys() == {"id", "media_id", "generation_id", "type", "at", "data"} for event in events)
    assert {event["media_id"] for event in events} == {item}
    assert events[2]["data"]["code"] == "source_not_found"
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    paged = [event for page in pages(me, f"/v1/media/{item}/events?", limit=2) for event in page]
    assert paged == events


def test_events_of_an_unknown_item_are_404(me: Caller) -> None:
    reply = me.get(f"/v1/media/{uuid.uuid4()}/events")
    assert (reply.status, reply.problem()["code"]) == (404, "not_found")
