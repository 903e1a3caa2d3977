"""The media object: every field is always there, with the right type, and null as long as it can't be known."""

import datetime
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from ambrotype.simulator import server as simulators
from tests.api import samples
from tests.api.stack import Caller

TEXT = (str,)
TEXT_OR_NONE = (str, type(None))
FIELDS: dict[str, tuple[type, ...]] = {
    "id": TEXT, "owner": TEXT, "kind": TEXT, "status": TEXT, "source": TEXT, "enhancement": TEXT_OR_NONE,
    "url": TEXT, "access_url": TEXT, "source_url": TEXT_OR_NONE, "source_expires_at": TEXT_OR_NONE,
    "source_expiry_rule": TEXT_OR_NONE, "name": TEXT, "title": TEXT_OR_NONE, "description": TEXT_OR_NONE,
    "tags": (list,), "metadata": (dict,), "attribution": (dict, str, type(None)), "favorite": (bool,),
    "visibility": TEXT, "expires_at": TEXT_OR_NONE, "provider": TEXT_OR_NONE, "model": TEXT_OR_NONE,
    "prompt": TEXT_OR_NONE, "settings": (dict,), "request_id": TEXT_OR_NONE, "generation_id": TEXT_OR_NONE,
    "project": TEXT_OR_NONE, "slot": TEXT_OR_NONE, "version": (int, type(None)), "is_current": (bool, type(None)),
    "parents": (list,), "bucket": TEXT_OR_NONE, "path": TEXT_OR_NONE, "size": (int, type(None)),
    "content_type": TEXT_OR_NONE, "sha256": TEXT_OR_NONE, "width": (int, type(None)), "height": (int, type(None)),
    "duration": (float, int, type(None)), "thumbhash": TEXT_OR_NONE, "renditions": (dict,), "provenance": (dict,),
    "layout": TEXT, "inspection": (dict,), "trashed_until": TEXT_OR_NONE, "cost": (dict, type(None)),
    "lost": (dict, type(None)), "created_at": TEXT, "kept_at": TEXT_OR_NONE, "updated_at": TEXT,
    "deleted_at": TEXT_OR_NONE,
}  # fmt: skip
UNTIL_KEPT = ("bucket", "path", "size", "sha256", "width", "height", "duration", "thumbhash", "kept_at")
TIMES = ("source_expires_at", "expires_at", "created_at", "kept_at", "updated_at", "deleted_at", "trashed_until")


def shaped(item: Any) -> Any:
    """The item, if it has exactly the fields of the contract, each of its type."""
    assert list(item) == list(FIELDS)
    for name, types in FIELDS.items():
        assert type(item[name]) in types, (name, item[name])
    assert uuid.UUID(item["id"]).version == 7
    assert item["provenance"].keys() == {"c2pa", "digital_source_type", "generator"}
    assert item["inspection"].keys() == {"state", "detail", "facts"}
    for name in TIMES:
        assert item[name] is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", item[name])
    return item


def test_a_promised_item_has_its_urls_and_nothing_that_is_not_known_yet(me: Caller, sim: simulators.Simulator) -> None:
    url = samples.url(sim, 1, fault="status", code=503)
    item = shaped(me.keep(url).json())
    assert item["status"] == "keeping"
    assert {name: item[name] for name in UNTIL_KEPT} == dict.fromkeys(UNTIL_KEPT)
    assert item["url"].startswith(f"http://127.0.0.1:{me.port}/m/{item['id']}/")
    assert item["source_url"] == url
    assert item["source_expiry_rule"] == "s3-sigv4"
    assert (item["kind"], item["content_type"]) == ("image", "image/png")
    assert item["lost"] is None


