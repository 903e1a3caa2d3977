"""Whatever comes, it is kept or refused with its code; what is made of it is made or refused with a reason; and the service
goes on as it was."""

import psutil
import pytest

from tests.api import samples
from tests.api import stack as stacks
from tests.renditions import conftest as house
from tests.renditions import films, hostile

REFUSED = {"html": "not_media", "nothing": "invalid_request", "webp bomb": "not_media"}
NOTHING_TO_SEE = {
    "larger png bomb": {"unsupported_type"},
    "avif bomb": {"unsupported_type", "not_media"},
    "sound alone": {"invalid_request"},
}
"""And which codes their pictures may be refused with."""
EITHER = ("film without a key frame first", "interlaced png bomb")
GROWTH = 256 << 20
"""Bytes that the service's own processes may grow by; the bombs are larger."""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return hostile.all_of_them()


def test_odd_files_are_kept_or_refused_and_harm_nothing(
    stack: stacks.Stack, me: stacks.Caller, files: dict[str, bytes]
) -> None:
    before = house_size()
    witness = house.keep(me, bytes(house.painted(64, 64).pngsave_buffer()), visibility="unlisted")
    for name, content in files.items():
        reply = me.keep(data=samples.base64_of(content), visibility="unlisted")
        if name in REFUSED:
            assert (reply.status, reply.problem()["code"]) == (422, REFUSED[name]), name
            continue
        assert reply.status == 201, (name, reply.body)
        item = reply.json()
        for query in ("rendition=thumb", *(["rendition=480p"] if item["kind"] == "video" else ["w=64"])):
            answer = house.made(stack.nobody, f"/m/{item['id']}/x?{query}")
            if name in NOTHING_TO_SEE:
                assert (answer.status, answer.problem()["code"] in NOTHING_TO_SEE[name]) == (422, True), (name, answer)
            elif name not in EITHER:
                assert answer.status == 200, (name, query, answer.body[:300])
        original = stack.nobody.get(f"/m/{item['id']}/x")
        assert (original.status, original.body == content) == (200, True), name
        assert original.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in original.headers["content-security-policy"]
        assert "allow-scripts" not in original.headers["content-security-policy"]
        assert stack.nobody.get(f"/m/{witness['id']}/x?w=64").status in (200, 503)
        stacks.until(lambda item=item: me.media(item["id"])["inspection"]["state"] != "pending")
    assert house_size() - before < GROWTH
    assert me.get("/v1/media?limit=200").status == 200


def test_files_that_were_cut_anywhere_are_kept_or_refused(stack: stacks.Stack, me: stacks.Caller) -> None:
    whole = {
        "jpeg": bytes(house.painted(300, 200).jpegsave_buffer()),
        "png": bytes(house.painted(100, 60).pngsave_buffer()),
        "webp": bytes(house.painted(300, 200).webpsave_buffer()),
        "mp4": films.film(160, 90, seconds=1),
        "webm": films.film(160, 90, seconds=1, form="webm", codec="libvpx-vp9"),
    }
    for name, content in whole.items():
        for part in range(1, 9):
            reply = me.keep(
                data=samples.base64_of(content[: len(content) * part // 9]), visibility="unlisted", again=True
            )
            if reply.status == 422:
                assert reply.problem()["code"] in ("truncated", "not_media", "unsupported_type"), name
                continue
            assert reply.status in (200, 201), (name, reply.body)
            answer = house.made(stack.nobody, f"/m/{reply.json()['id']}/x?rendition=thumb")
            assert answer.status in (200, 422), (name, part)


def test_what_is_made_of_a_polyglot_is_a_picture_and_nothing_else(
    stack: stacks.Stack, me: stacks.Caller, files: dict[str, bytes]
) -> None:
    for name, marks in (("jpeg and html", (b"<script", b"<html")), ("png and pdf", (b"%PDF", b"JavaScript"))):
        item = house.keep(me, files[name], visibility="unlisted", again=True)
        for form in ("webp", "jpeg", "png"):
            body = house.made(stack.nobody, f"/m/{item['id']}/x?w=64&format={form}").body
            assert not [mark for mark in marks if mark in body]


def test_an_animation_of_too_many_frames_is_shown_by_its_first(
    stack: stacks.Stack, me: stacks.Caller, files: dict[str, bytes]
) -> None:
    item = house.keep(me, files["gif of 100,000 frames"], visibility="unlisted", again=True)
    small = house.seen(house.made(stack.nobody, f"/m/{item['id']}/x?rendition=thumb").body)
    assert (small.width, small.height, small.get_typeof("n-pages")) == (4, 4, 0)


def test_a_film_ends_where_its_frames_do(stack: stacks.Stack, me: stacks.Caller, files: dict[str, bytes]) -> None:
    for name in ("film of ten hours", "film of no time"):
        item = house.keep(me, files[name], visibility="unlisted", again=True)
        reply = house.made(stack.nobody, f"/m/{item['id']}/x?rendition=480p")
        assert films.told(reply.body)["frames"] == films.RATE


def house_size() -> int:
    """Bytes that the service's own processes hold; its decoders are no part of it."""
    found = 0
    for process in psutil.Process().children(recursive=True):
        command = " ".join(process.cmdline())
        if "tests.support.serving" in command or "multiprocessing" in command:
            found += process.memory_info().rss
    return found
