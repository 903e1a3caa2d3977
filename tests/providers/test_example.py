"""The manual's adapter, checked as a third party checks theirs."""

import base64
import datetime
import hashlib
import hmac

import orjson

from ambrotype.providers import checking, contract, example

SECRET = "whsec_" + base64.b64encode(b"a secret of Atelier's").decode()
NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
JOB = contract.Job(model="oils-2", prompt="a fox", settings={"size": "large"})
STARTED = {"id": "job_1", "state": "waiting"}
DONE = {
    "id": "job_1",
    "state": "done",
    "pictures": [{"url": "https://files.atelier.example/1.png", "dies_at": "2026-11-20T18:00:00Z"}],
    "charged": {"pictures": 1},
}


def config(secret: str | None = SECRET) -> contract.Config:
    return contract.Config(api_key=checking.KEY, webhook_secret=secret)


SCENES = [
    checking.Scene(
        title="a picture",
        job=JOB,
        submitted=[checking.answer(201, STARTED)],
        followed=[
            [checking.answer(200, {"id": "job_1", "state": "drawing", "share": 0.5})],
            [checking.answer(200, {"id": "job_1", "state": "varnishing"})],
            [checking.answer(200, DONE)],
        ],
        outputs=1,
    ),
    checking.Scene(
        title="against the rules",
        job=JOB,
        submitted=[checking.answer(201, STARTED)],
        followed=[
            [
                checking.answer(
                    200,
                    {
                        "id": "job_1",
                        "state": "broken",
                        "why": {"code": "content_policy_violation", "message": "No foxes."},
                    },
                )
            ]
        ],
        ends="failed",
        code="blocked",
    ),
    checking.Scene(
        title="a wrong size",
        job=JOB,
        submitted=[checking.answer(422, {"why": "x", "error": {"code": "bad_size", "message": "too large"}})],
        ends="failed",
        code="bad_size",
    ),
]


def signed(body: bytes) -> contract.Hook:
    moment = str(int(NOW.timestamp()))
    digest = hmac.new(b"a secret of Atelier's", b".".join((b"msg_1", moment.encode(), body)), hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return contract.Hook(headers=headers, body=body, now=NOW)


def test_it_keeps_the_contract() -> None:
    report = checking.Report(hook=signed(orjson.dumps(DONE)), secrets=[SECRET.encode()], job_id="job_1")
    assert (
        checking.problems(lambda given: example.Atelier(config=given), SCENES, reports=[report], config=config()) == []
    )


def test_its_words_become_ours() -> None:
    atelier = example.Atelier(config=config())
    now = checking.run(atelier.follow("job_1", {}), [checking.answer(200, DONE)]).value
    assert now.outputs[0].expires_at == datetime.datetime(2026, 11, 20, 18, tzinfo=datetime.UTC)
    assert now.cost == contract.Cost(units=1, unit="image")


def test_without_a_secret_it_has_no_webhooks() -> None:
    assert example.Atelier(config=config()).hooks
    assert not example.Atelier(config=config(None)).hooks


def test_a_finished_job_is_not_cancelled() -> None:
    atelier = example.Atelier(config=config())
    assert checking.run(atelier.cancel("job_1", {}), [checking.answer(409, {})]).value is None
    stopped = checking.run(atelier.cancel("job_1", {}), [checking.answer(200, {"id": "job_1", "state": "stopped"})])
    assert stopped.value.status == "cancelled"
