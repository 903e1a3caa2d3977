"""The permanent URL from end to end: whatever state its item is in, it answers, and says how."""

import concurrent.futures
import datetime
import email.utils
import uuid
from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller, Reply, Stack

VIDEO = "video/64x48-24fps-1s/5.mp4"


def place(caller: Caller, item: Any, field: str = "url") -> str:
    """The path of the item's URL, and its query."""
    return str(item[field]).partition(f":{caller.port}")[2]


@pytest.fixture
def video(me: Caller, sim: simulators.Simulator) -> str:
    return place(me, me.kept(sim.sign(VIDEO)))


def test_it_serves_the_bytes_as_they_came(me: Caller, video: str) -> None:
    reply = me.get(video)
    content = samples.content(VIDEO)
    assert (reply.status, reply.body) == (200, content)
    assert reply.headers["etag"] == f'"{samples.sha256(content)}"'
    assert reply.headers["content-type"] == "video/mp4"
    assert reply.headers["content-length"] == str(len(content))
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in reply.headers["content-security-policy"]
    assert reply.headers["content-disposition"].startswith("inline")
    assert reply.headers["cache-control"].startswith("private")


def test_the_head_is_that_of_the_get(me: Caller, video: str) -> None:
    head, get = me.send("HEAD", video), me.get(video)
    own = {"date", "x-request-id", "server"}
    assert (head.status, head.body) == (200, b"")
    assert [line for line in head.headers.items() if line[0].lower() not in own] == [
        line for line in get.headers.items() if line[0].lower() not in own
    ]


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("0-", 0, None), ("0-0", 0, 1), ("100-199", 100, 200), ("500-", 500, None), ("-7", -7, None)],
)
def test_a_range_is_served(me: Caller, video: str, wanted: str, start: int, end: int | None) -> None:
    content = samples.content(VIDEO)
    reply = me.get(video, Range=f"bytes={wanted}")
    assert (reply.status, reply.body) == (206, content[start:end])
    assert reply.headers["content-range"].endswith(f"/{len(content)}")


def test_several_ranges_are_served_in_parts(me: Caller, video: str) -> None:
    content = samples.content(VIDEO)
    reply = me.get(video, Range="bytes=0-9,100-109")
    assert reply.status == 206
    kind, _, mark = reply.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    parts = reply.body.split(f"--{mark}".encode())[1:-1]
    assert [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts] == [content[:10], content[100:110]]


def test_a_range_behind_the_end_is_416(me: Caller, video: str) -> None:
    reply = me.get(video, Range="bytes=99999999-")
    assert (reply.status, reply.problem()["code"]) == (416, "range_not_satisfiable")
    assert reply.headers["content-range"] == f"bytes */{len(samples.content(VIDEO))}"


def test_if_range_gives_the_rest_or_the_whole(me: Caller, video: str) -> None:
    tag = me.send("HEAD", video).headers["etag"]
    same, changed = (me.get(video, Range="bytes=10-19", If_Range=value) for value in (tag, '"other"'))
    assert (same.status, len(same.body)) == (206, 10)
    assert (changed.status, changed.body) == (200, samples.content(VIDEO))


def test_what_the_caller_has_already_is_304(me: Caller, video: str) -> None:
    head = me.send("HEAD", video)
    for headers in ({"If_None_Match": head.headers["etag"]}, {"If_Modified_Since": head.headers["last-modified"]}):
        reply = me.get(video, **headers)
        assert (reply.status, reply.body) == (304, b"")
        assert reply.headers["etag"] == head.headers["etag"]
    assert me.get(video, If_None_Match='"other"').status == 200


def test_a_download_is_named_and_the_name_in_the_url_is_cosmetic(me: Caller, sim: simulators.Simulator) -> None:
    item = me.kept(samples.url(sim, 1), name="fox.png")
    reply = me.get(f"/m/{item['id']}/anything.exe?download=1&utm_source=mail")
    assert reply.headers["content-disposition"] == 'attachment; filename="fox.png"'
    assert reply.headers["content-type"] == "image/png"
    assert me.get(f"/m/{item['id']}").body == samples.picture(1)


def test_the_access_url_works_for_everyone_unchanged_and_until_its_end(
    me: Caller, stack: Stack, sim: simulators.Simulator
) -> None:
    item = me.kept(samples.url(sim, 2))
    signed = place(me, item, "access_url")
    assert stack.nobody.get(signed).body == samples.picture(2)
    assert stack.nobody.get(place(me, item)).status == 404
    for changed in (signed + "&download=1", signed.replace("exp=", "exp=1"), signed[:-2] + "xx"):
        reply = stack.nobody.get(changed)
        assert (reply.status, reply.problem()["code"]) == (403, "invalid_signature")
    other = str(uuid.uuid4())
    assert stack.nobody.get(signed.replace(item["id"], other)).problem()["code"] == "invalid_signature"


def test_the_access_url_is_the_same_within_the_hour(me: Caller, sim: simulators.Simulator) -> None:
    item = me.kept(samples.url(sim, 3))
    ends = datetime.datetime.fromtimestamp(int(item["access_url"].partition("exp=")[2].partition("&")[0]), datetime.UTC)
    assert (ends.minute, ends.second) == (0, 0)
    assert me.media(item["id"])["access_url"] == item["access_url"] or ends < datetime.datetime.now(datetime.UTC) + (
        datetime.timedelta(hours=1)
    )


