"""The same on a real S3 server: parts go straight in, offsets survive, direct uploads can't be moved or changed."""

import asyncio
import contextlib
import http.client
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import aiobotocore.session
import pytest

from ambrotype.simulator import media as made
from tests.api import samples
from tests.api import stack as stacks
from tests.support import ceph as servers
from tests.support import server as running
from tests.uploads import asking

MIB = 2**20


@pytest.fixture(scope="module")
def account(ceph: servers.Ceph) -> servers.Account:
    return ceph.account()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, account: servers.Account) -> Iterator[stacks.Stack]:
    data = tmp_path_factory.mktemp("s3") / "data"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in account.environment.items():
            patch.setenv(name, value)
        with running.running(data, store_url="s3://{bucket}") as server, stacks.Stack(server) as started:
            yield started


def past(account: servers.Account, operation: str, **asked: Any) -> Any:
    """What the server says past the store."""

    async def ask() -> Any:
        session = aiobotocore.session.get_session()
        async with session.create_client(
            "s3",
            endpoint_url=account.endpoint,
            aws_access_key_id=account.access_key,
            aws_secret_access_key=account.secret_key,
            region_name="us-east-1",
        ) as client:
            return await getattr(client, operation)(**asked)

    return asyncio.run(ask())


def objects(account: servers.Account) -> set[str]:
    buckets = [bucket["Name"] for bucket in past(account, "list_buckets")["Buckets"]]
    found = [past(account, "list_objects_v2", Bucket=bucket).get("Contents", []) for bucket in buckets]
    begun = [past(account, "list_multipart_uploads", Bucket=bucket).get("Uploads", []) for bucket in buckets]
    return {one["Key"] for each in found for one in each} | {
        f"unfinished {one['Key']}" for each in begun for one in each
    }


def served(who: stacks.Caller, found: Any) -> bytes:
    with urllib.request.urlopen(found["access_url"]) as reply:
        return bytes(reply.read())


@pytest.mark.parametrize("size", [500, 20 * MIB])
def test_a_form_is_kept(stack: stacks.Stack, me: stacks.Caller, account: servers.Account, size: int) -> None:
    content = made.padded_png(size, seed=size)
    before = objects(account)
    found = asking.upload(me, content, project="film", slot=f"s{size}").json()
    assert (found["sha256"], found["version"]) == (samples.sha256(content), 1)
    assert served(me, found) == content
    assert objects(account) - before == {found["path"]}


def test_fields_behind_a_large_file_decide_its_place(
    stack: stacks.Stack, me: stacks.Caller, account: servers.Account
) -> None:
    content = made.padded_png(10 * MIB, seed=1)
    told = b'{"project": "film", "slot": "late"}'
    before = objects(account)
    found = asking.send(me, asking.form(("file", "x.png", content), ("fields", None, told))).json()
    assert "/film/late/v1-" in found["path"]
    assert objects(account) - before == {found["path"]}
    assert served(me, found) == content


def test_parts_of_a_resumable_upload_go_straight_in(
    stack: stacks.Stack, me: stacks.Caller, account: servers.Account
) -> None:
    content = made.padded_png(21 * MIB + 77, seed=2)
    before = objects(account)
    where = asking.begun(me, len(content), filename="fox.png", fields='{"project": "film", "slot": "hero"}')
    at = 0
    for end in (100, 5 * MIB, 13 * MIB, 20 * MIB, len(content)):
        reply = asking.patch(me, where, at, content[at:end])
        assert (reply.status, reply.headers["upload-offset"]) == (204, str(end))
        at = end
    found = me.media(asking.media_id(reply))
    assert found["sha256"] == samples.sha256(content)
    assert served(me, found) == content
    assert objects(account) - before == {found["path"]}
    assert not list((stack.data / "tmp").glob("look-*"))


def test_what_is_given_up_or_refused_leaves_nothing_in_the_store(
    stack: stacks.Stack, me: stacks.Caller, account: servers.Account
) -> None:
    before = objects(account)
    where = asking.begun(me, 30 * MIB)
    content = made.padded_png(17 * MIB, seed=3)
    assert asking.patch(me, where, 0, content).status == 204
    assert objects(account) > before
    assert me.send("DELETE", where, headers=asking.VERSION).status == 204
    assert objects(account) == before
    broken = made.padded_png(10 * MIB, seed=4)[: 9 * MIB]
    where = asking.begun(me, len(broken))
    assert asking.patch(me, where, 0, broken).problem()["code"] == "truncated"
    assert objects(account) == before


