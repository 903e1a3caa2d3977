"""A disk that fills up in the middle of an upload: a clear answer, nothing acknowledged is lost, and it goes on later."""

import contextlib
import http.client
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ambrotype.simulator import media as made
from tests.api import samples
from tests.api import stack as stacks
from tests.chaos import disks
from tests.support import server as servers
from tests.uploads import asking

MIB = 2**20
DISK = 128 * MIB
MIN_FREE = 32 * MIB


class Small:
    """A server whose store lies on a disk of its own, and that disk."""

    def __init__(self, stack: stacks.Stack, disk: Path, *, min_free: int) -> None:
        self.who = stack.service.with_(Ambrotype_Owner=stacks.somebody())
        self._disk = disk
        self._leave = max(min_free - MIB, 0)
        self._filler: Path | None = None

    def fill(self) -> None:
        """Nothing more fits, or nothing that leaves AMBROTYPE_MIN_FREE."""
        self._filler = disks.fill(self._disk, leave=self._leave)

    def free(self) -> None:
        assert self._filler is not None
        self._filler.unlink()

    def drafts(self) -> list[int]:
        """Bytes of each unfinished file."""
        found = []
        for path in (self._disk / "store" / ".tmp").glob("*"):
            with contextlib.suppress(FileNotFoundError):
                found.append(path.stat().st_size)
        return found


@pytest.fixture(scope="module", params=[0, MIN_FREE], ids=["full", "below the minimum"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    folder = tmp_path_factory.mktemp("full")
    with disks.small(folder / "disk", size=DISK) as disk:
        (disk / "store").mkdir()
        with (
            servers.running(
                folder / "data", store_url=f"file://{disk / 'store'}", min_free=str(request.param)
            ) as server,
            stacks.Stack(server) as stack,
        ):
            yield Small(stack, disk, min_free=request.param)


def _nothing() -> None:
    pass


def _sent(
    who: stacks.Caller,
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    half: Callable[[], None] = _nothing,
) -> stacks.Reply:
    """The reply to a request in whose middle `half` happens. The server may answer before it has all of the body."""
    connection = http.client.HTTPConnection("127.0.0.1", who.port, timeout=stacks.PATIENCE)
    with contextlib.closing(connection):
        connection.putrequest(method, path)
        for name, value in {**who.headers, **headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[: len(body) // 2])
        half()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(body[len(body) // 2 :])
        answer = connection.getresponse()
        return stacks.Reply(status=answer.status, headers=answer.headers, body=answer.read())


def _require_refused(reply: stacks.Reply) -> None:
    assert (reply.status, reply.problem()["code"]) == (503, "store_unavailable"), reply.body
    assert int(reply.headers["retry-after"]) > 0
    assert "disk" in reply.problem()["detail"]


def _require_there(small: Small, media_id: str, content: bytes) -> None:
    found = small.who.media(media_id)
    assert (found["status"], found["sha256"]) == ("kept", samples.sha256(content))
    assert small.who.get(urllib.parse.urlsplit(found["url"]).path).body == content


def test_a_form_is_refused_and_leaves_nothing_and_may_come_again(small: Small) -> None:
    before, content = samples.picture(7001), made.padded_png(16 * MIB, seed=71)
    kept = asking.upload(small.who, before).json()["id"]
    body = asking.form(("file", "large.png", content))
    kind = {"Content-Type": f"multipart/form-data; boundary={asking.BOUNDARY}"}

    def half() -> None:
        stacks.until(lambda: max(small.drafts(), default=0) >= 6 * MIB)
        small.fill()

    _require_refused(_sent(small.who, "POST", "/v1/uploads", body, kind, half=half))
    _require_refused(_sent(small.who, "POST", "/v1/uploads", body, kind))
    _require_there(small, kept, before)
    assert [item["id"] for item in small.who.get("/v1/media").json()["items"]] == [kept]
    stacks.until(lambda: max(small.drafts(), default=0) < MIB)
    small.free()
    reply = asking.send(small.who, body)
    assert reply.status == 201, reply.body
    _require_there(small, reply.json()["id"], content)


def test_a_resumable_upload_waits_where_it_was_and_goes_on(small: Small) -> None:
    content = made.padded_png(24 * MIB, seed=72)
    where = asking.begun(small.who, len(content))
    first = 8 * MIB
    assert asking.patch(small.who, where, 0, content[:first]).status == 204
    kind = {**asking.VERSION, "Content-Type": asking.BODY, "Upload-Offset": str(first)}

    def half() -> None:
        stacks.until(lambda: max(small.drafts(), default=0) >= first + 6 * MIB)
        small.fill()

    _require_refused(_sent(small.who, "PATCH", where, content[first:], kind, half=half))
    there = asking.offset(small.who, where)
    assert there >= first
    kind["Upload-Offset"] = str(there)
    _require_refused(_sent(small.who, "PATCH", where, content[there:], kind))
    assert asking.offset(small.who, where) >= there
    small.free()
    there = asking.offset(small.who, where)
    reply = asking.patch(small.who, where, there, content[there:])
    assert reply.status == 204, reply.body
    _require_there(small, asking.media_id(reply), content)
