"""Videos in OpenAI's shape: recorded objects, downloads of several gateways, remixes and reports."""

from typing import Any

import orjson
import pytest

from ambrotype.providers import checking, contract, openai
from ambrotype.providers.checking import answer
from tests.providers import signing

ID = "video_68d7512d07848190b3e45da0ecbebcde"
BASE = "https://gateway.example/v1"
JOB = contract.Job(model="sora-2", prompt="a fox runs", settings={"seconds": 8, "size": "1280x720"})
MP4 = answer(200, b"\x00\x00\x00\x18ftypmp42", content_type="video/mp4")
WEBP = answer(200, b"RIFF\x00\x00\x00\x00WEBP", content_type="image/webp")
NONE = answer(404, {"error": {"message": "no such variant"}})


def told(status: str = "queued", **more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "object": "video",
        "model": "sora-2",
        "status": status,
        "progress": 0,
        "created_at": 1795176000,
        "seconds": "8",
        "size": "1280x720",
        **more,
    }


def video(status: str = "queued", **more: Any) -> contract.Reply:
    return answer(200, told(status, **more))


def scene(title: str, *followed: list[contract.Reply], **ends: Any) -> checking.Scene:
    return checking.Scene(title=title, job=JOB, submitted=[video()], followed=followed, **ends)


DONE = video("completed", progress=100, completed_at=1795176100, expires_at=1795179600)
SCENES = [
    scene(
        "a film with its pictures",
        [video("in_progress", progress=33)],
        [video("rendering")],
        [DONE, MP4, WEBP, WEBP],
        outputs=3,
    ),
    scene("a gateway without thumbnails", [DONE, MP4, NONE, NONE], outputs=1),
    scene(
        "failed",
        [video("failed", error={"code": "server_error", "message": "oops"})],
        ends="failed",
        code="server_error",
    ),
    scene(
        "blocked",
        [video("failed", error={"code": "moderation_blocked", "message": "no"})],
        ends="failed",
        code="blocked",
    ),
    scene("the file is gone", [DONE, answer(404, {"error": {"message": "expired"}})], code="source_expired", outputs=0),
    scene("expired, in a word", [video("expired")], code="source_expired", outputs=0),
]
EVENT = {"id": "evt_1", "object": "event", "type": "video.completed", "created_at": 1795176100, "data": {"id": ID}}
REPORTS = [checking.Report(hook=signing.standard(orjson.dumps(EVENT)), secrets=[signing.STANDARD.encode()], job_id=ID)]


def make(**config: Any) -> openai.OpenAI:
    return openai.OpenAI(config=contract.Config(api_key=checking.KEY, **{"base_url": BASE, **config}))


def ran(conversation: contract.Conversation[Any], *replies: contract.Reply) -> Any:
    return checking.run(conversation, replies)


def test_a_film_is_downloaded_with_the_key_until_it_expires() -> None:
    there = ran(make().follow(ID, {}), DONE, MP4, WEBP, answer(302, b"", location="https://cdn.example/s.jpg"))
    assert [step.url.partition("/videos/")[2] for step in there.asked] == [
        ID,
        f"{ID}/content?variant=video",
        f"{ID}/content?variant=thumbnail",
        f"{ID}/content?variant=spritesheet",
    ]
    assert all(step.first for step in there.asked[1:])
    now = there.value
    assert [(output.role, output.kind, output.authenticated) for output in now.outputs] == [
        ("primary", "video", True),
        ("thumbnail", "image", True),
        ("spritesheet", "image", True),
    ]
    assert {output.expires_at.timestamp() for output in now.outputs} == {1795179600}
    assert now.cost == contract.Cost(units=8, unit="second", estimated=True)


@pytest.mark.parametrize(
    ("looked", "url", "authenticated"),
    [
        ({"video_url": "https://cdn.example/v.mp4?sig=1"}, "https://cdn.example/v.mp4?sig=1", False),
        ({"metadata": {"url": "https://cdn.example/v"}}, "https://cdn.example/v", False),
        (
            {"data": [{"url": "https://cdn.example/v.mp4", "content_type": "video/mp4"}]},
            "https://cdn.example/v.mp4",
            False,
        ),
        ({"url": f"{BASE}/videos/x/content"}, f"{BASE}/videos/x/content", True),
    ],
)
@pytest.mark.parametrize("labelled", [True, False])
def test_gateways_that_answer_a_download_with_json_are_understood(
    looked: Any, url: str, authenticated: bool, labelled: bool
) -> None:
    reply = (
        answer(200, looked) if labelled else answer(200, orjson.dumps(looked), content_type="application/octet-stream")
    )
    now = ran(make().follow(ID, {}), DONE, reply, NONE, NONE).value
    assert [(output.url, output.kind, output.authenticated) for output in now.outputs] == [
        (url, "video", authenticated)
    ]
    assert now.outputs[0].expires_at.timestamp() == 1795179600


