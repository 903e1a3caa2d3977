"""WaveSpeed: recorded shapes of its wrapper, errors, webhooks and uploads."""

import base64
from typing import Any

import orjson
import pytest

from ambrotype.providers import checking, contract, wavespeed
from ambrotype.providers.checking import answer
from tests.providers import signing

ID = "e6832d4abffb4d79bfbca19783fca133"
BASE = "https://api.wavespeed.ai/api/v3"
JOB = contract.Job(
    model="wavespeed-ai/flux-dev", prompt="a fox", settings={"size": "1024*1024"}, webhook="https://us.example/h"
)
URL = "https://d1q70pf5vjeyhc.cloudfront.net/predictions/e683/1.png"


def data(status: str = "created", **more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "model": "wavespeed-ai/flux-dev",
        "outputs": [],
        "urls": {"get": f"{BASE}/predictions/{ID}/result"},
        "has_nsfw_contents": None,
        "status": status,
        "created_at": "2026-11-20T11:59:00.948268264Z",
        "error": "",
        "timings": {"inference": 0},
        **more,
    }


def wrapped(status: str = "created", **more: Any) -> contract.Reply:
    return answer(200, {"code": 200, "message": "success", "data": data(status, **more)})


def scene(title: str, *followed: contract.Reply, **ends: Any) -> checking.Scene:
    return checking.Scene(title=title, job=JOB, submitted=[wrapped()], followed=[[reply] for reply in followed], **ends)


SCENES = [
    scene(
        "a picture",
        wrapped("created"),
        wrapped("processing"),
        wrapped("dreaming"),
        wrapped("completed", outputs=[URL]),
        outputs=1,
    ),
    scene("failed", wrapped("failed", error="The GPU fell asleep."), ends="failed", code="failed"),
    scene("blocked", wrapped("failed", error="Content flagged as sensitive."), ends="failed", code="blocked"),
    scene("blocked by its flag alone", wrapped("failed", has_nsfw_contents=[True]), ends="failed", code="blocked"),
    scene("cancelled", wrapped("cancelled"), ends="cancelled"),
    scene("timeout", wrapped("timeout"), ends="failed", code="timeout"),
    scene("flagged", wrapped("completed", outputs=[URL], has_nsfw_contents=[True]), code="blocked", outputs=1),
    scene("text alone", wrapped("completed", outputs=["A fox in the snow."]), code="no_output", outputs=0),
    checking.Scene(title="done at once", job=JOB, submitted=[wrapped("completed", outputs=[URL])], outputs=1),
    checking.Scene(
        title="the synchronous wait ran out",
        job=JOB,
        submitted=[answer(200, {"code": 5004, "message": "timeout", "data": data("processing")})],
        followed=[[wrapped("completed", outputs=[URL])]],
        outputs=1,
    ),
    checking.Scene(
        title="an error with status 200",
        job=JOB,
        submitted=[answer(200, {"code": 400, "message": "bad size", "data": None})],
        ends="failed",
        code="invalid_request",
    ),
]
FLAT = data("completed", outputs=[URL], input={"prompt": "a fox"})
REPORTS = [
    checking.Report(
        hook=signing.wavespeed(orjson.dumps(body)), secrets=[b"other", b"whsec_not+base64=at_all"], job_id=ID
    )
    for body in (FLAT, data("failed", error="no"), {"code": 200, "data": FLAT})
]


def make(**config: Any) -> wavespeed.WaveSpeed:
    return wavespeed.WaveSpeed(config=contract.Config(api_key=checking.KEY, **config))


def ran(conversation: contract.Conversation[Any], *replies: contract.Reply) -> Any:
    return checking.run(conversation, replies)


def test_a_submission_asks_for_a_report_and_follows_the_url_that_it_is_told() -> None:
    there = ran(make().submit(JOB), wrapped())
    assert there.asked[0].url == f"{BASE}/wavespeed-ai/flux-dev?webhook=https%3A%2F%2Fus.example%2Fh"
    assert there.asked[0].json == {"size": "1024*1024", "prompt": "a fox"}
    assert there.value.handle == {"get": f"{BASE}/predictions/{ID}/result"}
    assert ran(make().follow(ID, {}), wrapped()).asked[0].url == f"{BASE}/predictions/{ID}/result"


