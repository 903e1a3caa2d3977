"""Every built-in adapter keeps the contract: its recorded scenes, odd replies, forged reports, arbitrary JSON."""

import dataclasses
import string
from collections.abc import Iterator
from typing import Any

import hypothesis
import orjson
import pytest
from hypothesis import strategies

from ambrotype import providers
from ambrotype.providers import checking, contract
from tests.providers import (
    signing,
    test_ark,
    test_fal,
    test_openai_images,
    test_openai_videos,
    test_replicate,
    test_wavespeed,
)

SUITES = {
    "fal": [test_fal],
    "openai": [test_openai_images, test_openai_videos],
    "wavespeed": [test_wavespeed],
    "ark": [test_ark],
    "replicate": [test_replicate],
}
WORDS = (
    "id",
    "request_id",
    "status",
    "data",
    "output",
    "outputs",
    "images",
    "url",
    "error",
    "detail",
    "code",
    "message",
    "content",
    "video_url",
    "usage",
    "logs",
    "metrics",
    "progress",
    "urls",
    "get",
    "type",
    "b64_json",
    "payload",
    "completed",
    "COMPLETED",
    "succeeded",
    "failed",
    "ERROR",
    "OK",
    "https://a.example/b.png",
    "data:image/png;base64,AAAA",
    "error_type",
    "a\x00b",
    "has_nsfw_concepts",
    "has_nsfw_contents",
    "created",
    "expires_at",
    "data_removed",
    "input",
    "seed",
)
texts = strategies.sampled_from(WORDS) | strategies.text(max_size=12)
values = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers(-(2**63), 2**64 - 1)
    | strategies.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: strategies.lists(inner, max_size=4) | strategies.dictionaries(texts, inner, max_size=6),
    max_leaves=25,
)
objects = strategies.dictionaries(texts, values, max_size=10)
answers = strategies.builds(
    lambda status, body, headers: contract.Reply(status=status, headers=headers, body=body),
    strategies.sampled_from([200, 200, 200, 200, 201, 202, 204, 302, 400, 401, 404, 409, 422, 429, 500, 503]),
    objects.map(orjson.dumps) | values.map(orjson.dumps) | strategies.binary(max_size=40),
    strategies.fixed_dictionaries(
        {},
        optional={
            "content-type": strategies.sampled_from(["application/json", "text/event-stream", "video/mp4", ""]),
            "retry-after": strategies.text(string.printable, max_size=8),
            "x-fal-billable-units": strategies.text(string.printable, max_size=8),
            "x-request-id": strategies.text(string.printable, max_size=8),
        },
    ),
)


def configured(name: str) -> contract.Provider:
    return providers.make(name, contract.Config(api_key=checking.KEY, webhook_secret=signing.STANDARD))


@pytest.mark.parametrize("name", sorted(SUITES))
def test_it_keeps_the_contract(name: str) -> None:
    for suite in SUITES[name]:
        assert checking.problems(providers.BUILT_IN[name], suite.SCENES, reports=suite.REPORTS) == []


def test_every_built_in_adapter_is_checked() -> None:
    assert set(SUITES) == set(providers.BUILT_IN)


def jobs() -> Iterator[contract.Job]:
    for suites in SUITES.values():
        for suite in suites:
            yield suite.JOB


@pytest.mark.parametrize("name", sorted(SUITES))
@hypothesis.given(replies=strategies.lists(answers, min_size=1, max_size=6), data=strategies.data())
@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
def test_whatever_is_answered_an_adapter_refuses_or_returns(
    name: str, replies: list[contract.Reply], data: Any
) -> None:
    provider = configured(name)
    job = dataclasses.replace(SUITES[name][-1].JOB, partial=data.draw(strategies.booleans()))
    endless = [*replies, *[replies[-1]] * 60, *[contract.Reply(status=200, headers={}, body=b"")] * 3]
    handle = data.draw(strategies.sampled_from([{}, {"model": "a/b"}, {"model": 7, "get": [], "status": "x"}]))
    for conversation in (
        provider.submit(job),
        provider.follow("job-1", handle),
        provider.cancel("job-1", handle),
        provider.secrets(),
    ):
        ran = checking.run(conversation, endless)
        if isinstance(ran.value, contract.Progress):
            orjson.dumps(ran.value.raw)
            orjson.dumps(dict(ran.value.handle))
            assert ran.value.job_id.isprintable()
            assert not [
                output for output in ran.value.outputs if "\x00" in f"{output.name}{output.content_type}{output.url}"
            ]
            assert "\x00" not in (ran.value.failure.detail if ran.value.failure else "")


@pytest.mark.parametrize("name", sorted(SUITES))
@hypothesis.given(body=objects.map(orjson.dumps) | values.map(orjson.dumps) | strategies.binary(max_size=60))
@hypothesis.settings(max_examples=40, deadline=None)
def test_whatever_is_reported_an_adapter_hears_or_not(name: str, body: bytes) -> None:
    provider = configured(name)
    for hook in (signing.standard(body), signing.wavespeed(body), signing.fal(body)):
        heard = provider.heard(hook, [signing.STANDARD.encode(), b"whsec_not+base64=at_all", signing.FAL_PUBLIC])
        assert heard is None or (heard.job_id.isprintable() and heard.delivery.isprintable())