def test_a_wrong_checksum_changes_nothing(stack: stacks.Stack, me: stacks.Caller) -> None:
    content = made.padded_png(18 * MIB, seed=5)
    where = asking.begun(me, len(content))
    assert asking.patch(me, where, 0, content[: 9 * MIB]).status == 204
    wrong = asking.patch(me, where, 9 * MIB, bytes(9 * MIB), **{"Upload-Checksum": "md5 " + "A" * 22 + "=="})
    assert wrong.status == 460
    assert asking.offset(me, where) == 9 * MIB
    found = me.media(asking.media_id(asking.patch(me, where, 9 * MIB, content[9 * MIB :])))
    assert found["sha256"] == samples.sha256(content)


def put(begun: Any, content: bytes, **headers: str) -> int:
    where = urllib.parse.urlsplit(begun["url"])
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=stacks.PATIENCE)
    with contextlib.closing(connection):
        # A server that refuses by the head need not read the body.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request("PUT", f"{where.path}?{where.query}", content, {**begun["headers"], **headers})
        return connection.getresponse().status


def direct(who: stacks.Caller, content: bytes, **fields: Any) -> Any:
    asked = {"filename": "fox.png", "content_type": "image/png", "size": len(content), "fields": fields}
    reply = who.post("/v1/uploads/direct", asked)
    assert reply.status == 201, reply.body
    return reply.json()


def test_a_direct_upload_is_kept_when_it_is_completed(
    stack: stacks.Stack, me: stacks.Caller, other: stacks.Caller, account: servers.Account
) -> None:
    content = made.padded_png(3 * MIB, seed=6)
    before = objects(account)
    begun = direct(me, content, title="A fox", project="film", slot="direct")
    done = f"/v1/uploads/direct/{begun['id']}/complete"
    assert me.post(done).problem()["code"] == "conflict"
    assert put(begun, content[:-1], **{"Content-Length": str(len(content) - 1)}) == 403
    assert put(begun, content, **{"Content-Type": "text/html"}) == 403
    assert put(begun, content) == 200
    assert other.post(done).status == 404
    reply = me.post(done)
    assert reply.status == 201
    found = reply.json()
    assert (found["sha256"], found["title"], found["version"]) == (samples.sha256(content), "A fox", 1)
    assert objects(account) - before == {found["path"]}
    again = me.post(done)
    assert (again.status, again.json()["id"]) == (200, found["id"])
    # The same request once more changes nothing that is kept.
    assert put(begun, made.padded_png(3 * MIB, seed=7)) == 200
    assert served(me, found) == content


def test_what_is_no_media_is_removed(stack: stacks.Stack, me: stacks.Caller, account: servers.Account) -> None:
    before = objects(account)
    content = b"<!doctype html>" + bytes(2000)
    begun = direct(me, content)
    assert put(begun, content) == 200
    reply = me.post(f"/v1/uploads/direct/{begun['id']}/complete")
    assert (reply.status, reply.problem()["code"]) == (422, "not_media")
    assert objects(account) == before
    assert me.post(f"/v1/uploads/direct/{begun['id']}/complete").status == 404


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"size": 0, "content_type": "image/png"}, 422),
        ({"size": 10, "content_type": "text/html"}, 422),
        ({"size": 6 * 2**30, "content_type": "image/png"}, 413),
        ({"size": 10, "content_type": "image/png", "fields": {"nothing": 1}}, 422),
    ],
)
def test_what_is_signed_for_nobody(stack: stacks.Stack, me: stacks.Caller, asked: dict[str, Any], status: int) -> None:
    assert me.post("/v1/uploads/direct", asked).status == status


def test_what_nobody_completes_can_not_be_completed_by_guessing(stack: stacks.Stack, me: stacks.Caller) -> None:
    assert me.post(f"/v1/uploads/direct/{uuid.uuid4()}/complete").status == 404
