"""The checker finds what is wrong: each fault put into the example is told in a sentence that names it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from ambrotype.providers import checking, contract, example, keepable, media_out, replies
from tests.providers import test_example

Config = contract.Config


class Twice(example.Atelier):
    """Submits by a request that may be sent again."""

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        conversation = super().submit(job)
        asked = next(conversation)
        assert isinstance(asked, contract.Request)
        reply = yield dataclasses.replace(asked, repeatable=True)
        try:
            conversation.send(reply)
        except StopIteration as end:
            told: contract.Progress = end.value
        return told


class Indiscreet(example.Atelier):
    """Puts the key into the request by itself."""

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        reply = yield contract.Request(method="GET", url=f"{self._job(job_id)}?key={self.config.api_key}")
        return self._progress(job_id, self.replies.document(reply))


class Trusting(example.Atelier):
    """Takes every answer for what it should be."""

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        reply = yield contract.Request(method="GET", url=self._job(job_id))
        told = orjson.loads(reply.body)
        return contract.Progress(job_id=told["id"], status=told["state"], raw=told)


class Silent(example.Atelier):
    """Fails without a reason."""

    def _progress(self, job_id: str, told: dict[str, Any]) -> contract.Progress:
        return dataclasses.replace(super()._progress(job_id, told), failure=None)


class Talkative(example.Atelier):
    """Repeats the provider's words, the key in them included."""

    @property
    def replies(self) -> replies.Reader:
        return dataclasses.replace(super().replies, secrets=())


class Credulous(example.Atelier):
    """Believes every webhook."""

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        told = replies.mapping(contract.Reply(status=200, headers={}, body=hook.body).json())
        job_id = replies.text(told.get("id"))
        return contract.Heard(job_id=job_id, delivery=str(hook.now)) if job_id else None


class Fragile(example.Atelier):
    """Breaks on a webhook that is not as documented."""

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        told = orjson.loads(hook.body)
        return super().heard(hook, secrets) if told["id"] else None


class Eager(example.Atelier):
    """Asks for ever."""

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        while True:
            yield contract.Request(method="GET", url=self._job(job_id))


class Forgetful(example.Atelier):
    """Does not say that a job may have been taken."""

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        try:
            return (yield from super().submit(job))
        except contract.Refused as refused:
            raise contract.Refused(refused.failure, again=refused.again, after=refused.after) from None


class Clumsy(example.Atelier):
    """Sends a field as a file without a name."""

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        parts = (contract.Part(name="prompt", data=b"a fox"),)
        reply = yield contract.Request(method="POST", url=f"{self.base_url}/jobs", parts=parts, repeatable=False)
        told = self.replies.document(reply, submitting=True)
        return self._progress(str(told.get("id")), told)


class Raw(example.Atelier):
    """Keeps words that the database can't."""

    def _progress(self, job_id: str, told: dict[str, Any]) -> contract.Progress:
        return dataclasses.replace(super()._progress(job_id, told), raw={"a": "\x00", "b": 1})


class Odd(example.Atelier):
    """Has attributes that can't be."""

    pace = 0
    vendor = "api.atelier.example/"

    @property
    def retention(self) -> int | None:
        return 0


@pytest.mark.parametrize(
    ("factory", "sentences"),
    [
        (Twice, ["repeatable=False"]),
        (Indiscreet, ["holds the API key"]),
        (Trusting, ["crashes with", "returns the status 'waiting'"]),
        (Silent, ["says failed, and not why"]),
        (Talkative, ["shows the API key"]),
        (
            Credulous,
            [
                "with another body is believed",
                "without its headers is believed",
                "six minutes old is believed",
                "another delivery",
            ],
        ),
        (Eager, ["asks on after"]),
        (Fragile, ["heard, of a webhook for the job 'job_1': it crashes with"]),
        (Forgetful, ["may have been taken all the same"]),
        (Clumsy, ["neither a file", "takes that for a job"]),
        (Raw, ["NUL"]),
        (Odd, ["pace is", "base_url is", "retention is"]),
    ],
)
def test_each_fault_is_named(factory: Any, sentences: list[str]) -> None:
    report = checking.Report(
        hook=test_example.signed(orjson.dumps(test_example.DONE)),
        secrets=[test_example.SECRET.encode()],
        job_id="job_1",
    )
    scenes = test_example.SCENES
    if factory is Trusting:
        scenes = [
            dataclasses.replace(scenes[0], followed=[[checking.answer(200, {"id": "job_1", "state": "waiting"})]])
        ]
    found = checking.problems(
        lambda given: factory(config=given), scenes, reports=[report], config=test_example.config()
    )
    for sentence in sentences:
        assert any(sentence in fault for fault in found), found


def test_a_scene_that_ends_otherwise_is_told() -> None:
    scene = dataclasses.replace(test_example.SCENES[0], ends="failed", code="blocked", outputs=3)
    found = checking.problems(lambda given: example.Atelier(config=given), [scene], config=test_example.config())
    assert found == [
        "a picture: it ends as completed, not as failed.",
        "a picture: its failure's code is None, not 'blocked'.",
        "a picture: it has 1 outputs, not 3.",
    ]


def test_words_are_made_fit_for_keeping() -> None:
    picture = "data:image/png;base64," + "A" * 5000
    kept = keepable.keepable(
        {
            "a\x00": ["b\x00", 1, None, True, 2.5],
            "image": picture,
            "b64_json": "A" * 9000,
            "prompt": "p" * 3999,
            "webhook": "https://us.example/h/token",
        }
    )
    assert kept["a�"] == ["b�", 1, None, True, 2.5]
    assert kept["image"] == f"{picture[:60]}… ({len(picture)} characters)"
    assert len(kept["b64_json"]) < 100
    assert keepable.keepable({"b64_json": "A" * 300}) == {"b64_json": "A" * 60 + "… (300 characters)"}
    assert kept["prompt"] == "p" * 3999
    assert "webhook" not in kept
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert len(orjson.dumps(keepable.keepable(deep))) < 100
    assert len(keepable.keepable([[1] * 100] * 1000)) < 1000


def test_an_input_needs_a_url_or_bytes() -> None:
    given = contract.Input(role="image", kind="image", content_type="image/png")
    for form in (media_out.link, media_out.content):
        with pytest.raises(contract.Refused) as refused:
            form(given)
        assert refused.value.failure.code == "invalid_request"
    coded = dataclasses.replace(given, url="data:image/png;base64,YWJj")
    assert media_out.content(coded) == b"abc"