@pytest.mark.parametrize("name", sorted(SUITES))
@pytest.mark.parametrize(
    "key", ["error", "detail", "usage", "data", "output", "outputs", "payload", "status", "content", "urls"]
)
@pytest.mark.parametrize("opening", [b'{"error":', b"[", b'{"detail":[{"loc":', b'{"usage":{"url":'])
def test_no_answer_is_too_deep(name: str, key: str, opening: bytes) -> None:
    inner = opening * (1000 // (opening.count(b"{") + opening.count(b"[")))
    closing = inner.translate(bytes.maketrans(b"{[", b"}]"), b'"abcdefghijklmnopqrstuvwxyz:')[::-1]
    members = b'"status":"failed","id":"1","type":"x.completed","code":400,'
    body = b"{" + members + b'"' + key.encode() + b'":' + inner + b"1" + closing + b"}"
    provider = configured(name)
    for status in (200, 400):
        for kind in ("application/json", "text/event-stream"):
            reply = contract.Reply(status=status, headers={"content-type": kind}, body=body)
            assert reply.json() is not None
            replies = [reply] * 4 + [contract.Reply(status=200, headers={"content-type": kind}, body=b"")] * 60
            job = dataclasses.replace(SUITES[name][0].JOB, partial=True)
            for conversation in (
                provider.submit(job),
                provider.follow("job-1", {"model": "a/b"}),
                provider.cancel("job-1", {}),
            ):
                ran = checking.run(conversation, replies)
                assert ran.refused or ran.value is None or orjson.dumps(ran.value.raw)


def test_deep_answers_are_read_to_a_bounded_depth() -> None:
    deep = b'{"status":"succeeded","id":"1","output":' + b'{"a":' * 900 + b'"https://x.example/y.png"' + b"}" * 901
    now = checking.run(
        configured("replicate").follow("1", {}), [contract.Reply(status=200, headers={}, body=deep)]
    ).value
    assert now.outputs == ()
    orjson.dumps(now.raw)


def test_neither_key_nor_signed_urls_are_shown() -> None:
    words = (
        f"Could not fetch https://us.example/m/1/a.png?exp=1&kid=2&sig=0123456789abcdef0123456789 with {checking.KEY}"
    )
    for status in (400, 403, 404, 409, 422, 500):
        reply = checking.answer(status, {"error": {"code": checking.KEY, "message": words}})
        for name in SUITES:
            refused = checking.run(configured(name).follow("job-1", {"model": "a/b"}), [reply]).refused
            assert refused
            shown = repr((refused.failure, refused.args))
            assert checking.KEY not in shown
            assert "0123456789abcdef" not in shown


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": "x"}, "unauthenticated"),
        (402, {"detail": "pay"}, "quota_exceeded"),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, "quota_exceeded"),
        (403, {"error": {"code": "AccountOverdueError", "message": "overdue balance"}}, "quota_exceeded"),
        (403, {"detail": "no"}, "forbidden"),
        (404, {"detail": "no"}, "provider_gone"),
        (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}, "quota_exceeded"),
        (429, None, "rate_limited"),
        (503, None, "unavailable"),
        (504, None, "timeout"),
        (529, None, "unavailable"),
        (302, None, "invalid_reply"),
        (418, None, "invalid_request"),
    ],
)
def test_statuses_have_one_meaning(status: int, body: Any, code: str) -> None:
    for name in SUITES:
        refused = checking.run(
            configured(name).follow("job-1", {"model": "a/b"}), [checking.answer(status, body)]
        ).refused
        assert refused
        assert (name, refused.failure.code) == (name, code)
        assert refused.again == (code in ("rate_limited", "unavailable", "timeout"))
        assert refused.failure.detail[-1] in ".:…" or body


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 30 ", 30.0),
        ("999999999", 86400.0),
        ("soon", None),
        ("-1", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_heard(header: str, seconds: float | None) -> None:
    refused = checking.run(
        configured("fal").follow("1", {"model": "a/b"}), [checking.answer(429, None, retry_after=header)]
    ).refused
    assert refused
    assert (refused.again, refused.after) == (True, seconds)


def test_ids_that_lead_elsewhere_are_refused_before_anything_is_asked() -> None:
    for name in SUITES:
        for job_id in ("", ".", "..", "a\nb", "x" * 400):
            ran = checking.run(configured(name).follow(job_id, {"model": "a/b"}), [])
            assert ran.refused
            assert ran.asked == ()
        (asked,) = checking.run(
            configured(name).follow("a/../b?c#d", {"model": "e/f"}), [checking.answer(404, {})]
        ).asked
        assert "a%2F..%2Fb%3Fc%23d" in asked.url


def test_a_base_url_is_a_prefix_and_a_bare_origin_gets_the_vendors_path() -> None:
    for name, path in {"fal": "", "openai": "", "wavespeed": "/api/v3", "ark": "/api/v3", "replicate": "/v1"}.items():
        there = providers.make(name, contract.Config(api_key="k", base_url="http://127.0.0.1:9/"))
        assert there.base_url == f"http://127.0.0.1:9{path}"
        there = providers.make(name, contract.Config(api_key="k", base_url="http://127.0.0.1:9/gateway/x/"))
        assert there.base_url == "http://127.0.0.1:9/gateway/x"
