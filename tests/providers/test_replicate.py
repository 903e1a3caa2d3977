"""Replicate: recorded shapes of predictions, errors and webhooks."""

from typing import Any

import orjson
import pytest

from ambrotype.providers import checking, contract, replicate
from ambrotype.providers.checking import answer
from tests.providers import signing

ID = "gm3qorzdhgbfurvjtvhg6dckhu"
BASE = "https://api.replicate.com/v1"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
JOB = contract.Job(
    model="black-forest-labs/flux-schnell", prompt="a fox", settings={"num_outputs": 2}, webhook="https://us.example/h"
)
URL = "https://replicate.delivery/xezq/abc/out-0.webp"


def prediction(status: str = "starting", **more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "model": "black-forest-labs/flux-schnell",
        "version": "hidden",
        "input": {"prompt": "a fox", "seed": 7, "image": "https://us.example/in.png"},
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": status,
        "created_at": "2026-11-20T11:00:00.5Z",
        "urls": {
            "cancel": f"{BASE}/predictions/{ID}/cancel",
            "get": f"{BASE}/predictions/{ID}",
            "web": "https://replicate.com/p/x",
        },
        "webhook": "https://us.example/h",
        **more,
    }


def scene(title: str, *followed: dict[str, Any], **ends: Any) -> checking.Scene:
    replies = [[answer(200, told)] for told in followed]
    return checking.Scene(title=title, job=JOB, submitted=[answer(201, prediction())], followed=replies, **ends)


DONE = prediction(
    "succeeded",
    output=[URL, URL.replace("-0", "-1")],
    completed_at="2026-11-20T11:00:09Z",
    metrics={"predict_time": 1.5, "image_count": 2},
)
SCENES = [
    scene("two pictures", prediction("processing", logs=" 40%|████"), prediction("pondering"), DONE, outputs=2),
    scene("one film", prediction("succeeded", output="https://replicate.delivery/a/b.mp4"), outputs=1),
    scene(
        "an object",
        prediction("succeeded", output={"audio": "https://replicate.delivery/a.wav", "text": "la la"}),
        outputs=1,
    ),
    scene("text", prediction("succeeded", output=["Once", " upon"]), code="no_output", outputs=0),
    scene("failed", prediction("failed", error="CUDA out of memory"), ends="failed", code="failed"),
    scene(
        "blocked",
        prediction("failed", error="NSFW content detected. Try running it again, or try a different prompt."),
        ends="failed",
        code="blocked",
    ),
    scene(
        "blocked, in other words",
        prediction(
            "failed",
            error="The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
        ),
        ends="failed",
        code="blocked",
    ),
    scene("canceled", prediction("canceled"), ends="cancelled"),
    scene("aborted", prediction("aborted"), ends="failed", code="aborted"),
    scene("removed after an hour", prediction("succeeded", data_removed=True), code="data_removed", outputs=0),
    checking.Scene(
        title="a wrong input",
        job=JOB,
        submitted=[answer(422, {"title": "Input validation failed", "detail": "- input.size: x", "status": 422})],
        ends="failed",
        code="invalid_request",
    ),
]
REPORTS = [
    checking.Report(
        hook=signing.standard(orjson.dumps(body), extra="v1,AAAA v2,zzz "),
        secrets=[b"whsec_b3RoZXI=", signing.STANDARD.encode()],
        job_id=ID,
    )
    for body in (DONE, prediction("processing"), {"type": "predictions.completed", "data": DONE})
]


def make(**config: Any) -> replicate.Replicate:
    return replicate.Replicate(config=contract.Config(api_key=checking.KEY, **config))


def ran(conversation: contract.Conversation[Any], *replies: contract.Reply) -> Any:
    return checking.run(conversation, replies)


