"""fal.ai: recorded shapes of its queue, results, errors and webhooks."""

import base64
from typing import Any

import orjson
import pytest

from ambrotype.providers import checking, contract, fal
from ambrotype.providers.checking import answer
from tests.providers import signing

ID = "024ca5b1-45d3-4afd-883e-ad3abe2a1c4d"
PLACE = f"https://queue.fal.run/fal-ai/flux/requests/{ID}"
SUBMITTED = {
    "request_id": ID,
    "gateway_request_id": "gateway-1",
    "response_url": PLACE,
    "status_url": f"{PLACE}/status",
    "cancel_url": f"{PLACE}/cancel",
}
JOB = contract.Job(
    model="fal-ai/flux/dev", prompt="a fox", settings={"num_images": 2}, webhook="https://us.example/v1/hook?x=1&y=2"
)
FILE = {"content_type": "image/png", "file_name": "a.png", "file_size": 7, "width": 64, "height": 32}
RESULT = {
    "images": [
        {"url": "https://v3.fal.media/files/a/a.png", **FILE},
        {"url": "https://v3.fal.media/files/b/b.png", **FILE},
    ],
    "seed": 196619188014358660,
    "prompt": "a fox, see https://example.com/fox.png",
    "timings": {"inference": 1.5},
    "has_nsfw_concepts": [False, False],
}
DONE = {"status": "COMPLETED", "logs": [], "metrics": {"inference_time": 1.5}}
VIOLATION = {
    "detail": [
        {"loc": ["body", "prompt"], "msg": "The content could not be processed.", "type": "content_policy_violation"}
    ]
}


def scene(title: str, *followed: list[contract.Reply], **ends: Any) -> checking.Scene:
    return checking.Scene(title=title, job=JOB, submitted=[answer(200, SUBMITTED)], followed=followed, **ends)


SCENES = [
    scene(
        "two pictures",
        [answer(202, {"status": "IN_QUEUE", "queue_position": 3})],
        [answer(202, {"status": "IN_PROGRESS", "logs": [{"message": "step 1"}]})],
        [answer(202, {"status": "IN_THE_STARS"})],
        [answer(200, DONE), answer(200, RESULT, x_fal_billable_units="2.0")],
        outputs=2,
    ),
    scene(
        "a runner's failure",
        [
            answer(200, {**DONE, "error": "Runner disconnected", "error_type": "runner_disconnected"}),
            answer(503, {"detail": "Runner disconnected", "error_type": "runner_disconnected"}),
        ],
        ends="failed",
        code="runner_disconnected",
    ),
    scene("blocked", [answer(200, DONE), answer(422, VIOLATION)], ends="failed", code="blocked"),
    scene(
        "blocked, told by the status too",
        [answer(200, {**DONE, "error": "Unprocessable"}), answer(422, VIOLATION)],
        ends="failed",
        code="blocked",
    ),
    scene(
        "completed with an error is a failure, whatever the result says",
        [answer(200, {**DONE, "error": "Bad luck"}), answer(200, RESULT)],
        ends="failed",
        code="failed",
        outputs=0,
    ),
    scene(
        "cancelled",
        [
            answer(200, {**DONE, "error": "Cancelled", "error_type": "client_cancelled"}),
            answer(499, {"detail": "Cancelled", "error_type": "client_cancelled"}),
        ],
        ends="cancelled",
        code="client_cancelled",
    ),
    scene(
        "flagged pictures are kept, and told",
        [answer(200, DONE), answer(200, {**RESULT, "has_nsfw_concepts": [True, False]})],
        code="blocked",
        outputs=2,
    ),
    scene(
        "the payload is gone after 30 days", [answer(200, DONE), answer(404, {"detail": "gone"})], code="data_removed"
    ),
    scene(
        "a model of three dimensions",
        [
            answer(200, DONE),
            answer(
                200, {"model_glb": {"url": "https://v3.fal.media/files/m.glb", "content_type": "model/gltf-binary"}}
            ),
        ],
        code="unsupported_type",
        outputs=0,
    ),
    checking.Scene(
        title="a missing field",
        job=JOB,
        submitted=[answer(422, {"detail": [{"loc": ["body", "prompt"], "msg": "field required", "type": "missing"}]})],
        ends="failed",
        code="missing",
    ),
]
OK = {"request_id": ID, "gateway_request_id": "g", "status": "OK", "payload": RESULT, "error": None}
ERROR = {"request_id": ID, "status": "ERROR", "error": "Unprocessable", "payload": VIOLATION}
REPORTS = [
    checking.Report(hook=signing.fal(orjson.dumps(body)), secrets=[b"x" * 32, signing.FAL_PUBLIC], job_id=ID)
    for body in (OK, ERROR)
]


def make(**config: Any) -> fal.Fal:
    return fal.Fal(config=contract.Config(api_key=checking.KEY, **config))


def ran(conversation: contract.Conversation[Any], *replies: contract.Reply) -> Any:
    return checking.run(conversation, replies)