def test_outputs_may_be_anything_and_each_is_looked_at() -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(400)).decode()
    outputs = [
        URL,
        "some text",
        "data:image/webp;base64," + base64.b64encode(b"RIFF....WEBPVP8 ").decode(),
        png,
        {"url": "https://x.example/a.mp4"},
        7,
    ]
    now = ran(make().follow(ID, {}), wrapped("completed", outputs=outputs)).value
    assert [(output.kind, output.url is None) for output in now.outputs] == [
        ("image", False),
        ("image", True),
        ("image", True),
        ("video", False),
    ]
    assert [output.index for output in now.outputs] == [0, 1, 2, 3]
    assert now.raw["outputs"][1] == "some text"
    assert len(orjson.dumps(now.raw)) < 3000


def test_the_end_is_reckoned_from_what_is_told() -> None:
    now = ran(make().follow(ID, {}), wrapped("completed", outputs=[URL], timings={"inference": 2000})).value
    assert now.finished_at.isoformat(timespec="seconds") == "2026-11-20T11:59:02+00:00"


def test_cancelling_deletes_an_unfinished_job_and_never_a_finished_one() -> None:
    there = ran(
        make().cancel(ID, {}),
        wrapped("processing"),
        answer(200, {"code": 200, "data": {"id": ID, "status": "deleted"}}),
    )
    assert (there.asked[1].method, there.asked[1].url) == ("DELETE", f"{BASE}/predictions/{ID}")
    assert there.value.status == "cancelled"
    done = ran(make().cancel(ID, {}), wrapped("completed", outputs=[URL]))
    assert (done.value, len(done.asked)) == (None, 1)
    assert ran(make().cancel(ID, {}), wrapped("processing"), answer(404, {"code": 404, "message": "no"})).value is None


def test_the_webhooks_secret_is_the_keys_own() -> None:
    there = ran(make().secrets(), answer(200, {"code": 200, "data": {"secret": "whsec_abc"}}))
    assert (there.value, there.asked[0].url) == ([b"whsec_abc"], f"{BASE}/webhook/secret")
    assert ran(make(webhook_secret="whsec_mine").secrets()).value == [b"whsec_mine"]


def test_the_secret_is_not_decoded_from_base64() -> None:
    hook = signing.wavespeed(orjson.dumps(FLAT), secret=signing.STANDARD)
    assert make().heard(hook, [signing.STANDARD.encode()])
    assert make().heard(signing.standard(orjson.dumps(FLAT)), [signing.STANDARD.encode()]) is None


@pytest.mark.parametrize("nested", [True, False])
def test_bytes_are_uploaded_before_the_job_is_sent(nested: bool) -> None:
    told = {
        "upload": {"method": "PUT", "url": "https://bucket.example/x?sig=1", "headers": {"Content-Type": "image/png"}},
        "download_url": "https://cdn.wavespeed.ai/x.png",
    }
    image = contract.Input(role="base_image", kind="image", content_type="image/png", data=b"abc")
    job = contract.Job(model="a/b", prompt=None, settings={}, inputs=[image])
    there = ran(
        make().submit(job), answer(200, {"code": 200, "data": told} if nested else told), answer(200, b""), wrapped()
    )
    describe, put, submit = there.asked
    assert describe.json == {"filename": "image.png", "size": 3, "content_type": "image/png"}
    assert (put.method, put.url, put.body, dict(put.headers)) == (
        "PUT",
        "https://bucket.example/x?sig=1",
        b"abc",
        {"Content-Type": "image/png"},
    )
    assert submit.json == {"image": "https://cdn.wavespeed.ai/x.png"}
    failed = ran(make().submit(job), answer(200, told), answer(500, b"")).refused
    assert (failed.again, failed.unknown) == (True, False)