@pytest.mark.parametrize(
    ("path", "kind", "content_type", "size", "duration"),
    [
        ("image/64x48/1.jpeg", "image", "image/jpeg", (64, 48), None),
        ("image/64x48/1.png", "image", "image/png", (64, 48), None),
        ("image/64x48/1.webp", "image", "image/webp", (64, 48), None),
        ("image/64x48/1.gif", "image", "image/gif", (64, 48), None),
        ("image/64x48/1.avif", "image", "image/avif", (64, 48), None),
        ("video/64x48-24fps-1s/1.mp4", "video", "video/mp4", (64, 48), 1.0),
        ("video/64x48-24fps-1s-slowstart/1.mp4", "video", "video/mp4", (64, 48), 1.0),
        ("audio/1s/1.mp3", "audio", "audio/mpeg", (None, None), 1.0),
        ("audio/1s/1.wav", "audio", "audio/wav", (None, None), 1.0),
    ],
)  # fmt: skip
def test_a_kept_item_says_what_its_bytes_are(
    me: Caller,
    sim: simulators.Simulator,
    path: str,
    kind: str,
    content_type: str,
    size: tuple[int | None, int | None],
    duration: float | None,
) -> None:
    item = shaped(me.kept(sim.sign(path)))
    original = samples.content(path)
    assert item["status"] == "kept"
    assert (item["kind"], item["content_type"]) == (kind, content_type)
    assert (item["width"], item["height"]) == size
    assert item["duration"] == (None if duration is None else pytest.approx(duration, abs=0.2))
    assert (item["size"], item["sha256"]) == (len(original), samples.sha256(original))
    assert item["id"] in item["path"]
    assert item["created_at"] <= item["kept_at"] <= item["updated_at"]


def test_what_the_caller_said_of_an_item_is_shown_as_it_was_said(me: Caller, sim: simulators.Simulator) -> None:
    said: dict[str, Any] = {
        "kind": "image", "source": "enhanced", "enhancement": "upscale", "name": "fox.png", "title": "Ein Fuchs 🦊",
        "description": "zweizeilig\nund länger", "tags": ["b", "a", "ä"], "metadata": {"deep": [{"é": 1.5}], "n": None},
        "attribution": {"by": "me"}, "favorite": True, "visibility": "unlisted", "expires_at": "2090-01-01T00:00:00Z",
        "provider": "fal", "model": "fal-ai/flux", "prompt": "a fox", "settings": {"seed": 7}, "request_id": "r-1",
        "layout": "default", "project": "film", "slot": "scene 1",
    }  # fmt: skip
    item = shaped(me.kept(samples.url(sim, 2), **said))
    assert {name: item[name] for name in said} == said
    assert item["version"] == 1


def test_a_wrong_guess_of_the_kind_is_put_right_by_the_bytes(me: Caller, sim: simulators.Simulator) -> None:
    guessed = me.keep(samples.url(sim, 3, fault="type", value="video/mp4"), kind="video").json()
    assert guessed["kind"] == "video"
    kept = me.settled(guessed["id"])
    assert (kept["kind"], kept["content_type"]) == ("image", "image/png")
    assert kept["url"] == guessed["url"]


def test_a_lost_item_says_why_and_whether_trying_again_can_help(me: Caller, sim: simulators.Simulator) -> None:
    item = shaped(me.kept(samples.url(sim, 4, fault="status", code=404)))
    assert item["status"] == "lost"
    assert item["lost"].keys() == {"code", "detail", "retryable"}
    assert (item["lost"]["code"], item["lost"]["retryable"]) == ("source_not_found", False)
    assert {name: item[name] for name in UNTIL_KEPT} == dict.fromkeys(UNTIL_KEPT)


def test_a_private_item_can_be_opened_by_its_access_url_alone_and_a_public_one_by_its_url(
    me: Caller, sim: simulators.Simulator
) -> None:
    private = me.kept(samples.url(sim, 5))
    public = me.kept(samples.url(sim, 6), visibility="public")
    assert private["access_url"].startswith(private["url"] + "?")
    assert public["access_url"] == public["url"]
    assert private["visibility"] == "private"


def test_an_end_that_is_in_the_url_is_read_from_it(me: Caller, sim: simulators.Simulator) -> None:
    item = me.keep(samples.url(sim, 7, ttl=600), mode="temporary").json()
    left = datetime.datetime.fromisoformat(item["source_expires_at"]) - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(seconds=500) < left <= datetime.timedelta(seconds=601)


@pytest.mark.parametrize("shown", [lambda item: item["url"], lambda item: item["name"]], ids=["url", "name"])
def test_url_and_name_never_change(me: Caller, sim: simulators.Simulator, shown: Callable[[Any], str]) -> None:
    promised = me.keep(samples.url(sim, 8), mode="temporary").json()
    saved = me.post(f"/v1/media/{promised['id']}/keep").json()
    kept = me.settled(promised["id"])
    again = me.keep(samples.url(sim, 8), name="other.png", title="other").json()
    assert {shown(promised), shown(saved), shown(kept), shown(again)} == {shown(kept)}