def test_a_submission_names_the_webhook_and_keeps_the_urls_of_its_reply() -> None:
    there = ran(make().submit(JOB), answer(200, SUBMITTED))
    (asked,) = there.asked
    assert (
        asked.url
        == "https://queue.fal.run/fal-ai/flux/dev?fal_webhook=https%3A%2F%2Fus.example%2Fv1%2Fhook%3Fx%3D1%26y%3D2"
    )
    assert asked.json == {"num_images": 2, "prompt": "a fox"}
    assert there.value.job_id == ID
    odd = {
        "model": "fal-ai/flux",
        "status": "https://queue.fal.run/other/status",
        "response": "https://queue.fal.run/other",
    }
    assert [step.url for step in ran(make().follow(ID, odd), answer(200, DONE), answer(200, RESULT)).asked] == [
        "https://queue.fal.run/other/status",
        "https://queue.fal.run/other",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/status",
        "http://queue.fal.run/status",
        "https://queue.fal.run:8443/status",
        "https://queue.fal.run@evil.example/",
        "https://user@queue.fal.run/status",
        "https://queue.fal.run.evil.example/",
        "//queue.fal.run/x",
        7,
    ],
)
def test_urls_of_another_origin_are_not_asked(url: object) -> None:
    handle = ran(make().submit(JOB), answer(200, {**SUBMITTED, "status_url": url})).value.handle
    asked = ran(make().follow(ID, {**handle, "response": url}), answer(200, DONE), answer(200, RESULT)).asked
    assert [step.url for step in asked] == [f"{PLACE}/status", PLACE]


@pytest.mark.parametrize(
    ("model", "app"),
    [
        ("fal-ai/flux/dev/image-to-image", "fal-ai/flux"),
        ("workflows/somebody/mine/x", "workflows/somebody/mine"),
        ("comfy/somebody/mine", "comfy/somebody/mine"),
    ],
)
def test_requests_are_found_below_the_app_alone(model: str, app: str) -> None:
    handle = ran(
        make().submit(contract.Job(model=model, prompt=None, settings={})), answer(200, {"request_id": ID})
    ).value.handle
    (asked,) = ran(make().follow(ID, handle), answer(200, {"status": "IN_QUEUE"})).asked
    assert asked.url == f"https://queue.fal.run/{app}/requests/{ID}/status"


def test_a_job_of_somebody_else_is_found_by_its_whole_name() -> None:
    (asked,) = ran(make().follow(f"fal-ai/flux/requests/{ID}", {}), answer(200, {"status": "IN_QUEUE"})).asked
    assert asked.url == f"{PLACE}/status"
    refused = ran(make().follow(ID, {})).refused
    assert refused.failure.code == "invalid_request"
    assert "owner/app/requests/" in refused.failure.detail


@pytest.mark.parametrize(
    "model", ["flux", "../../admin/x", "a/b?x=1", "a/b#c", "a//b", "a/b c", "/", "", "a/../b", "a/%2e%2e"]
)
def test_a_model_that_leads_elsewhere_is_refused_before_anything_is_asked(model: str) -> None:
    there = ran(make().submit(contract.Job(model=model, prompt=None, settings={})))
    assert there.refused
    assert there.asked == ()


def test_what_was_billed_stands_in_a_header() -> None:
    now = ran(
        make().follow(ID, {"model": "fal-ai/flux"}), answer(200, DONE), answer(200, RESULT, x_fal_billable_units="1.05")
    ).value
    assert now.cost == contract.Cost(units=1.05)
    assert now.seed == 196619188014358660
    assert [output.url for output in now.outputs] == [image["url"] for image in RESULT["images"]]  # type: ignore[index]
    assert now.outputs[0].metadata == {"width": 64, "height": 32, "file_size": 7}


def test_a_result_in_sync_mode_is_bytes() -> None:
    coded = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 9).decode()
    now = ran(
        make().follow(ID, {"model": "a/b"}),
        answer(200, DONE),
        answer(200, {"images": [{"url": coded, "content_type": "image/png"}]}),
    ).value
    (output,) = now.outputs
    assert output.data == b"\x89PNG\r\n\x1a\n" + b"x" * 9
    assert (output.kind, output.content_type, output.url) == ("image", "image/png", None)


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ({"video": {"url": "https://v3.fal.media/v.mp4", "content_type": "video/mp4"}}, [("video", "primary")]),
        ({"audio_file": {"url": "https://v3.fal.media/a.wav", "file_name": "a.wav"}}, [("audio", "primary")]),
        (
            {"image": {"url": "https://v3.fal.media/i"}, "mask": {"url": "https://v3.fal.media/m.png"}},
            [(None, "primary"), ("image", "mask")],
        ),
        ({"output": ["https://v3.fal.media/1.webp", "https://v3.fal.media/1.webp"]}, [("image", "primary")]),
        (
            {"a": {"b": [{"c": {"url": "https://x.example/d.jpeg", "content_type": "image/jpeg"}}]}},
            [("image", "primary")],
        ),
        ({"images": [{"url": "ftp://x/y.png", "content_type": "image/png"}], "text": "https://a b.png"}, []),
    ],
)
def test_outputs_are_found_wherever_they_stand(result: dict[str, Any], found: list[tuple[str | None, str]]) -> None:
    now = ran(make().follow(ID, {"model": "a/b"}), answer(200, DONE), answer(200, result)).value
    assert [(output.kind, output.role) for output in now.outputs] == found
    assert (now.failure is None) == bool(found)


