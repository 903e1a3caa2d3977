"""fal-client, with the names that are built into it."""

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Iterator

import fal_client
import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from ambrotype.simulator import media, server
from tests.simulator.sdk import conftest

FLUX = "fal-ai/flux/dev"


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def client(sim: server.Simulator) -> Iterator[fal_client.SyncClient]:
    with opened(conftest.KEY) as client:
        yield client


@contextlib.contextmanager
def opened(key: str) -> Iterator[fal_client.SyncClient]:
    client = fal_client.SyncClient(key=key)
    yield client
    client._client.close()  # it has no way of its own to end its connections


def test_a_job_goes_through_the_queue(sim: server.Simulator, client: fal_client.SyncClient) -> None:
    states = []
    result = client.subscribe(
        f"{FLUX}~queue=0.3,run=0.4",
        {"prompt": "a cat", "seed": 7, "num_images": 2},
        with_logs=True,
        on_queue_update=states.append,
    )
    kinds = [type(state) for state in states]
    assert fal_client.Queued in kinds
    assert fal_client.InProgress in kinds
    assert isinstance(states[-1], fal_client.Completed)
    assert states[-1].metrics["inference_time"] == 0.4
    assert [image["content_type"] for image in result["images"]] == ["image/jpeg"] * 2
    body = httpx.get(result["images"][0]["url"]).content
    assert body == media.picture(7)


def test_paths_drop_the_part_behind_the_app(sim: server.Simulator, client: fal_client.SyncClient) -> None:
    handle = client.submit(FLUX, {"prompt": "a cat"})
    assert handle.status_url == f"https://queue.fal.run/fal-ai/flux/requests/{handle.request_id}/status"
    again = client.get_handle(FLUX, handle.request_id)
    assert again.get()["images"]
    assert client.result(FLUX, handle.request_id)["images"]


def test_units_are_billed(sim: server.Simulator, client: fal_client.SyncClient) -> None:
    handle = client.submit(FLUX, {"prompt": "a cat", "num_images": 3})
    handle.get()
    response = httpx.get(handle.response_url, headers={"Authorization": f"Key {conftest.KEY}"})
    assert response.headers["x-fal-billable-units"] == "3"


def test_blocked_content_is_told_apart_from_a_failure(sim: server.Simulator, client: fal_client.SyncClient) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as blocked:
        client.subscribe(FLUX, {"prompt": "a cat", "simulate": "blocked"})
    assert blocked.value.status_code == 422
    assert blocked.value.error_type == "content_policy_violation"
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        client.subscribe(FLUX, {"prompt": "a cat", "simulate": "failed"})
    assert failed.value.status_code == 500
    assert failed.value.error_type == "runner_server_error"
    handle = client.submit(FLUX, {"prompt": "a cat", "simulate": "failed,run=0"})
    status = handle.status(with_logs=True)
    assert isinstance(status, fal_client.Completed)
    assert status.error


def test_a_job_is_cancelled(sim: server.Simulator, client: fal_client.SyncClient) -> None:
    handle = client.submit(FLUX, {"prompt": "a cat", "simulate": "queue=600"})
    handle.cancel()
    with pytest.raises(fal_client.FalClientHTTPError) as gone:
        handle.get()
    assert gone.value.error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError, match="ALREADY_COMPLETED"):
        handle.cancel()


def test_a_wrong_key_is_refused(sim: server.Simulator) -> None:
    with opened("wrong") as client, pytest.raises(fal_client.FalClientHTTPError) as refused:
        client.submit(FLUX, {"prompt": "a cat"})
    assert refused.value.status_code == 401


def test_sync_mode_answers_with_a_data_uri(sim: server.Simulator, client: fal_client.SyncClient) -> None:
    result = client.subscribe(FLUX, {"prompt": "a cat", "seed": 8, "sync_mode": True})
    head, _, data = result["images"][0]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data) == media.picture(8)


@pytest.mark.parametrize("repository", ["fal_v3", "fal"])
def test_a_file_is_uploaded(sim: server.Simulator, client: fal_client.SyncClient, repository: str) -> None:
    url = client.upload(b"bytes", "image/png", "a.png", repository=repository, fallback_repository=[repository])
    assert httpx.get(url).content == b"bytes"


def test_outputs_die_when_the_header_says_so(sim: server.Simulator, client: fal_client.SyncClient) -> None:
    preference = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 60})}
    short = client.submit(FLUX, {"prompt": "a cat"}, headers=preference).get()["images"][0]["url"]
    usual = client.submit(FLUX, {"prompt": "a cat"}).get()["images"][0]["url"]
    never = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": None})}
    for_ever = client.submit(FLUX, {"prompt": "a cat"}, headers=never).get()["images"][0]["url"]
    sim.travel(61)
    assert [httpx.get(url).status_code for url in (short, usual, for_ever)] == [410, 200, 200]
    sim.travel(8 * 86400)
    assert [httpx.get(url).status_code for url in (usual, for_ever)] == [410, 200]


def test_a_webhook_verifies_as_the_documents_say(
    sim: server.Simulator, client: fal_client.SyncClient, receiver: conftest.Receiver
) -> None:
    plan = "webhook=normal+forged+old"
    handle = client.submit(FLUX, {"prompt": "a cat", "simulate": plan}, webhook_url=receiver.url)
    genuine, forged, old = receiver.wait(3)
    assert verified(*genuine)
    assert not verified(*forged)
    assert not verified(*old)
    assert receiver.document()["request_id"] == handle.request_id
    assert receiver.document()["status"] == "OK"
    assert receiver.document()["payload"]["images"][0]["url"] == handle.get()["images"][0]["url"]


def verified(headers: dict[str, str], body: bytes) -> bool:
    """The steps of fal's documents: three headers and the body's digest, by any key of the published set."""
    stamp = headers["x-fal-webhook-timestamp"]
    if abs(time.time() - int(stamp)) > 300:
        return False
    parts = [headers["x-fal-webhook-request-id"], headers["x-fal-webhook-user-id"], stamp]
    message = "\n".join([*parts, hashlib.sha256(body).hexdigest()]).encode()
    for key in httpx.get("https://rest.fal.ai/.well-known/jwks.json").json()["keys"]:
        public = ed25519.Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))
        try:
            public.verify(bytes.fromhex(headers["x-fal-webhook-signature"]), message)
        except InvalidSignature:
            continue
        return True
    return False
