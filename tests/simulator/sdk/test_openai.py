"""openai, with the name that is built into it."""

import base64
import io
import json
from collections.abc import Iterator

import httpx
import openai
import pytest
import standardwebhooks
from openai import types

from ambrotype.simulator import media, server
from tests.simulator.sdk import conftest

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def client(sim: server.Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=conftest.KEY, max_retries=0) as client:
        yield client


# Images


def test_gpt_images_come_as_base64(sim: server.Simulator, client: openai.OpenAI) -> None:
    reply = client.images.generate(
        model="gpt-image-1", prompt="a cat", n=2, size="1024x1024", output_format="webp", extra_body={"seed": 7}
    )
    assert reply.data is not None
    assert base64.b64decode(reply.data[0].b64_json or "") == media.picture(7, format="webp", width=1024, height=1024)
    assert len(reply.data) == 2
    assert (reply.output_format, reply.size) == ("webp", "1024x1024")
    assert reply.usage is not None
    assert reply.usage.output_tokens > 0


def test_dall_e_images_come_as_urls_for_an_hour(sim: server.Simulator, client: openai.OpenAI) -> None:
    reply = client.images.generate(model="dall-e-3", prompt="a cat")
    assert reply.data is not None
    url = reply.data[0].url or ""
    assert reply.data[0].revised_prompt
    assert httpx.get(url).status_code == 200
    sim.travel(3601)
    assert httpx.get(url).status_code == 403


def test_partial_images_are_streamed(sim: server.Simulator, client: openai.OpenAI) -> None:
    stream = client.images.generate(
        model="gpt-image-1", prompt="a cat", stream=True, partial_images=2, extra_body={"seed": 7}
    )
    events = list(stream)
    kinds = [event.type.removeprefix("image_generation.") for event in events]
    assert kinds == ["partial_image", "partial_image", "completed"]
    assert base64.b64decode(events[0].b64_json) == media.picture(7, format="png", width=256, height=256)
    assert base64.b64decode(events[2].b64_json) == media.picture(7, format="png", width=1024, height=1024)


def test_images_are_edited(sim: server.Simulator, client: openai.OpenAI) -> None:
    pictures = [("a.png", media.picture(1, format="png"), "image/png"), ("b.png", b"b", "image/png")]
    reply = client.images.edit(model="gpt-image-1", image=pictures, prompt="with a hat")
    assert reply.data is not None
    assert base64.b64decode(reply.data[0].b64_json or "").startswith(b"\x89PNG")
    (job,) = sim.book.report()
    assert [one["file"] for one in job["input"]["image"]] == ["a.png", "b.png"]
    stream = client.images.edit(model="gpt-image-1", image=pictures[0], prompt="x", stream=True, partial_images=1)
    assert [event.type for event in stream] == ["image_edit.partial_image", "image_edit.completed"]