def test_a_url_in_the_object_itself_needs_no_look() -> None:
    there = ran(make().follow(ID, {}), video("completed", video_url="https://cdn.example/v.mp4"))
    assert ([output.url for output in there.value.outputs], len(there.asked)) == (["https://cdn.example/v.mp4"], 1)


def test_a_download_that_fails_for_now_is_asked_for_again() -> None:
    refused = ran(make().follow(ID, {}), DONE, answer(503, None, retry_after="9")).refused
    assert (refused.again, refused.after) == (True, 9.0)


def given(role: str, kind: Any = "video", **more: Any) -> contract.Input:
    return contract.Input(role=role, kind=kind, content_type=f"{kind}/mp4" if kind == "video" else "image/png", **more)


@pytest.mark.parametrize(
    ("inputs", "path", "body"),
    [
        ([], "videos", {"seconds": "8", "size": "1280x720", "prompt": "a fox runs", "model": "sora-2"}),
        (
            [given("remix", job_id="video_1")],
            "videos/video_1/remix",
            {"seconds": "8", "size": "1280x720", "prompt": "a fox runs"},
        ),
        (
            [given("extend", job_id="video_1")],
            "videos/extensions",
            {"seconds": "8", "size": "1280x720", "prompt": "a fox runs", "video": {"id": "video_1"}},
        ),
        (
            [given("base_video", job_id="video_1")],
            "videos/edits",
            {"seconds": "8", "size": "1280x720", "prompt": "a fox runs", "video": {"id": "video_1"}},
        ),
        (
            [given("image", "image", url="https://us.example/i.png")],
            "videos",
            {
                "seconds": "8",
                "size": "1280x720",
                "prompt": "a fox runs",
                "model": "sora-2",
                "input_reference": {"image_url": "https://us.example/i.png"},
            },
        ),
    ],
)
def test_what_a_film_is_made_from_chooses_the_call(
    inputs: list[contract.Input], path: str, body: dict[str, Any]
) -> None:
    job = contract.Job(model="sora-2", prompt="a fox runs", settings=JOB.settings, inputs=inputs)
    (asked,) = ran(make().submit(job), video()).asked
    assert (asked.url, asked.json, asked.repeatable) == (f"{BASE}/{path}", body, False)


@pytest.mark.parametrize(
    ("given_", "path", "field", "name"),
    [
        (given("first_frame", "image", data=b"x"), "videos", "input_reference", "image.png"),
        (given("base_video", data=b"x"), "videos/edits", "video", "video.mp4"),
        (given("extend", data=b"x"), "videos/extensions", "video", "video.mp4"),
    ],
)
def test_bytes_go_as_a_form(given_: contract.Input, path: str, field: str, name: str) -> None:
    (asked,) = ran(make().submit(contract.Job(model="sora-2", prompt="x", settings={}, inputs=[given_])), video()).asked
    assert asked.url == f"{BASE}/{path}"
    assert [(part.name, part.filename) for part in asked.parts if part.filename] == [(field, name)]
    assert {part.name for part in asked.parts} >= {"prompt", field}


def test_only_an_unfinished_film_is_deleted() -> None:
    there = ran(
        make().cancel(ID, {}), video("in_progress"), answer(200, {"id": ID, "deleted": True, "object": "video.deleted"})
    )
    assert ([step.method for step in there.asked], there.value.status) == (["GET", "DELETE"], "cancelled")
    there = ran(make().cancel(ID, {}), DONE)
    assert ([step.method for step in there.asked], there.value) == (["GET"], None)
    assert ran(make().cancel(ID, {}), video("queued"), answer(409, {"error": {"message": "running"}})).value is None


def test_old_films_of_openai_itself_are_gone_and_it_says_why() -> None:
    refused = ran(make(base_url=None).follow(ID, {}), NONE).refused
    assert refused.failure.code == "provider_gone"
    assert "2026-09-24" in refused.failure.detail
    assert "2026" not in ran(make().follow(ID, {}), NONE).refused.failure.detail


def test_a_report_names_the_film_and_other_events_are_none_of_ours() -> None:
    heard = make().heard(signing.standard(orjson.dumps(EVENT)), [signing.STANDARD.encode()])
    assert heard == contract.Heard(job_id=ID, delivery="msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")
    other = orjson.dumps({**EVENT, "type": "response.completed"})
    assert make().heard(signing.standard(other), [signing.STANDARD.encode()]) is None


def test_there_are_webhooks_where_their_secret_is_set() -> None:
    assert not make().hooks
    assert make(webhook_secret="whsec_a whsec_b").hooks
    assert ran(make(webhook_secret="whsec_a whsec_b").secrets()).value == [b"whsec_a", b"whsec_b"]
    assert ran(make().secrets()).value == []