@pytest.mark.parametrize(
    ("roles", "parameters"),
    [
        (["base_image"], {"image_url": "u0"}),
        (["base_image", "reference"], {"image_urls": ["u0", "u1"]}),
        (["first_frame"], {"image_url": "u0"}),
        (["first_frame", "last_frame"], {"start_image_url": "u0", "end_image_url": "u1"}),
        (["image", "mask"], {"image_url": "u0", "mask_url": "u1"}),
        (["tail_image_url"], {"tail_image_url": "u0"}),
    ],
)
def test_roles_become_parameters(roles: list[str], parameters: dict[str, Any]) -> None:
    inputs = [
        contract.Input(role=role, kind="image", content_type="image/png", url=f"u{at}") for at, role in enumerate(roles)
    ]
    job = contract.Job(model="a/b", prompt=None, settings={}, inputs=inputs)
    (asked,) = ran(make().submit(job), answer(200, SUBMITTED)).asked
    assert asked.json == parameters


def test_what_the_settings_hold_stays_and_bytes_become_a_data_uri() -> None:
    image = contract.Input(role="image", kind="image", content_type="image/png", data=b"abc")
    (asked,) = ran(
        make().submit(contract.Job(model="a/b", prompt=None, settings={"image_url": "mine"}, inputs=[image])),
        answer(200, SUBMITTED),
    ).asked
    assert asked.json == {"image_url": "mine"}
    (asked,) = ran(
        make().submit(contract.Job(model="a/b", prompt=None, settings={}, inputs=[image])), answer(200, SUBMITTED)
    ).asked
    assert asked.json == {"image_url": "data:image/png;base64,YWJj"}


@pytest.mark.parametrize(
    ("status", "word", "becomes"),
    [
        (200, "OK", "cancelled"),
        (202, "CANCELLATION_REQUESTED", "processing"),
        (400, "ALREADY_COMPLETED", None),
        (404, "NOT_FOUND", None),
    ],
)
def test_cancelling(status: int, word: str, becomes: str | None) -> None:
    there = ran(make().cancel(ID, {"model": "fal-ai/flux"}), answer(status, {"status": word}))
    assert (there.asked[0].method, there.asked[0].url) == ("PUT", f"{PLACE}/cancel")
    assert (there.value and there.value.status) == becomes


def test_a_webhook_is_believed() -> None:
    heard = make().heard(signing.fal(orjson.dumps(OK)), [signing.FAL_PUBLIC])
    assert heard
    assert heard.progress
    assert (heard.job_id, len(heard.progress.outputs)) == (ID, 2)
    failed = make().heard(signing.fal(orjson.dumps(ERROR)), [signing.FAL_PUBLIC])
    assert failed
    assert failed.progress
    assert failed.progress.failure
    assert (failed.progress.status, failed.progress.failure.code) == ("failed", "blocked")


def test_a_webhook_without_a_payload_is_a_reason_to_ask() -> None:
    body = {"request_id": ID, "status": "OK", "payload": None, "payload_error": "not serializable"}
    heard = make().heard(signing.fal(orjson.dumps(body)), [signing.FAL_PUBLIC])
    assert heard == contract.Heard(job_id=ID, delivery=f"{ID}:OK")


def key_set(*keys: bytes) -> contract.Reply:
    entries = [
        {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(key).decode().rstrip("=")} for key in keys
    ]
    return answer(
        200, {"keys": [{"kty": "RSA", "n": "x"}, *entries, {"kty": "OKP", "crv": "Ed25519", "x": "short"}, 7]}
    )


def test_keys_come_from_fal_or_from_the_gateway_before_it() -> None:
    there = ran(make().secrets(), key_set(signing.FAL_PUBLIC, b"k" * 32))
    assert there.value == [signing.FAL_PUBLIC, b"k" * 32]
    assert there.asked[0].url == "https://rest.fal.ai/.well-known/jwks.json"
    own = make(base_url="http://127.0.0.1:8585/fal/")
    there = ran(own.secrets(), answer(404, {}), key_set(signing.FAL_PUBLIC))
    assert [step.url for step in there.asked] == [
        "http://127.0.0.1:8585/fal/.well-known/jwks.json",
        "https://rest.fal.ai/.well-known/jwks.json",
    ]
    assert ran(make().secrets(), answer(503, {})).refused.again
    pinned = base64.urlsafe_b64encode(signing.FAL_PUBLIC).decode()
    assert ran(make(webhook_secret=pinned).secrets()).value == [signing.FAL_PUBLIC]
