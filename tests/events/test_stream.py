"""`GET /v1/events` over HTTP: what happens is told once and in order, however late its transaction commits."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

import psycopg

from tests.api import samples
from tests.api import stack as stacks


@contextlib.contextmanager
def listening(caller: stacks.Caller, *, after: str | None = None) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a connection, each with its `position`."""
    headers = dict(caller.headers) | ({"Last-Event-ID": after} if after else {})
    connection = http.client.HTTPConnection("127.0.0.1", caller.port, timeout=stacks.PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/v1/events", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.readline() == b"retry: 2000\n"
        yield _events(answer)


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    fields: dict[str, str] = {}
    while line := answer.readline():
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if not line.strip() and "data" in fields:
            yield {**json.loads(fields["data"]), "position": fields["id"], "event": fields["event"]}
            fields = {}
        elif name:
            fields[name] = value


def test_a_listener_is_told_of_their_own_items_alone(
    stack: stacks.Stack, me: stacks.Caller, other: stacks.Caller
) -> None:
    with listening(me) as events:
        other.keep(data=samples.base64_of(samples.picture(9001)))
        item = me.keep(data=samples.base64_of(samples.picture(9002))).json()["id"]
        seen = next(events)
        assert (seen["media_id"], seen["event"]) == (item, seen["type"])


def test_a_listener_goes_on_where_they_were(stack: stacks.Stack, me: stacks.Caller) -> None:
    with listening(me) as events:
        me.keep(data=samples.base64_of(samples.picture(9003)))
        last = next(events)
        while last["type"] != "media.kept":
            last = next(events)
    item = me.keep(data=samples.base64_of(samples.picture(9004))).json()["id"]
    with listening(me, after=last["position"]) as events:
        assert next(events)["media_id"] == item
    assert me.get("/v1/events", Last_Event_ID="nonsense").status == 422


def test_a_transaction_that_commits_late_is_not_missed(stack: stacks.Stack, me: stacks.Caller) -> None:
    """Its event has the smaller id, and is there only after one with a greater id was."""
    items = [me.keep(data=samples.base64_of(samples.picture(n))).json()["id"] for n in (9005, 9006)]
    write = (
        "insert into ambrotype.event (app, owner_id, media_id, type)"
        " select app, owner_id, id, %(type)s from ambrotype.media where id = %(id)s returning id"
    )
    with listening(me) as events, psycopg.connect(stack.admin) as slow:
        early = slow.execute(write, {"type": "test.early", "id": items[0]}).fetchone()
        with psycopg.connect(stack.admin, autocommit=True) as quick:
            late = quick.execute(write, {"type": "test.late", "id": items[1]}).fetchone()
        assert early is not None
        assert late is not None
        assert early[0] < late[0]
        me.send("PATCH", f"/v1/media/{items[1]}", {"title": "one more commit"})  # a reader looks now, and waits
        slow.commit()
        seen = [next(events) for _ in range(3)]
        told = [one["type"] for one in seen if one["type"].startswith("test.")]
        assert told == ["test.early", "test.late"]
    with listening(me, after=seen[0]["position"]) as again:
        assert [next(again)["position"] for _ in range(2)] == [one["position"] for one in seen[1:]]
