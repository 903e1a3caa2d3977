"""TUS 1.0.0: what is acknowledged is there, one request writes at a time, and what is refused leaves nothing behind."""

import base64
import hashlib
import http.client
import uuid

import pytest

from ambrotype.simulator import media as made
from tests.api import samples
from tests.api import stack as stacks
from tests.uploads import asking


def checksum(content: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def test_what_is_spoken_here(stack: stacks.Stack) -> None:
    reply = stack.nobody.send("OPTIONS", "/v1/uploads/resumable")
    assert (reply.status, reply.body) == (204, b"")
    assert (reply.headers["tus-resumable"], reply.headers["tus-version"]) == ("1.0.0", "1.0.0")
    assert reply.headers["tus-max-size"] == str(2**26)
    assert set(reply.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "checksum", "termination", "expiration"
    }  # fmt: skip
    assert set(reply.headers["tus-checksum-algorithm"].split(",")) == {"sha1", "sha256", "md5"}


def test_a_file_in_three_requests_is_kept_with_the_last(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = samples.picture(100)
    told = asking.metadata(filename="fox.png", filetype="image/png", fields='{"title": "A fox", "project": "film"}')
    reply = asking.create(me, len(content), **{"Upload-Metadata": told})
    where = str(reply.headers["location"])
    assert (reply.headers["upload-offset"], reply.headers["tus-resumable"]) == ("0", "1.0.0")
    assert "GMT" in reply.headers["upload-expires"]
    third = len(content) // 3
    for start, end in ((0, third), (third, 2 * third)):
        reply = asking.patch(me, where, start, content[start:end])
        assert (reply.status, reply.headers["upload-offset"]) == (204, str(end))
        assert reply.headers["ambrotype-media-id"] is None
        assert asking.offset(me, where) == end
    assert me.get("/v1/media").json()["items"] == []
    reply = asking.patch(me, where, 2 * third, content[2 * third :])
    assert reply.status == 204
    found = me.media(asking.media_id(reply))
    assert (found["status"], found["sha256"], found["title"]) == ("kept", samples.sha256(content), "A fox")
    assert (found["source"], found["name"], found["project"]) == ("upload", "fox.png", "film")
    again = asking.head(me, where)
    assert asking.media_id(again) == found["id"]
    assert again.headers["upload-metadata"] == told
    assert again.headers["upload-length"] == again.headers["upload-offset"] == str(len(content))
    assert asking.media_id(asking.patch(me, where, len(content), b"")) == found["id"]
    names = {path.name for path in stack.objects()}
    assert f"{found['id']}.png" in {path.name for path in stack.objects()}
    assert f"{where.rpartition('/')[2]}.part" not in names


def test_a_creation_may_bring_all_bytes_along(me: stacks.Caller) -> None:
    content = samples.picture(101)
    reply = asking.create(me, len(content), body=content)
    assert (reply.status, reply.headers["upload-offset"]) == (201, str(len(content)))
    assert me.media(asking.media_id(reply))["sha256"] == samples.sha256(content)


def test_the_same_bytes_are_the_known_item(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = samples.picture(102)
    first = asking.upload(me, content).json()["id"]
    before = stack.objects()
    assert asking.media_id(asking.create(me, len(content), body=content)) == first
    assert stack.objects() == before


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_bytes_that_do_not_match_their_checksum_are_none(me: stacks.Caller, algorithm: str) -> None:
    content = samples.picture(103)
    where = asking.begun(me, len(content))
    half = len(content) // 2
    wrong = asking.patch(me, where, 0, content[:half], **{"Upload-Checksum": checksum(b"other", algorithm)})
    assert (wrong.status, wrong.problem()["code"]) == (460, "checksum_mismatch")
    assert asking.offset(me, where) == 0
    right = asking.patch(me, where, 0, content[:half], **{"Upload-Checksum": checksum(content[:half], algorithm)})
    assert (right.status, right.headers["upload-offset"]) == (204, str(half))
    last = asking.patch(me, where, half, content[half:], **{"Upload-Checksum": checksum(content[half:], algorithm)})
    assert me.media(asking.media_id(last))["sha256"] == samples.sha256(content)


WRONG: dict[str, tuple[dict[str, str], int]] = {
    "no version": ({"Tus-Resumable": "0.2.2"}, 412),
    "a length that is negative": ({"Upload-Length": "-1"}, 422),
    "a length that is no number": ({"Upload-Length": "1e3"}, 422),
    "a length of many digits": ({"Upload-Length": "9" * 40}, 422),
    "a length beyond the largest": ({"Upload-Length": str(2**26 + 1)}, 413),
    "no bytes at all": ({"Upload-Length": "0"}, 422),
    "a length that comes later": ({"Upload-Defer-Length": "1"}, 422),
    "metadata without base64": ({"Upload-Metadata": "filename ***"}, 422),
    "metadata twice": ({"Upload-Metadata": "filename eA==,filename eA=="}, 422),
    "metadata without end": ({"Upload-Metadata": "filename " + "eHh4" * 20_000}, 422),
    "fields that are no json": ({"Upload-Metadata": asking.metadata(fields="{")}, 422),
    "fields that there are not": ({"Upload-Metadata": asking.metadata(fields='{"nothing": 1}')}, 422),
    "a layout that is not there": ({"Upload-Metadata": asking.metadata(fields='{"layout": "nope"}')}, 422),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_can_not_be_begun(stack: stacks.Stack, me: stacks.Caller, what: str) -> None:
    headers, status = WRONG[what]
    reply = asking.create(me, 100, **headers)
    assert reply.status == status
    assert reply.headers["tus-resumable"] == "1.0.0"
    assert reply.problem()["detail"]


def test_what_can_not_be_gone_on_with(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = samples.picture(104)
    where = asking.begun(me, len(content))
    assert asking.patch(me, where, 0, content[:10]).status == 204
    for offset, status in (("0", 409), ("11", 409), ("-1", 422), ("x", 422), (str(10**17), 409), ("", 422)):
        assert asking.patch(me, where, offset, b"zz").status == status, offset
    assert asking.patch(me, where, 10, b"x", **{"Content-Type": "text/plain"}).status == 415
    assert asking.patch(me, where, 10, content, **{}).status == 413
    assert asking.patch(me, where, 10, b"x", **{"Tus-Resumable": ""}).status == 412
    assert asking.patch(me, where, 10, b"x", **{"Upload-Checksum": "crc32 AAAA"}).status == 422
    assert asking.patch(me, where, 10, b"x", **{"Upload-Checksum": "md5 ?"}).status == 422
    for missing in ("/v1/uploads/resumable/x", f"/v1/uploads/resumable/{uuid.uuid4()}", where.upper()[:-1]):
        assert asking.patch(me, missing, 0, b"x").status == 404
    assert asking.offset(me, where) == 10


def test_more_bytes_than_were_said_to_come_are_not_taken(me: stacks.Caller) -> None:
    content = samples.picture(105)
    where = asking.begun(me, len(content))
    pieces = iter([content, b"more"])
    reply = me.send(
        "PATCH", where, body=pieces, headers={**asking.VERSION, "Content-Type": asking.BODY, "Upload-Offset": "0"}
    )
    assert (reply.status, reply.problem()["code"]) == (413, "too_large")


@pytest.mark.parametrize("content", [b"<!doctype html><script>alert(1)</script>" * 200, b"\x7fELF" + bytes(9000)])
def test_what_is_no_media_is_refused_and_gone(stack: stacks.Stack, me: stacks.Caller, content: bytes) -> None:
    before = stack.objects()
    where = asking.begun(me, len(content))
    assert asking.patch(me, where, 0, content[:1000]).status == 204
    reply = asking.patch(me, where, 1000, content[1000:])
    assert (reply.status, reply.problem()["code"]) == (422, "not_media")
    assert asking.head(me, where).status == 404
    assert stack.objects() == before
    assert me.get("/v1/media").json()["items"] == []


def test_what_is_given_up_is_gone_and_what_is_kept_stays(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = samples.picture(106)
    before = stack.objects()
    where = asking.begun(me, len(content))
    asking.patch(me, where, 0, content[:100])
    assert me.send("DELETE", where, headers=asking.VERSION).status == 204
    assert asking.head(me, where).status == 404
    assert stack.objects() == before
    done = asking.create(me, len(content), body=content)
    where = str(done.headers["location"])
    assert me.send("POST", where, headers={**asking.VERSION, "X-HTTP-Method-Override": "DELETE"}).status == 204
    assert me.media(asking.media_id(done))["status"] == "kept"


def test_one_request_writes_at_a_time(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = made.padded_png(300_000, seed=4)
    where = asking.begun(me, len(content))
    slow = http.client.HTTPConnection("127.0.0.1", me.port, timeout=stacks.PATIENCE)
    slow.putrequest("PATCH", where)
    told = {**me.headers, **asking.VERSION, "Content-Type": asking.BODY, "Upload-Offset": "0"}
    for name, value in {**told, "Content-Length": str(len(content))}.items():
        slow.putheader(name, value)
    slow.endheaders()
    slow.send(content[:1000])
    stacks.until(
        lambda: stack.sql("select 1 from ambrotype.upload where id = %(id)s and lease is not null", id=_id(where))
    )
    second = asking.patch(me, where, 0, content)
    assert (second.status, second.problem()["code"]) == (423, "locked")
    assert me.send("DELETE", where, headers=asking.VERSION).status == 423
    slow.send(content[1000:])
    reply = slow.getresponse()
    assert reply.status == 204
    assert me.media(str(reply.headers["ambrotype-media-id"]))["sha256"] == samples.sha256(content)
    slow.close()


def test_a_client_that_hangs_does_not_keep_another_out_for_long(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = made.padded_png(300_000, seed=5)
    where = asking.begun(me, len(content))
    slow = http.client.HTTPConnection("127.0.0.1", me.port, timeout=stacks.PATIENCE)
    slow.putrequest("PATCH", where)
    told = {**me.headers, **asking.VERSION, "Content-Type": asking.BODY, "Upload-Offset": "0"}
    for name, value in {**told, "Content-Length": str(len(content))}.items():
        slow.putheader(name, value)
    slow.endheaders()
    slow.send(content[:1000])
    stacks.until(
        lambda: stack.sql("select 1 from ambrotype.upload where id = %(id)s and lease is not null", id=_id(where))
    )
    reply = stacks.until(lambda: (tried := asking.patch(me, where, 0, content)).status != 423 and tried)
    assert reply.status == 204
    assert me.media(asking.media_id(reply))["sha256"] == samples.sha256(content)
    slow.close()


def test_what_ran_out_is_gone(stack: stacks.Stack, me: stacks.Caller) -> None:
    where = asking.begun(me, 1000)
    stack.sql("update ambrotype.upload set expires_at = now() - interval '1 second' where id = %(id)s", id=_id(where))
    assert asking.head(me, where).status == 410
    assert asking.patch(me, where, 0, b"x").status == 410


def test_bytes_that_are_all_there_become_an_item_whoever_asks_next(stack: stacks.Stack, me: stacks.Caller) -> None:
    """As after a kill between the last byte and the item."""
    content = samples.picture(107)
    where = asking.begun(me, len(content))
    asking.patch(me, where, 0, content[:-1])
    file = stack.data / "store" / ".tmp" / f"{_id(where)}.part"
    file.write_bytes(content)
    stack.sql("update ambrotype.upload set received = size where id = %(id)s", id=_id(where))
    found = me.media(asking.media_id(asking.head(me, where)))
    assert found["sha256"] == samples.sha256(content)


def test_an_upload_whose_bytes_are_gone_says_so(stack: stacks.Stack, me: stacks.Caller) -> None:
    where = asking.begun(me, 1000)
    asking.patch(me, where, 0, samples.picture(108)[:100])
    (stack.data / "store" / ".tmp" / f"{_id(where)}.part").unlink()
    assert asking.patch(me, where, 100, b"x").status == 410
    assert asking.head(me, where).status == 404


def test_unfinished_uploads_count_for_the_quota(stack: stacks.Stack) -> None:
    guest = stack.service.with_(Ambrotype_Owner=f"guest:{uuid.uuid4()}")
    assert asking.create(guest, 15_000).status == 201
    reply = asking.create(guest, 15_000)
    assert (reply.status, reply.problem()["code"]) == (403, "quota_exceeded")
    assert asking.create(guest, 1000).status == asking.create(guest, 1000).status == 201
    assert asking.create(guest, 1000).problem()["code"] == "quota_exceeded"


def test_a_guests_upload_goes_on_as_the_users(stack: stacks.Stack) -> None:
    content = samples.picture(109)
    app_key = stack.key("app")
    token = app_key.post("/v1/guests").json()["token"]
    guest = stacks.Caller(port=stack.port, headers={"Authorization": f"Bearer {token}"})
    where = asking.begun(guest, len(content))
    asking.patch(guest, where, 0, content[:50])
    user = app_key.with_(Ambrotype_Owner=stacks.somebody())
    assert user.post("/v1/guests/link", {"guest_token": token}).status == 200
    stacks.until(
        lambda: stack.sql(
            "select 1 from ambrotype.upload u join ambrotype.owner o on o.id = u.owner_id"
            " where u.id = %(id)s and o.kind = 'user'", id=_id(where)
        )
    )  # fmt: skip
    assert asking.patch(guest, where, 50, content[50:]).status == 401
    assert user.media(asking.media_id(asking.patch(user, where, 50, content[50:])))["status"] == "kept"


def _id(where: str) -> str:
    return where.rpartition("/")[2]