def test_refusals_of_images_are_told_apart(sim: server.Simulator, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as blocked:
        client.images.generate(model="gpt-image-1", prompt="a cat", extra_body={"simulate": "blocked"})
    assert blocked.value.code == "moderation_blocked"
    with pytest.raises(openai.InternalServerError):
        client.images.generate(model="gpt-image-1~failed", prompt="a cat")
    with pytest.raises(openai.RateLimitError):
        client.images.generate(model="gpt-image-1", prompt="a cat", extra_headers={"X-Simulate": "submit=429"})
    with pytest.raises(openai.APIConnectionError):
        client.images.generate(model="gpt-image-1~submit=lost", prompt="a cat")
    with openai.OpenAI(api_key="wrong", max_retries=0) as stranger, pytest.raises(openai.AuthenticationError):
        stranger.images.generate(model="gpt-image-1", prompt="a cat")


# Videos


def test_a_video_is_made_and_downloaded(sim: server.Simulator, client: openai.OpenAI) -> None:
    video = client.videos.create(model="sora-2", prompt="a cat", seconds="4", size="1280x720")
    assert (video.status, video.seconds, video.size) == ("queued", "4", "1280x720") or video.status == "in_progress"
    sim.travel(1)
    video = client.videos.retrieve(video.id)
    assert (video.status, video.progress) == ("completed", 100)
    types = {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}
    for variant, type_ in types.items():
        content = client.videos.download_content(video.id, variant=variant)
        assert content.response.headers["content-type"] == type_
        assert len(content.read()) > 100
    assert httpx.get(f"https://api.openai.com/v1/videos/{video.id}/content").status_code == 401
    sim.travel(86_400)
    with pytest.raises(openai.NotFoundError):
        client.videos.download_content(video.id)


def test_a_video_begins_with_a_picture(sim: server.Simulator, client: openai.OpenAI) -> None:
    picture = ("a.png", media.picture(1, format="png"), "image/png")
    video = client.videos.create_and_poll(model="sora-2", prompt="a cat", input_reference=picture, poll_interval_ms=50)
    assert video.status == "completed"
    (job,) = sim.book.report()
    assert job["input"]["input_reference"][0]["file"] == "a.png"


def test_videos_are_remixed_edited_and_extended(sim: server.Simulator, client: openai.OpenAI) -> None:
    source = client.videos.create(model="sora-2", prompt="a cat", seconds="4")
    with pytest.raises(openai.BadRequestError):
        client.videos.remix(source.id, prompt="a dog", extra_headers={"X-Simulate": ""})
    sim.travel(1)
    remix = client.videos.remix(source.id, prompt="a dog")
    assert remix.remixed_from_video_id == source.id
    # The SDK takes only files for `video` in these two, though its types allow an id.
    body = {"prompt": "it leaves", "seconds": "8", "video": {"id": source.id}}
    edited = client.post("/videos/edits", body=body, cast_to=types.Video)
    assert edited.id != source.id
    extended = client.post("/videos/extensions", body=body, cast_to=types.Video)
    assert extended.seconds == "12"
    film = ("a.mp4", b"film", "video/mp4")
    assert client.videos.edit(prompt="at night", video=film).status in ("queued", "in_progress")


def test_videos_are_listed_and_deleted(sim: server.Simulator, client: openai.OpenAI) -> None:
    made = [client.videos.create(prompt=f"cat {number}").id for number in range(5)]
    assert [video.id for video in client.videos.list(limit=2)] == made[::-1]
    assert client.videos.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(made[0])
    assert [video.id for video in client.videos.list(order="asc")] == made[1:]


@pytest.mark.parametrize(("plan", "code"), [("failed", "internal_error"), ("blocked", "moderation_blocked")])
def test_failed_videos_say_why(sim: server.Simulator, client: openai.OpenAI, plan: str, code: str) -> None:
    video = client.videos.create_and_poll(prompt="a cat", extra_body={"simulate": plan}, poll_interval_ms=50)
    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code == code


def test_webhooks_unwrap_with_the_vendors_code(
    sim: server.Simulator, client: openai.OpenAI, receiver: conftest.Receiver
) -> None:
    endpoint = client.webhooks.create(event_types=["video.completed", "video.failed"], name="here", url=receiver.url)
    assert [one.id for one in client.webhooks.list()] == [endpoint.id]
    video = client.videos.create(prompt="a cat", extra_body={"simulate": "webhook=normal+forged+old"})
    genuine, forged, old = receiver.wait(3)
    secret = endpoint.signing_secret
    event = client.webhooks.unwrap(genuine[1], genuine[0], secret=secret)
    assert (event.type, event.data.id) == ("video.completed", video.id)
    assert standardwebhooks.Webhook(secret).verify(genuine[1], genuine[0])["data"] == {"id": video.id}
    for headers, body in (forged, old):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(body, headers, secret=secret)
    client.webhooks.delete(endpoint.id)
    assert list(client.webhooks.list()) == []


# Chat with pictures


def tagged(client: openai.OpenAI, url: str, model: str = "gpt-5-mini") -> object:
    parts = [{"type": "text", "text": "Tags as JSON."}, {"type": "image_url", "image_url": {"url": url}}]
    reply = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": parts}], response_format={"type": "json_object"}
    )
    message = reply.choices[0].message
    return message.refusal or json.loads(message.content or "")["tags"]


def data_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def test_a_picture_gets_tags_of_what_is_in_it(sim: server.Simulator, client: openai.OpenAI) -> None:
    wide = data_uri(media.picture(7, format="png", width=300, height=100))
    tags = tagged(client, wide)
    assert isinstance(tags, list)
    assert tags[0] == "landscape"
    assert len(tags) >= 3
    url = f"{sim.url.replace('https', 'http')}/x"
    with pytest.raises(openai.BadRequestError) as unreachable:
        tagged(client, url)
    assert unreachable.value.code == "invalid_image_url"


@pytest.mark.parametrize(
    "wrong",
    [
        data_uri(b"no picture"),
        data_uri(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "image/svg+xml"),
        data_uri(media.picture(7, format="png")[:100]),
        "data:image/png;base64,%%%",
        "data:image/png,raw",
    ],
)
def test_what_is_no_picture_is_refused(sim: server.Simulator, client: openai.OpenAI, wrong: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        tagged(client, wrong)
    assert refused.value.code == "invalid_image_format"


def test_a_blocked_picture_is_a_refusal(sim: server.Simulator, client: openai.OpenAI) -> None:
    picture = data_uri(media.picture(7, format="png"))
    assert tagged(client, picture, "gpt-5-mini~blocked") == "I'm sorry, I can't assist with that."
    with pytest.raises(openai.InternalServerError):
        tagged(client, picture, "gpt-5-mini~failed")


def test_a_file_object_is_a_picture_too(sim: server.Simulator, client: openai.OpenAI) -> None:
    file = io.BytesIO(media.picture(1, format="png"))
    file.name = "a.png"
    reply = client.images.edit(model="gpt-image-1", image=file, prompt="with a hat")
    assert reply.data
