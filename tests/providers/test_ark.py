"""Ark: recorded shapes of Seedream images and Seedance tasks."""

import base64
from typing import Any

import orjson
import pytest

from ambrotype.providers import ark, checking, contract
from ambrotype.providers.checking import answer
from tests.providers import signing

ID = "cgt-20261120120000-abcde"
BASE = "https://ark.ap-southeast.bytepluses.com/api/v3"
TASK = f"{BASE}/contents/generations/tasks/{ID}"
JOB = contract.Job(
    model="dreamina-seedance-2-0", prompt="a fox runs", settings={"ratio": "16:9"}, webhook="https://us.example/h/token"
)
IMAGES = contract.Job(model="seedream-4-5", prompt="a fox", settings={"size": "2K"})
VIDEO = "https://ark-content.tos-ap-southeast-1.volces.com/v.mp4?X-Tos-Date=20261120T120000Z&X-Tos-Expires=86400&X-Tos-Signature=00"
IMAGE = VIDEO.replace("v.mp4", "i.jpeg")


def task(status: str, **more: Any) -> contract.Reply:
    told = {
        "id": ID,
        "model": JOB.model,
        "status": status,
        "error": None,
        "content": None,
        "created_at": 1,
        "updated_at": 1795176000,
        "seed": 11,
    }
    return answer(200, {**told, **more})


def scene(title: str, *followed: contract.Reply, **ends: Any) -> checking.Scene:
    return checking.Scene(
        title=title, job=JOB, submitted=[answer(200, {"id": ID})], followed=[[reply] for reply in followed], **ends
    )


def event(**told: Any) -> contract.Reply:
    return answer(200, told, content_type="text/event-stream")


DONE = task(
    "succeeded",
    content={"video_url": VIDEO, "last_frame_url": IMAGE},
    usage={"completion_tokens": 108900, "total_tokens": 108900},
)
END = answer(200, b"", content_type="text/event-stream")
GONE = {"code": "OutputImageSensitiveContentDetected", "message": "The output image may contain sensitive information."}
SCENES = [
    scene("a film and its last frame", task("queued"), task("running"), task("polishing"), DONE, outputs=2),
    scene(
        "failed",
        task("failed", error={"code": "InternalServiceError", "message": "oops"}),
        ends="failed",
        code="InternalServiceError",
    ),
    scene(
        "blocked",
        task("failed", error={"code": "OutputVideoSensitiveContentDetected.PolicyViolation", "message": "no"}),
        ends="failed",
        code="blocked",
    ),
    scene(
        "blocked by another guard",
        task("failed", error={"code": "InputImageRiskDetection", "message": "no"}),
        ends="failed",
        code="blocked",
    ),
    scene("cancelled", task("cancelled"), ends="cancelled"),
    scene("waited too long", task("expired"), ends="failed", code="timeout"),
    scene("a new sort of content", task("succeeded", content={"audio_url": "https://x.volces.com/a.mp3"}), outputs=1),
    scene(
        "a sort of content that is no file", task("succeeded", content={"text": "a fox"}), code="no_output", outputs=0
    ),
    scene("cleared after 24 hours is no failure", task("succeeded", content=None), code="source_expired", outputs=0),
    checking.Scene(
        title="images",
        job=IMAGES,
        submitted=[
            answer(
                200,
                {
                    "model": "m",
                    "created": 1795176000,
                    "data": [{"url": IMAGE, "size": "2048x2048"}],
                    "usage": {"generated_images": 1, "output_tokens": 16384},
                },
            )
        ],
        outputs=1,
    ),
    checking.Scene(
        title="a batch that failed in part",
        job=IMAGES,
        submitted=[
            answer(200, {"data": [{"url": IMAGE}, {"error": GONE}, {"url": VIDEO}], "usage": {"generated_images": 2}})
        ],
        outputs=2,
        code="blocked",
    ),
    checking.Scene(
        title="a batch that failed altogether",
        job=IMAGES,
        submitted=[answer(200, {"data": [{"error": {"code": "InternalServiceError", "message": "x"}}]})],
        ends="failed",
        code="InternalServiceError",
        outputs=0,
    ),
    checking.Scene(
        title="a blocked prompt",
        job=IMAGES,
        submitted=[
            answer(400, {"error": {"code": "InputTextSensitiveContentDetected", "message": "no", "type": "BadRequest"}})
        ],
        ends="failed",
        code="blocked",
    ),
]
REPORTS = [checking.Report(hook=contract.Hook(headers={}, body=DONE.body, now=signing.NOW), secrets=(), job_id=ID)]


