"""`POST /v1/uploads`: a file in one form is kept when it answers, or nothing of it is there."""

import json
import socket
import urllib.parse
import uuid
from typing import Any

import pytest

from ambrotype.simulator import media as made
from tests.api import samples
from tests.api import stack as stacks
from tests.uploads import asking


def test_a_file_is_kept_with_everything_that_is_known_of_it(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = samples.picture(1)
    reply = asking.upload(me, content, name="my fox.png", title="A fox", tags=["film"], metadata={"take": 1})
    assert reply.status == 201
    found = reply.json()
    assert reply.headers["location"] == f"/v1/media/{found['id']}"
    assert (found["status"], found["source"], found["kind"]) == ("kept", "upload", "image")
    assert (found["size"], found["sha256"]) == (len(content), samples.sha256(content))
    assert (found["width"], found["height"], found["content_type"]) == (64, 48, "image/png")
    assert (found["title"], found["tags"], found["metadata"]) == ("A fox", ["film"], {"take": 1})
    assert found["path"].startswith("upload/")
    assert me.media(found["id"])["sha256"] == found["sha256"]
    assert me.get(urllib.parse.urlsplit(found["url"]).path).body == content


def test_fields_may_follow_the_file(me: stacks.Caller) -> None:
    told = json.dumps({"project": "film", "slot": "hero"}).encode()
    found = asking.send(me, asking.form(("file", "x.png", samples.picture(2)), ("fields", None, told))).json()
    assert (found["project"], found["slot"], found["version"], found["is_current"]) == ("film", "hero", 1, True)
    assert "/film/hero/v1-" in found["path"]


def test_the_same_bytes_at_the_same_place_are_the_same_item(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = samples.picture(3)
    first, second = asking.upload(me, content), asking.upload(me, content, name="other.png")
    assert (first.status, second.status) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert me.keep(data=samples.base64_of(content)).json()["id"] == first.json()["id"]
    elsewhere = asking.upload(me, content, project="film", slot="hero")
    assert elsewhere.status == 201
    assert elsewhere.json()["id"] != first.json()["id"]
    assert asking.upload(me, content, again=True).status == 201


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\pictures\\fox.png", "fox.png"),
        ("fuchs ä.png", None),
        (None, "image.png"),
    ],
)
def test_a_files_name_says_nothing_about_where_it_goes(me: stacks.Caller, name: str | None, shown: str | None) -> None:
    found = asking.upload(me, samples.picture(4), name=name).json()
    assert found["name"] == shown or (shown is None and found["name"].endswith(".png"))
    assert "/" not in found["name"]
    assert found["path"].startswith("upload/")


def test_the_type_is_the_contents_and_not_the_names(me: stacks.Caller) -> None:
    found = asking.upload(me, samples.picture(5, extension="jpeg"), name="x.mp4").json()
    assert (found["kind"], found["content_type"]) == ("image", "image/jpeg")


