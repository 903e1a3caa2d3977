"""What may stand in a request: everything that is wrong is named by a pointer, and nothing crashes the server."""

import json
from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller

SOURCE = "https://cdn.example.com/a.png"
DEEP = "[" * 3000 + "]" * 3000


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"colour": "red"}, "/colour"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"url": 1}, "/url"),
        ({"wait": -1}, "/wait"),
        ({"wait": 61}, "/wait"),
        ({"wait": "soon"}, "/wait"),
        ({"mode": "forever"}, "/mode"),
        ({"again": "perhaps"}, "/again"),
        ({"kind": "document"}, "/kind"),
        ({"source": "theft"}, "/source"),
        ({"visibility": "secret"}, "/visibility"),
        ({"name": ""}, "/name"),
        ({"name": "n" * 256}, "/name"),
        ({"title": "t" * 1001}, "/title"),
        ({"prompt": "p" * 100_001}, "/prompt"),
        ({"prompt": "a\x00b"}, "/prompt"),
        ({"title": "\ud800"}, "/title"),
        ({"tags": "fox"}, "/tags"),
        ({"tags": ["a", 1]}, "/tags/1"),
        ({"tags": ["a", "b\x00"]}, "/tags/1"),
        ({"tags": ["t"] * 101}, "/tags"),
        ({"metadata": []}, "/metadata"),
        ({"metadata": {"a": "b\x00"}}, "/metadata"),
        ({"metadata": {"a\x00": 1}}, "/metadata"),
        ({"metadata": {"a": "\udfff"}}, "/metadata"),
        ({"metadata": {"a": 2**64}}, "/metadata"),
        ({"metadata": {"a": "x" * 300_000}}, "/metadata"),
        ({"settings": {"a": json.loads("[" * 400 + "]" * 400)}}, "/settings"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+12:00"}, "/expires_at"),
        ({"source_expires_at": 1e300}, "/source_expires_at"),
        ({"layout": "nowhere"}, "/layout"),
        ({"parents": [{"id": "1"}]}, "/parents/0/id"),
        ({"parents": [{"url": SOURCE, "role": "r" * 65}]}, "/parents/0/role"),
        ({"slot": "a"}, ""),
        ({"data": "aaaa"}, ""),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(me: Caller, fields: dict[str, Any], pointer: str) -> None:
    reply = me.keep(SOURCE, **fields) if "url" not in fields else me.keep(**fields)
    problem = reply.problem()
    assert (reply.status, problem["code"]) == (422, "invalid_request")
    assert pointer in [one["pointer"] for one in problem["errors"]]
    assert all(one["message"] for one in problem["errors"])


def test_every_wrong_field_is_named_at_once(me: Caller) -> None:
    problem = me.keep(SOURCE, kind="x", tags=[1], colour="red").problem()
    assert {one["pointer"] for one in problem["errors"]} == {"/kind", "/tags/0", "/colour"}


@pytest.mark.parametrize("missing", [{}, {"provider": "fal"}, {"request_id": "r"}, {"project": "p"}])
def test_a_source_is_required(me: Caller, missing: dict[str, Any]) -> None:
    assert me.keep(**missing).problem()["code"] == "invalid_request"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"17", b'"https://cdn.example.com/a.png"', b"\xff\xfe",
        b'{"url": "\xff"}', b"{'url': 1}",
        DEEP.encode(), b'{"metadata": ' + DEEP.encode() + b"}", b'{"wait": ' + b"9" * 5000 + b"}", b'{"url": NaN}',
        b'{"wait": 1e999, "url": "https://cdn.example.com/a.png"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/keep", "/v1/keep/batch"])
def test_a_body_that_is_no_such_document_is_refused(me: Caller, path: str, body: bytes) -> None:
    reply = me.send("POST", path, body=body)
    assert (reply.status, reply.problem()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_of_another_type_is_refused(me: Caller, kind: str) -> None:
    reply = me.send(
        "POST", "/v1/keep", body=b'{"url": "https://cdn.example.com/a.png"}', headers={"Content-Type": kind}
    )
    assert (reply.status, reply.problem()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("cdn.example.com/a.png", "unsupported_scheme"),
        ("ftp://cdn.example.com/a.png", "unsupported_scheme"),
        ("file:///etc/passwd", "unsupported_scheme"),
        ("data:image/png;base64,AAAA", "unsupported_scheme"),
        ("javascript:alert(1)", "unsupported_scheme"),
        ("http://", "invalid_url"),
        ("http:///a.png", "invalid_url"),
        ("https://user:secret@cdn.example.com/a.png", "invalid_url"),
        ("https://cdn.example.com:99999/a.png", "invalid_url"),
        ("https://cdn.example.com/a b.png", "invalid_url"),
        ("https://cdn.example.com/a\nb.png", "invalid_url"),
        ("https://cdn.example.com/\x00", "invalid_url"),
        ("https://cdn.example.com/\ud800", "invalid_url"),
        ("https://exa mple.com/", "invalid_url"),
        ("https://[::1/a.png", "invalid_url"),
        ("https://1.2.3.4.5/a.png", "invalid_url"),
        ("https://cdn.example.com/" + "a" * 9000, "invalid_url"),
    ],
)
def test_a_url_that_can_not_be_fetched_is_refused_with_its_code(me: Caller, url: str, code: str) -> None:
    problem = me.keep(url).problem()
    assert (problem["status"], problem["code"]) == (422, code)
    assert "secret" not in json.dumps(problem)
    assert me.get("/v1/media").json()["items"] == []


def test_text_that_only_looks_like_an_escape_is_kept_as_it_is(me: Caller, sim: simulators.Simulator) -> None:
    metadata = {"a": "\\u0000", "b": "\\\\u0000", "c": 'say "no"', "d": "☃\u2028", "e": [2**53, -(2**62), 0.1]}
    item = me.keep(samples.url(sim, 1), metadata=metadata, prompt="\\u0000 ' \" ; drop table media; --").json()
    assert item["metadata"] == metadata
    assert item["prompt"] == "\\u0000 ' \" ; drop table media; --"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "a/b.png", "\u202egnp.exe", "漢字.png", " . ", "a" * 250 + ".png", 'x"; y=".png']
)
def test_any_name_becomes_one_safe_part_of_a_url(me: Caller, sim: simulators.Simulator, name: str) -> None:
    item = me.kept(samples.url(sim, 2), name=name)
    assert item["status"] == "kept"
    assert item["url"] == f"http://127.0.0.1:{me.port}/m/{item['id']}/{item['name']}"
    reply = me.get(f"/m/{item['id']}/{item['name']}")
    assert (reply.status, reply.body) == (200, samples.picture(2))


@pytest.mark.parametrize(("project", "slot"), [("a/b", "c/../d"), ("..", ".."), ("é\n", "\t"), ("p" * 255, "s" * 255)])
def test_any_project_and_slot_can_be_named(me: Caller, sim: simulators.Simulator, project: str, slot: str) -> None:
    item = me.kept(samples.url(sim, 3), project=project, slot=slot)
    assert (item["status"], item["project"], item["slot"], item["is_current"]) == ("kept", project, slot, True)
    assert ".." not in item["path"].split("/")
