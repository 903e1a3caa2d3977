"""volcengine-ark-runtime, with the name that is built into it (BytePlus's runtime is the same under another name)."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import volcenginesdkarkruntime as ark
from volcenginesdkarkruntime._exceptions import ArkAPIError, ArkAuthenticationError, ArkBadRequestError
from volcenginesdkarkruntime.types import images

from ambrotype.simulator import media, server
from tests.simulator.sdk import conftest

SEEDREAM = "doubao-seedream-4-0-250828"
SEEDANCE = "doubao-seedance-1-0-pro-250528"
TEXT = [{"type": "text", "text": "a cat"}]


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def client(sim: server.Simulator) -> Iterator[ark.Ark]:
    with ark.Ark(api_key=conftest.KEY, max_retries=0) as client:
        yield client


def test_an_image_is_made(sim: server.Simulator, client: ark.Ark) -> None:
    reply = client.images.generate(model=SEEDREAM, prompt="a cat", seed=7, size="640x480")
    assert reply.data[0].size == "640x480"
    assert reply.usage.generated_images == 1
    assert "X-Tos-Expires=86400" in reply.data[0].url
    assert httpx.get(reply.data[0].url).content == media.picture(7, width=640, height=480)
    sim.travel(86_401)
    assert httpx.get(reply.data[0].url).status_code == 403


def test_an_image_comes_as_base64(sim: server.Simulator, client: ark.Ark) -> None:
    reply = client.images.generate(model=SEEDREAM, prompt="a cat", seed=7, size="64x64", response_format="b64_json")
    assert base64.b64decode(reply.data[0].b64_json) == media.picture(7, width=64, height=64)


def test_a_batch_fails_in_part(sim: server.Simulator, client: ark.Ark) -> None:
    reply = client.images.generate(
        model=f"{SEEDREAM}~partial",
        prompt="three cats",
        size="64x64",
        sequential_image_generation="auto",
        sequential_image_generation_options=images.SequentialImageGenerationOptions(max_images=3),
    )
    assert [one.url is not None for one in reply.data] == [True, True, False]
    assert reply.data[2].error["code"] == "OutputImageSensitiveContentDetected"
    assert reply.usage.generated_images == 2


def test_a_batch_is_streamed(sim: server.Simulator, client: ark.Ark) -> None:
    series = images.SequentialImageGenerationOptions(max_images=3)

    def streamed(plan: str) -> Iterator[Any]:
        return client.images.generate(
            model=f"{SEEDREAM}~{plan}",
            prompt="three cats",
            size="64x64",
            sequential_image_generation="auto",
            sequential_image_generation_options=series,
            stream=True,
        )

    events = list(streamed("run=0.1"))
    kinds = [event.type.removeprefix("image_generation.") for event in events]
    assert kinds == [*["partial_succeeded"] * 3, "completed"]
    assert [event.image_index for event in events[:3]] == [0, 1, 2]
    assert httpx.get(events[1].url).status_code == 200
    assert events[-1].usage["generated_images"] == 3
    partial = streamed("partial")
    assert [next(partial).image_index, next(partial).image_index] == [0, 1]
    with pytest.raises(ArkAPIError, match="sensitive"):  # so the runtime tells of an event with an error
        next(partial)


def test_a_video_is_made_with_its_last_frame(sim: server.Simulator, client: ark.Ark) -> None:
    content = [*TEXT, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}, "role": "first_frame"}]
    made = client.content_generation.tasks.create(
        model=f"{SEEDANCE}~queue=10,run=10", content=content, return_last_frame=True, duration=5
    )
    states = []
    for _ in range(3):
        states.append(client.content_generation.tasks.get(task_id=made.id).status)
        sim.travel(11)
    assert states == ["queued", "running", "succeeded"]
    task = client.content_generation.tasks.get(task_id=made.id)
    assert httpx.get(task.content.video_url, timeout=60).headers["content-type"] == "video/mp4"
    assert httpx.get(task.content.last_frame_url).headers["content-type"] == "image/png"
    assert task.usage.completion_tokens > 0
    assert client.content_generation.tasks.get(task_id=made.id).content.video_url == task.content.video_url
    sim.travel(86_400)
    later = client.content_generation.tasks.get(task_id=made.id)
    assert (later.status, later.content) == ("succeeded", None)
    sim.travel(7 * 86_400)
    with pytest.raises(ArkAPIError):
        client.content_generation.tasks.get(task_id=made.id)


@pytest.mark.parametrize(
    ("plan", "status", "code"),
    [
        ("failed", "failed", "InternalServiceError"),
        ("blocked", "failed", "OutputVideoSensitiveContentDetected"),
        ("expired", "expired", None),
    ],
)
def test_failures_are_told_apart(
    sim: server.Simulator, client: ark.Ark, plan: str, status: str, code: str | None
) -> None:
    made = client.content_generation.tasks.create(model=f"{SEEDANCE}~{plan},run=0", content=TEXT)
    task = client.content_generation.tasks.get(task_id=made.id)
    assert task.status == status
    assert (task.error.code if task.error else None) == code


def test_tasks_are_listed_cancelled_and_deleted(sim: server.Simulator, client: ark.Ark) -> None:
    tasks = client.content_generation.tasks
    done = tasks.create(model=f"{SEEDANCE}~run=0", content=TEXT).id
    waiting = tasks.create(model=f"{SEEDANCE}~queue=600", content=TEXT).id
    running = tasks.create(model=f"{SEEDANCE}~run=600", content=TEXT).id
    assert [task.id for task in tasks.list().items] == [running, waiting, done]
    assert tasks.list(status="queued").items[0].id == waiting
    assert tasks.list(page_num=2, page_size=2).items[0].id == done
    tasks.delete(task_id=waiting)
    assert tasks.get(task_id=waiting).status == "cancelled"
    tasks.delete(task_id=done)
    with pytest.raises(ArkAPIError):
        tasks.get(task_id=done)
    with pytest.raises(ArkAPIError):
        tasks.delete(task_id=running)
    assert tasks.list().total == 2


def test_blocked_images_and_wrong_keys_are_refused(sim: server.Simulator, client: ark.Ark) -> None:
    with pytest.raises(ArkBadRequestError, match="sensitive"):
        client.images.generate(model=f"{SEEDREAM}~blocked", prompt="a cat")
    with ark.Ark(api_key="wrong", max_retries=0) as stranger, pytest.raises(ArkAuthenticationError):
        stranger.images.generate(model=SEEDREAM, prompt="a cat")


def test_callbacks_tell_each_change_and_may_lie(
    sim: server.Simulator, client: ark.Ark, receiver: conftest.Receiver
) -> None:
    made = client.content_generation.tasks.create(model=SEEDANCE, content=TEXT, callback_url=receiver.url)
    told = [json.loads(body) for _, body in receiver.wait(2)]
    assert [(one["id"], one["status"]) for one in told] == [(made.id, "running"), (made.id, "succeeded")]
    client.content_generation.tasks.create(
        model=f"{SEEDANCE}~failed,webhook=forged", content=TEXT, callback_url=receiver.url
    )
    lie = json.loads(receiver.wait(4)[3][1])
    assert lie["status"] == "succeeded"
    assert lie["content"]["video_url"].startswith("https://forged.invalid/")