def make(**config: Any) -> ark.Ark:
    return ark.Ark(config=contract.Config(api_key=checking.KEY, **config))


def ran(conversation: contract.Conversation[Any], *replies: contract.Reply) -> Any:
    return checking.run(conversation, replies)


def given(role: str, kind: Any = "image", url: str | None = "https://us.example/i") -> contract.Input:
    return contract.Input(role=role, kind=kind, content_type=f"{kind}/x", url=url, job_id="cgt-9")


def test_a_film_and_its_last_frame_are_told_apart() -> None:
    now = ran(make().follow(ID, {}), DONE).value
    assert [(output.kind, output.role, output.url) for output in now.outputs] == [
        ("video", "primary", VIDEO),
        ("image", "last_frame", IMAGE),
    ]
    assert now.cost == contract.Cost(units=108900, unit="token")
    assert (now.seed, now.finished_at.timestamp()) == (11, 1795176000)


def test_inputs_have_roles_of_their_own() -> None:
    inputs = [
        given("first_frame"),
        given("last_frame"),
        given("reference"),
        given("reference", "video"),
        given("voice", "audio"),
        given("base_video", "video"),
        given("draft", "video", None),
    ]
    job = contract.Job(
        model="seedance",
        prompt="p",
        settings={"content": [{"type": "text", "text": "more"}], "seed": 1},
        inputs=inputs,
        webhook="https://us.example/h/t",
    )
    (asked,) = ran(make().submit(job), answer(200, {"id": ID})).asked
    assert asked.json["callback_url"] == "https://us.example/h/t"
    assert asked.json["seed"] == 1
    assert asked.json["content"][:2] == [{"type": "text", "text": "p"}, {"type": "text", "text": "more"}]
    assert [(piece["type"], piece.get("role")) for piece in asked.json["content"][2:]] == [
        ("image_url", "first_frame"),
        ("image_url", "last_frame"),
        ("image_url", "reference_image"),
        ("video_url", "reference_video"),
        ("audio_url", "voice"),
        ("video_url", "reference_video"),
        ("draft_task", None),
    ]
    assert asked.json["content"][-1]["draft_task"] == {"id": "cgt-9"}


@pytest.mark.parametrize(("count", "role"), [(1, "first_frame"), (2, "reference_image")])
def test_a_picture_is_the_first_frame_and_several_are_references(count: int, role: str) -> None:
    job = contract.Job(
        model="seedance", prompt=None, settings={}, inputs=[given("base_image"), given("styled_image")][:count]
    )
    (asked,) = ran(make().submit(job), answer(200, {"id": ID})).asked
    assert [piece["role"] for piece in asked.json["content"]] == [role] * count


@pytest.mark.parametrize(
    ("model", "kind", "video"),
    [
        ("doubao-seedance-1-0-pro", None, True),
        ("seedream-4", None, False),
        ("ep-2026", "video", True),
        ("ep-2026", "image", False),
        ("seedance", "image", False),
    ],
)
def test_images_and_videos_are_told_apart(model: str, kind: Any, video: bool) -> None:
    reply = answer(200, {"id": ID, "data": [{"url": IMAGE}]})
    (asked,) = ran(make().submit(contract.Job(model=model, prompt="x", settings={}, kind=kind)), reply).asked
    assert asked.url.endswith("/tasks" if video else "/images/generations")