@pytest.mark.parametrize(
    ("model", "path", "version"),
    [
        ("a/b", "models/a/b/predictions", None),
        (f"a/b:{VERSION}", "predictions", VERSION),
        (VERSION, "predictions", VERSION),
        ("deployments/a/b", "deployments/a/b/predictions", None),
    ],
)
def test_a_model_has_four_forms(model: str, path: str, version: str | None) -> None:
    (asked,) = ran(
        make().submit(contract.Job(model=model, prompt="x", settings={"n": 1})), answer(201, prediction())
    ).asked
    assert asked.url == f"{BASE}/{path}"
    assert asked.json == {"input": {"n": 1, "prompt": "x"}, **({"version": version} if version else {})}


@pytest.mark.parametrize("model", ["flux", "a/b/c", "a/b:latest", "deployments/a", "a b/c", "../x"])
def test_other_forms_are_refused(model: str) -> None:
    assert (
        ran(make().submit(contract.Job(model=model, prompt=None, settings={}))).refused.failure.code
        == "invalid_request"
    )


def test_it_reports_what_was_asked_for() -> None:
    there = ran(make().submit(JOB), answer(201, prediction()))
    assert there.asked[0].json["webhook"] == "https://us.example/h"
    assert there.asked[0].json["webhook_events_filter"] == ["start", "output", "completed"]
    assert "webhook" not in there.value.raw


def test_measures_are_told_as_an_estimate() -> None:
    now = ran(make().follow(ID, {}), answer(200, DONE)).value
    assert now.cost == contract.Cost(units=1.5, unit="second", parts={"second": 1.5, "image": 2.0}, estimated=True)
    assert (now.seed, now.finished_at.isoformat()) == (7, "2026-11-20T11:00:09+00:00")
    assert (
        ran(make().follow(ID, {}), answer(200, prediction("processing", logs="  3%|▎\n 40%|████"))).value.progress
        == 0.4
    )


def test_its_own_files_need_its_key() -> None:
    now = ran(
        make().follow(ID, {}),
        answer(
            200,
            prediction(
                "succeeded", output=[f"{BASE}/files/x/y.png", URL, "https://api.replicate.com.evil.example/v1/files/x"]
            ),
        ),
    ).value
    assert [output.authenticated for output in now.outputs] == [True, False, False]


def test_cancelling() -> None:
    there = ran(make().cancel(ID, {}), answer(200, prediction("canceled")))
    assert (there.asked[0].method, there.asked[0].url, there.value.status) == (
        "POST",
        f"{BASE}/predictions/{ID}/cancel",
        "cancelled",
    )
    assert ran(make().cancel(ID, {}), answer(200, DONE)).value is None
    assert ran(make().cancel(ID, {}), answer(404, {"detail": "no"})).value is None
    assert ran(make().cancel(ID, {}), answer(200, prediction("processing"))).value.status == "processing"


def test_the_secret_is_the_accounts() -> None:
    there = ran(make().secrets(), answer(200, {"key": "whsec_x"}))
    assert (there.value, there.asked[0].url) == ([b"whsec_x"], f"{BASE}/webhooks/default/secret")


def test_few_bytes_go_along_and_many_are_uploaded() -> None:
    def job(size: int) -> contract.Job:
        image = contract.Input(role="image", kind="image", content_type="image/jpeg", data=b"x" * size)
        return contract.Job(model="a/b", prompt=None, settings={}, inputs=[image])

    (asked,) = ran(make().submit(job(3)), answer(201, prediction())).asked
    assert asked.json["input"] == {"image": "data:image/jpeg;base64,eHh4"}
    upload, asked = ran(
        make().submit(job(300_000)),
        answer(201, {"id": "f", "urls": {"get": f"{BASE}/files/f"}}),
        answer(201, prediction()),
    ).asked
    (part,) = upload.parts
    assert (upload.url, part.name, part.filename, len(part.data)) == (f"{BASE}/files", "content", "image.jpeg", 300_000)
    assert asked.json["input"] == {"image": f"{BASE}/files/f"}
