"""OpenAI's images: recorded shapes of answers, edits, streams and errors."""

import base64
from typing import Any

import orjson
import pytest

from ambrotype.providers import checking, contract, openai
from ambrotype.providers.checking import answer

BASE = "https://api.openai.com/v1"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
CODED = base64.b64encode(PNG).decode()
JOB = contract.Job(model="gpt-image-1", prompt="a fox", settings={"n": 2, "size": "1024x1024"})
USAGE = {
    "input_tokens": 50,
    "output_tokens": 1056,
    "total_tokens": 1106,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}
DONE = {
    "created": 1795176000,
    "data": [{"b64_json": CODED}, {"b64_json": CODED}],
    "output_format": "png",
    "usage": USAGE,
}


def scene(title: str, reply: contract.Reply, **ends: Any) -> checking.Scene:
    return checking.Scene(title=title, job=JOB, submitted=[reply], **ends)


def error(status: int, code: str | None, message: str = "no") -> contract.Reply:
    return answer(status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}})


SCENES = [
    scene("two pictures", answer(200, DONE), outputs=2),
    scene(
        "blocked",
        error(400, "moderation_blocked", "Your request was rejected by our safety system."),
        ends="failed",
        code="blocked",
    ),
    scene("blocked, as dall-e said it", error(400, "content_policy_violation"), ends="failed", code="blocked"),
    scene("a wrong size", error(400, "invalid_value"), ends="failed", code="invalid_value"),
    scene("no credit", error(429, "insufficient_quota"), ends="failed", code="quota_exceeded"),
    scene("nothing", answer(200, {"created": 1, "data": []}), ends="failed", code="no_output"),
]
REPORTS: list[checking.Report] = []


def make(**config: Any) -> openai.OpenAI:
    return openai.OpenAI(config=contract.Config(api_key=checking.KEY, **config))


def ran(conversation: contract.Conversation[Any], *replies: contract.Reply) -> Any:
    return checking.run(conversation, replies)


def event(**told: Any) -> contract.Reply:
    return answer(200, told, content_type="text/event-stream; charset=utf-8")


def test_base64_becomes_bytes_and_tokens_become_parts() -> None:
    there = ran(make().submit(JOB), answer(200, DONE))
    assert (there.asked[0].url, there.asked[0].json) == (
        f"{BASE}/images/generations",
        {"n": 2, "size": "1024x1024", "model": "gpt-image-1", "prompt": "a fox"},
    )
    now = there.value
    assert [(output.data, output.content_type, output.index) for output in now.outputs] == [
        (PNG, "image/png", 0),
        (PNG, "image/png", 1),
    ]
    parts = {"input_token": 50, "output_token": 1056, "input_text_token": 10, "input_image_token": 40}
    assert now.cost == contract.Cost(units=1106, unit="token", parts=parts)


def test_the_urls_of_old_models_live_for_an_hour() -> None:
    url = "https://oaidalleapiprodscus.blob.core.windows.net/private/a.png?sig=x"
    job = contract.Job(model="dall-e-3", prompt="a fox", settings={}, partial=True)
    there = ran(
        make().submit(job), answer(200, {"created": 1795176000, "data": [{"url": url, "revised_prompt": "a red fox"}]})
    )
    assert "stream" not in there.asked[0].json
    (output,) = there.value.outputs
    assert (output.url, output.expires_at.timestamp(), there.value.revised_prompt) == (
        url,
        1795176000 + 3600,
        "a red fox",
    )
    assert output.metadata == {"revised_prompt": "a red fox"}


def test_with_inputs_it_is_an_edit_of_bytes() -> None:
    def image(role: str) -> contract.Input:
        return contract.Input(role=role, kind="image", content_type="image/png", data=PNG)

    for roles, names in (
        (["base_image"], ["image"]),
        (["base_image", "reference", "mask"], ["image[]", "image[]", "mask"]),
    ):
        job = contract.Job(
            model="gpt-image-1",
            prompt="älter",
            settings={"n": 1, "moderation": "low"},
            inputs=[image(role) for role in roles],
        )
        (asked,) = ran(make().submit(job), answer(200, DONE)).asked
        assert asked.url == f"{BASE}/images/edits"
        fields = {part.name: part.data for part in asked.parts if part.filename is None}
        assert fields == {"n": "1", "moderation": "low", "model": "gpt-image-1", "prompt": "älter"}
        assert [(part.name, part.filename, part.content_type, part.data) for part in asked.parts if part.filename] == [
            (name, "image.png", "image/png", PNG) for name in names
        ]