def test_a_video_and_a_sound_are_kept(me: stacks.Caller) -> None:
    film = asking.upload(me, samples.content("video/320x240-24fps-2s/7.mp4"), name="film").json()
    assert (film["kind"], film["content_type"]) == ("video", "video/mp4")
    assert film["duration"] > 0
    sound = asking.upload(me, samples.content("audio/2s/7.wav"), name="sound.wav").json()
    assert sound["kind"] == "audio"


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "nothing": (asking.form(("file", "a.png", b"")), 422, "not_media"),
    "html": (asking.form(("file", "a.png", b"<!doctype html><script>alert(1)</script>")), 422, "not_media"),
    "half a picture": (asking.form(("file", "a.png", samples.picture(6)[:400])), 422, "truncated"),
    "an executable": (asking.form(("file", "a.png", b"\x7fELF" + bytes(5000))), 422, "not_media"),
    "pdf and html": (asking.form(("file", "a.pdf", b"%PDF-1.4 <script>" + bytes(900))), 422, "unsupported_type"),
    "no file": (asking.form(("fields", None, b"{}")), 422, "invalid_request"),
    "two files": (
        asking.form(("file", "a.png", samples.picture(7)), ("file", "b.png", samples.picture(8))),
        422,
        "invalid_request",
    ),
    "an unknown part": (asking.form(("fle", "a.png", samples.picture(7))), 422, "invalid_request"),
    "an unknown field": (
        asking.form(("file", "a.png", samples.picture(7)), ("fields", None, b'{"url": "https://x"}')),
        422,
        "invalid_request",
    ),
    "no json": (asking.form(("fields", None, b"{"), ("file", "a.png", samples.picture(7))), 422, "invalid_request"),
    "no end": (asking.form(("file", "a.png", samples.picture(7)))[:-10], 422, "invalid_request"),
    "no form": (b"hello", 422, "invalid_request"),
    "a slot without a project": (
        asking.form(("file", "a.png", samples.picture(7)), ("fields", None, b'{"slot": "s"}')),
        422,
        "invalid_request",
    ),
    "a parent that is not there": (
        asking.form(
            ("file", "a.png", samples.picture(7)),
            ("fields", None, json.dumps({"parents": [{"id": str(uuid.uuid4())}]}).encode()),
        ),
        404,
        "not_found",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_leaves_nothing_behind(stack: stacks.Stack, me: stacks.Caller, what: str) -> None:
    body, status, code = REFUSED[what]
    before = stack.objects()
    reply = asking.send(me, body)
    assert (reply.status, reply.problem()["code"]) == (status, code)
    assert stack.objects() == before
    assert me.get("/v1/media").json()["items"] == []


def test_another_content_type_is_refused(me: stacks.Caller) -> None:
    reply = me.send("POST", "/v1/uploads", body=samples.picture(9), headers={"Content-Type": "image/png"})
    assert (reply.status, reply.problem()["code"]) == (415, "wrong_content_type")


def test_a_file_that_is_too_large_is_refused(stack: stacks.Stack, me: stacks.Caller) -> None:
    before = stack.objects()
    content = made.padded_png(2**26 + 1, seed=1)
    reply = asking.upload(me, content)
    assert (reply.status, reply.problem()["code"]) == (413, "too_large")
    assert stack.objects() == before


def _cut(stack: stacks.Stack, who: stacks.Caller, body: bytes, told: int) -> None:
    """Sends these bytes of a body that was said to be longer, and hangs up."""
    with socket.create_connection(("127.0.0.1", stack.port)) as line:
        headers: dict[str, Any] = {
            **who.headers,
            "Host": "x",
            "Content-Type": f"multipart/form-data; boundary={asking.BOUNDARY}",
            "Content-Length": told,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line.sendall(f"POST /v1/uploads HTTP/1.1\r\n{head}\r\n".encode() + body)


def test_a_connection_that_breaks_leaves_nothing_behind(stack: stacks.Stack, me: stacks.Caller) -> None:
    before = stack.objects()
    body = asking.form(("file", "a.png", made.padded_png(2**22, seed=2)))
    _cut(stack, me, body[: 3 * 2**20], len(body))
    lines = stacks.until(
        lambda: [line for line in stack.log_lines() if line.get("path") == "/v1/uploads" and line["status"] == 422]
    )
    assert lines
    stacks.until(lambda: stack.objects() == before)
    assert me.get("/v1/media").json()["items"] == []


def test_anothers_item_is_no_parent(me: stacks.Caller, other: stacks.Caller) -> None:
    theirs = asking.upload(other, samples.picture(10)).json()["id"]
    assert asking.upload(me, samples.picture(11), parents=[{"id": theirs}]).status == 404
    mine = asking.upload(me, samples.picture(12)).json()["id"]
    child = asking.upload(me, samples.picture(13), parents=[{"id": mine, "role": "base_image"}]).json()
    assert child["parents"] == [{"id": mine, "role": "base_image"}]


def test_a_guests_quota_holds(stack: stacks.Stack) -> None:
    guest = stack.service.with_(Ambrotype_Owner=f"guest:{uuid.uuid4()}")
    before = stack.objects()
    large = made.padded_png(30_000, seed=3)
    assert asking.upload(guest, large).problem()["code"] == "quota_exceeded"
    assert stack.objects() == before
    for seed in range(3):
        assert asking.upload(guest, samples.picture(20 + seed)).status == 201
    assert asking.upload(guest, samples.picture(29)).problem()["code"] == "quota_exceeded"
