"""wavespeed, with the name that is built into it."""

import hashlib
import hmac
import io
import time

import httpx
import pytest
import wavespeed

from ambrotype.simulator import media, server
from tests.simulator.sdk import conftest

MODEL = "wavespeed-ai/flux-dev"


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def client() -> wavespeed.Client:
    return wavespeed.Client(api_key=conftest.KEY, retry_interval=0.01)


def test_a_model_is_run(sim: server.Simulator, client: wavespeed.Client) -> None:
    result = client.run(MODEL, {"prompt": "a cat", "seed": 7}, poll_interval=0.05)
    assert httpx.get(result["outputs"][0]).content == media.picture(7)


def test_sync_mode_answers_at_once(sim: server.Simulator, client: wavespeed.Client) -> None:
    result = client.run(MODEL, {"prompt": "a cat"}, enable_sync_mode=True)
    assert httpx.get(result["outputs"][0]).status_code == 200
    report = sim.book.report()
    assert [job["polls"] for job in report] == [[]]


def test_sync_mode_times_out_with_the_task_going_on(
    sim: server.Simulator, client: wavespeed.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ambrotype.simulator.providers.wavespeed.SYNC", 0.1)
    told = client.run_no_throw(MODEL, {"prompt": "a cat", "simulate": "run=600"}, enable_sync_mode=True)
    assert told["status"] == "processing"
    sim.travel(601)
    assert client.get_result(told["task_id"])["data"]["status"] == "completed"


def test_failures_are_told_apart(sim: server.Simulator, client: wavespeed.Client) -> None:
    for plan, words in (("failed", "failed.*HTTP 500"), ("blocked", "sensitive"), ("expired", "timeout")):
        with pytest.raises(RuntimeError, match=words):
            client.run(MODEL, {"prompt": "a cat", "simulate": plan}, poll_interval=0.05)


def test_a_refused_poll_is_repeated_and_a_submission_is_not(sim: server.Simulator, client: wavespeed.Client) -> None:
    assert client.run(MODEL, {"prompt": "a", "simulate": "poll=429,polls=2"}, poll_interval=0.05)["outputs"]
    (job,) = sim.book.report()
    assert job["refused"] == 2
    with pytest.raises(RuntimeError, match="may already have been created"):
        client.run(MODEL, {"prompt": "b", "simulate": "submit=lost"})
    with pytest.raises(RuntimeError, match="HTTP 500"):
        client.run(MODEL, {"prompt": "c", "simulate": "submit=500"})
    assert [(one.job is not None, one.answered) for one in sim.book.submissions] == [
        (True, 200),
        (True, 0),
        (False, 500),
    ]


def test_a_wrong_key_is_refused(sim: server.Simulator) -> None:
    with pytest.raises(RuntimeError, match="HTTP 401"):
        wavespeed.Client(api_key="wrong").run(MODEL, {"prompt": "a cat"})


def test_a_file_is_uploaded(sim: server.Simulator, client: wavespeed.Client) -> None:
    file = io.BytesIO(b"bytes")
    file.name = "a.png"
    assert httpx.get(client.upload(file)).content == b"bytes"


def test_polling_again_gives_a_fresh_url(sim: server.Simulator, client: wavespeed.Client) -> None:
    url = client.run(MODEL, {"prompt": "a cat", "simulate": "ttl=60"}, enable_sync_mode=True)["outputs"][0]
    sim.travel(61)
    assert httpx.get(url).status_code == 403
    (job,) = sim.book.report()
    fresh = client.get_result(job["id"])["data"]["outputs"][0]
    assert httpx.get(fresh).status_code == 200
    sim.travel(8 * 86400)
    assert httpx.get(client.get_result(job["id"])["data"]["outputs"][0]).status_code == 403


def test_webhooks_are_signed_in_version_3(
    sim: server.Simulator, client: wavespeed.Client, receiver: conftest.Receiver
) -> None:
    """The SDK neither names a webhook nor verifies one: after the vendor's documents."""
    base, headers = "https://api.wavespeed.ai/api/v3", {"Authorization": f"Bearer {conftest.KEY}"}
    secret = httpx.get(f"{base}/webhook/secret", headers=headers).json()["data"]["secret"]
    body = {"prompt": "a cat", "simulate": "webhook=normal+forged+old"}
    made = httpx.post(f"{base}/{MODEL}", params={"webhook": receiver.url}, json=body, headers=headers).json()["data"]
    assert [verified(*heard, secret) for heard in receiver.wait(3)] == [True, False, False]
    told = receiver.document()
    assert (told["id"], told["status"], told["input"]) == (made["id"], "completed", {"prompt": "a cat"})
    assert "data" not in told


def verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    key = secret.removeprefix("whsec_").encode()
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v3," + hmac.new(key, message, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) <= 300
    return fresh and hmac.compare_digest(expected, headers["webhook-signature"])