def test_a_public_item_may_lie_in_caches(me: Caller, stack: Stack, sim: simulators.Simulator) -> None:
    item = me.kept(samples.url(sim, 4), visibility="public")
    reply = stack.nobody.get(place(me, item))
    assert reply.headers["cache-control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert email.utils.parsedate_to_datetime(reply.headers["last-modified"])


# Before the bytes are there


def test_who_asks_early_waits_for_the_capture_and_gets_the_bytes(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 6, fault="drip", piece=256, pause=0.2)
    item = me.keep(url).json()
    assert item["status"] == "keeping"
    reply = me.get(place(me, item))
    assert (reply.status, reply.body) == (200, samples.picture(6))


def test_a_capture_that_is_waited_for_goes_first_and_if_it_does_not_come_only_its_owner_is_sent_to_the_source(
    me: Caller, other: Caller, stack: Stack, sim: simulators.Simulator
) -> None:
    url = samples.url(sim, 9, fault="hang")
    item = me.keep(url, visibility="unlisted").json()
    hurried = "select urgent_at is not null from ambrotype.capture where media_id = %(id)s"
    assert stack.sql(hurried, id=item["id"]) == [(False,)]
    callers = (me, stack.service, other, stack.nobody)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        owner, administrator, somebody, nobody = pool.map(lambda caller: caller.get(place(me, item)), callers)
    for sent in (owner, administrator):
        _sent_to(url, sent)
    for refused in (somebody, nobody):
        assert (refused.status, refused.problem()["code"]) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert sim.url not in refused.body.decode()
    assert stack.sql(hurried, id=item["id"]) == [(True,)]


def _sent_to(url: str, reply: Reply) -> None:
    assert (reply.status, reply.body) == (307, b"")
    assert reply.headers["location"] == url
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "no-referrer"


def test_a_temporary_items_owner_is_sent_to_the_source_and_others_have_to_wait(
    me: Caller, other: Caller, stack: Stack, sim: simulators.Simulator
) -> None:
    url = samples.url(sim, 10)
    public = me.keep(url, mode="temporary", visibility="public").json()
    private = me.keep(samples.url(sim, 11), mode="temporary").json()
    _sent_to(url, me.get(place(me, public)))
    for caller in (other, stack.nobody):
        assert caller.get(place(me, public)).problem()["code"] == "unavailable"
        assert caller.get(place(me, private)).problem()["code"] == "not_found"
    signed = stack.nobody.get(place(me, private, "access_url"))
    assert (signed.status, signed.headers["location"]) == (503, None)


# After the end


@pytest.mark.parametrize("caller", ["me", "other", "nobody"])
def test_what_was_lost_is_410_with_the_reason(
    me: Caller, other: Caller, stack: Stack, sim: simulators.Simulator, caller: str
) -> None:
    public = me.kept(samples.url(sim, 12, fault="status", code=404), visibility="public")
    private = me.kept(samples.url(sim, 13, fault="status", code=404))
    asks = {"me": me, "other": other, "nobody": stack.nobody}[caller]
    reply = asks.get(place(me, public))
    assert (reply.status, reply.problem()["code"]) == (410, "gone")
    assert "source_not_found" in reply.problem()["detail"]
    assert asks.get(place(me, private)).status == (410 if caller == "me" else 404)


@pytest.mark.parametrize(("status", "word"), [("expired", "expired"), ("tombstone", "purged")])
def test_what_has_ended_is_410_to_who_had_the_right(
    me: Caller, other: Caller, stack: Stack, sim: simulators.Simulator, status: str, word: str
) -> None:
    item = me.keep(samples.url(sim, 14), mode="temporary").json()
    how = ", gone_at = now(), gone_reason = 'purged'" if status == "tombstone" else ""
    stack.sql(f"update ambrotype.media set status = '{status}'{how} where id = %(id)s", id=item["id"])
    mine, theirs, signed = me.get(place(me, item)), other.get(place(me, item)), place(me, item, "access_url")
    assert (mine.status, theirs.status, stack.nobody.get(signed).status) == (410, 404, 410)
    assert word in mine.problem()["detail"]


def test_what_lies_in_the_trash_is_its_owners_alone(
    me: Caller, other: Caller, stack: Stack, sim: simulators.Simulator
) -> None:
    item = me.kept(samples.url(sim, 15), visibility="public")
    stack.sql("update ambrotype.media set deleted_at = now() where id = %(id)s", id=item["id"])
    assert me.get(place(me, item)).body == samples.picture(15)
    assert me.get(place(me, item)).headers["cache-control"].startswith("private")
    assert [caller.get(place(me, item)).status for caller in (other, stack.nobody)] == [404, 404]


@pytest.mark.parametrize(
    "path", ["/m/01890a5d-ac96-774b-bcce-b302099a8057/a.png", "/m/a/b", "/m/../a", "/m/%00/x", "/m/0/" + "a" * 4000]
)
def test_what_was_never_there_is_404(me: Caller, stack: Stack, path: str) -> None:
    for caller in (me, stack.nobody):
        assert caller.get(path).problem()["code"] == "not_found"


@pytest.mark.parametrize("query", ["w=100", "h=1&fit=cover", "format=webp", "rendition=thumb", "q=1"])
def test_a_derived_file_is_never_the_original_under_another_name(me: Caller, video: str, query: str) -> None:
    reply = me.get(f"{video}?{query}")
    assert reply.status in (200, 422, 501)
    assert reply.body != samples.content(VIDEO)
