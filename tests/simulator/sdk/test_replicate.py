"""replicate, with the name that is built into it."""

import contextlib
import io
import json
from collections.abc import Iterator

import httpx
import pytest
import replicate
from replicate.exceptions import ModelError, ReplicateError
from replicate.helpers import FileOutput
from replicate.webhook import InvalidSignatureError, InvalidTimestampError, Webhooks

from ambrotype.simulator import media, server
from tests.simulator.sdk import conftest

MODEL = "black-forest-labs/flux-schnell"


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def client(sim: server.Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[replicate.Client]:
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.1")
    with opened(conftest.KEY) as client:
        yield client


@contextlib.contextmanager
def opened(key: str) -> Iterator[replicate.Client]:
    client = replicate.Client(api_token=key)
    yield client
    client._client.close()  # it has no way of its own to end its connections


def test_a_model_is_run_and_waited_for(sim: server.Simulator, client: replicate.Client) -> None:
    output = client.run(MODEL, input={"prompt": "a cat", "seed": 7, "num_outputs": 2, "output_format": "png"})
    assert [type(one) for one in output] == [FileOutput, FileOutput]
    assert output[0].read() == media.picture(7, format="png")


def test_a_version_is_run_and_polled_for(sim: server.Simulator, client: replicate.Client) -> None:
    output = client.run(f"{MODEL}:abc123", input={"prompt": "a cat", "simulate": "run=0.3"}, wait=False)
    assert [one.read()[:4] for one in output] == [b"RIFF"]
    prediction = client.predictions.create(version="abc123", input={"prompt": "a cat", "simulate": "queue=0.1"})
    assert prediction.status == "starting"
    prediction.wait()
    assert prediction.status == "succeeded"
    assert prediction.metrics["predict_time"] == 0.3


def test_progress_is_in_the_logs(sim: server.Simulator, client: replicate.Client) -> None:
    prediction = client.models.predictions.create(MODEL, {"prompt": "a cat", "simulate": "run=1000"})
    sim.travel(500)
    prediction.reload()
    assert prediction.status == "processing"
    assert prediction.progress is not None
    assert 0.5 <= prediction.progress.percentage < 0.6


def test_failed_and_blocked_raise_the_models_error(sim: server.Simulator, client: replicate.Client) -> None:
    with pytest.raises(ModelError, match="interrupted"):
        client.run(MODEL, input={"prompt": "a cat", "simulate": "failed"})
    with pytest.raises(ModelError, match="NSFW"):
        client.run(MODEL, input={"prompt": "a cat", "simulate": "blocked"})


def test_a_prediction_is_cancelled(sim: server.Simulator, client: replicate.Client) -> None:
    prediction = client.models.predictions.create(MODEL, {"prompt": "a cat", "simulate": "run=600"})
    prediction.cancel()
    assert prediction.status == "canceled"
    assert client.predictions.get(prediction.id).status == "canceled"


def test_data_is_removed_after_an_hour(sim: server.Simulator, client: replicate.Client) -> None:
    prediction = client.models.predictions.create(MODEL, {"prompt": "a cat"}, wait=5)
    (url,) = client.predictions.get(prediction.id).output
    sim.travel(3500)
    assert httpx.get(url).status_code == 200
    sim.travel(200)
    assert httpx.get(url).status_code == 404
    prediction.reload()
    assert prediction.status == "succeeded"
    assert prediction.output is None
    raw = httpx.get(prediction.urls["get"], headers={"Authorization": f"Bearer {conftest.KEY}"}).json()
    assert raw["data_removed"] is True


def test_predictions_are_listed(sim: server.Simulator, client: replicate.Client) -> None:
    made = [client.models.predictions.create(MODEL, {"prompt": "a cat"}).id for _ in range(3)]
    assert [one.id for one in client.predictions.list()] == made[::-1]


def test_a_file_is_uploaded_as_input(sim: server.Simulator, client: replicate.Client) -> None:
    with pytest.raises(ReplicateError):
        client.files.get("none")
    file = client.files.create(io.BytesIO(b"bytes"), filename="a.png")
    assert httpx.get(file.urls["get"]).content == b"bytes"
    assert client.files.get(file.id).name == "a.png"
    assert client.files.delete(file.id)


def test_a_wrong_key_is_refused(sim: server.Simulator) -> None:
    with opened("wrong") as client, pytest.raises(ReplicateError) as refused:
        client.predictions.list()
    assert (refused.value.status, refused.value.title) == (401, "Unauthenticated")


def test_webhooks_verify_with_the_vendors_code(
    sim: server.Simulator, client: replicate.Client, receiver: conftest.Receiver
) -> None:
    secret = client.webhooks.default.secret()
    prediction = client.models.predictions.create(
        MODEL,
        {"prompt": "a cat", "simulate": "webhook=normal+forged+old"},
        webhook=receiver.url,
        webhook_events_filter=["completed"],
    )
    genuine, forged, old = receiver.wait(3)
    check(genuine, secret)
    with pytest.raises(InvalidSignatureError):
        check(forged, secret)
    with pytest.raises(InvalidTimestampError):
        check(old, secret)
    assert receiver.document()["id"] == prediction.id
    assert receiver.document()["status"] == "succeeded"


def check(heard: tuple[dict[str, str], bytes], secret: object) -> None:
    headers, body = heard
    Webhooks.validate(headers=headers, body=body.decode(), secret=secret, tolerance=300)


def test_events_are_filtered(sim: server.Simulator, client: replicate.Client, receiver: conftest.Receiver) -> None:
    client.models.predictions.create(
        MODEL, {"prompt": "a cat"}, webhook=receiver.url, webhook_events_filter=["start", "completed"]
    )
    assert [json.loads(body)["status"] for _, body in receiver.wait(2)] == ["processing", "succeeded"]