def test_what_can_not_be_told_apart_is_asked_for() -> None:
    assert (
        "give the kind"
        in ran(make().submit(contract.Job(model="ep-2026", prompt="x", settings={}))).refused.failure.detail
    )


def test_only_a_queued_task_is_cancelled() -> None:
    there = ran(make().cancel(ID, {}), task("queued"), answer(200, {}))
    assert ([step.method for step in there.asked], there.asked[1].url, there.value.status) == (
        ["GET", "DELETE"],
        TASK,
        "cancelled",
    )
    for word in ("running", "succeeded", "failed"):
        there = ran(make().cancel(ID, {}), task(word, content={"video_url": VIDEO}))
        assert ([step.method for step in there.asked], there.value) == (["GET"], None)
    assert ran(make().cancel(ID, {}), task("queued"), answer(400, {"error": {"code": "InvalidAction"}})).value is None


def test_an_unsigned_report_only_names_its_task() -> None:
    heard = make().heard(contract.Hook(headers={}, body=DONE.body, now=signing.NOW), ())
    assert heard == contract.Heard(job_id=ID, delivery=f"{ID}:succeeded")
    assert make().signs is False


def test_images_come_in_as_many_pieces_as_they_like() -> None:
    job = contract.Job(
        model="seedream-4",
        prompt="x",
        settings={"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 4}},
        partial=True,
    )
    there = ran(
        make().submit(job),
        event(type="image_generation.partial_succeeded", image_index=1, url=IMAGE, size="2048x2048"),
        event(type="image_generation.partial_succeeded", image_index=0, url=VIDEO),
        event(type="image_generation.partial_failed", image_index=2, error=GONE),
        event(
            type="image_generation.completed",
            model="m",
            created=1795176000,
            usage={"generated_images": 2, "output_tokens": 9},
        ),
        END,
    )
    assert there.asked[0].json["stream"] is True
    assert there.asked[0].events
    assert [told.progress for told in there.told] == [0.25, 0.5, 0.75, 0.75]
    now = there.value
    assert (now.status, [output.url for output in now.outputs], now.failure.code) == (
        "completed",
        [VIDEO, IMAGE],
        "blocked",
    )
    assert now.cost == contract.Cost(units=2, unit="image", parts={"image": 2, "output_token": 9})


def test_a_stream_that_ends_too_early_leaves_open_what_was_done() -> None:
    job = contract.Job(model="seedream-4", prompt="x", settings={}, partial=True)
    refused = ran(make().submit(job), event(type="image_generation.started"), END).refused
    assert (refused.failure.code, refused.unknown) == ("invalid_reply", True)
    failed = ran(
        make().submit(job), event(type="error", error={"code": "InternalServiceError", "message": "x"}), END
    ).value
    assert (failed.status, failed.failure.code, failed.failure.retryable) == ("failed", "InternalServiceError", True)


def test_base64_is_taken_too() -> None:
    coded = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(300)).decode()
    now = ran(make().submit(IMAGES), answer(200, {"created": 1, "data": [{"b64_json": coded, "size": "64x64"}]})).value
    assert (now.outputs[0].content_type, len(now.outputs[0].data), now.outputs[0].metadata) == (
        "image/jpeg",
        304,
        {"size": "64x64"},
    )
    assert coded.encode() not in orjson.dumps(now.raw)


def test_images_are_not_asked_for_twice() -> None:
    now = ran(make().submit(IMAGES), answer(200, {"data": [{"url": IMAGE}]})).value
    there = ran(make().follow(now.job_id, {}))
    assert (there.refused.failure.code, there.asked) == ("provider_gone", ())
    assert ran(make().cancel(now.job_id, {})).value is None


def test_several_inputs_are_a_list() -> None:
    for count, expected in ((1, "https://us.example/i"), (2, ["https://us.example/i"] * 2)):
        job = contract.Job(
            model="seedream-4", prompt="x", settings={}, inputs=[given("base_image"), given("reference")][:count]
        )
        assert ran(make().submit(job), answer(200, {"data": [{"url": IMAGE}]})).asked[0].json["image"] == expected