def test_an_edit_without_bytes_is_refused_before_anything_is_sent() -> None:
    given = contract.Input(role="base_image", kind="image", content_type="image/png", url="https://us.example/a.png")
    there = ran(make().submit(contract.Job(model="gpt-image-1", prompt="x", settings={}, inputs=[given])))
    assert (there.refused.failure.code, there.asked) == ("invalid_request", ())
    assert make().inputs_as == "data"


def test_previews_are_progress_and_not_outputs() -> None:
    job = contract.Job(model="gpt-image-1", prompt="a fox", settings={}, partial=True)
    there = ran(
        make().submit(job),
        event(type="image_generation.partial_image", b64_json=CODED, partial_image_index=0),
        event(type="image_generation.partial_image", b64_json=CODED, partial_image_index=1),
        event(
            type="image_generation.completed", b64_json=CODED, output_format="png", created_at=1795176000, usage=USAGE
        ),
        answer(200, b"[DONE]", content_type="text/event-stream"),
    )
    assert (there.asked[0].json["stream"], there.asked[0].json["partial_images"], there.asked[0].events) == (
        True,
        2,
        True,
    )
    assert [round(told.progress, 2) for told in there.told] == [0.33, 0.67]
    assert [told.outputs for told in there.told] == [(), ()]
    assert {told.job_id for told in there.told} == {there.value.job_id}
    assert ([output.data for output in there.value.outputs], there.value.cost.units) == ([PNG], 1106)
    assert len(orjson.dumps(there.value.raw)) < 1000


def test_several_pictures_of_a_stream_add_up() -> None:
    job = contract.Job(model="gpt-image-1", prompt="a fox", settings={"stream": True, "n": 2})
    done = event(type="image_edit.completed", b64_json=CODED, usage=USAGE)
    now = ran(make().submit(job), done, done, answer(200, b"", content_type="text/event-stream")).value
    assert (len(now.outputs), now.cost.units, now.cost.parts["input_text_token"]) == (2, 2212, 20)


def test_a_stream_that_breaks_off_leaves_open_what_was_billed() -> None:
    job = contract.Job(model="gpt-image-1", prompt="a fox", settings={}, partial=True)
    partial = event(type="image_generation.partial_image", b64_json=CODED, partial_image_index=0)
    end = answer(200, b"", content_type="text/event-stream")
    assert ran(make().submit(job), partial, end).refused.unknown
    failed = ran(
        make().submit(job), partial, event(type="error", error={"code": "moderation_blocked", "message": "no"}), end
    ).value
    assert (failed.status, failed.failure.code) == ("failed", "blocked")


def test_a_server_that_does_not_stream_is_understood_as_well() -> None:
    job = contract.Job(model="gpt-image-1", prompt="a fox", settings={}, partial=True)
    assert len(ran(make().submit(job), answer(200, DONE)).value.outputs) == 2
    assert ran(make().submit(job), error(400, "moderation_blocked")).refused.failure.code == "blocked"


def test_pictures_are_not_asked_for_twice() -> None:
    now = ran(make().submit(JOB), answer(200, DONE)).value
    there = ran(make().follow(now.job_id, {}))
    assert (there.refused.failure.code, there.asked) == ("provider_gone", ())
    assert ran(make().cancel(now.job_id, {})).value is None


@pytest.mark.parametrize(
    ("model", "kind", "video"),
    [
        ("sora-2", None, True),
        ("gpt-image-2", None, False),
        ("dall-e-3", None, False),
        ("veo-3", None, True),
        ("house", "video", True),
        ("sora-2", "image", False),
    ],
)
def test_images_and_videos_are_told_apart(model: str, kind: Any, video: bool) -> None:
    (asked,) = ran(
        make().submit(contract.Job(model=model, prompt="x", settings={}, kind=kind)),
        answer(200, {**DONE, "id": "v", "status": "queued"}),
    ).asked
    assert asked.url == f"{BASE}/{'videos' if video else 'images/generations'}"
