"""Finds what is wrong with an adapter, without its provider: conversations run against recorded replies.

An adapter's author writes a few `Scene`s (what the provider answers when all goes well, when it fails, …) and calls
`problems`: sentences, none where the adapter is right. The built-in ones are held to the same.
"""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, get_args

import orjson

from ambrotype.providers import contract, places

MOST_REQUESTS = 50
"""Requests of one conversation; an adapter that asks on and on has lost its way."""
KEY = "kkkk-0123456789-secret-of-the-check"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One course of events: what the provider answers to the submission, and then to each look at the job."""

    title: str
    job: contract.Job
    submitted: Sequence[contract.Reply]
    followed: Sequence[Sequence[contract.Reply]] = ()
    ends: contract.Status = "completed"
    code: str | None = None
    """The failure's, where there is one."""
    outputs: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A webhook that is genuine, and what verifies it."""

    hook: contract.Hook
    secrets: Sequence[bytes]
    job_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A conversation that has ended."""

    asked: tuple[contract.Request, ...]
    told: tuple[contract.Progress, ...] = ()
    """What it told on the way."""
    value: Any = None
    refused: contract.Refused | None = None


class Astray(Exception):
    """A conversation that does not keep to the contract; the sentence says how."""


def answer(status: int = 200, body: Any = None, **headers: str) -> contract.Reply:
    """A reply; what is not bytes is written as JSON. Headers by name, with `_` for `-`."""
    content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    kind = {} if isinstance(body, bytes) or body is None else {"content-type": "application/json"}
    return contract.Reply(
        status=status, headers=kind | {name.replace("_", "-"): text for name, text in headers.items()}, body=content
    )


def run(conversation: contract.Conversation[Any], replies: Iterable[contract.Reply]) -> Ran:
    """Runs a conversation against replies in their order. Raises `Astray` where they are too few, or it crashes."""
    left = iter(replies)
    asked: list[contract.Request] = []
    told: list[contract.Progress] = []
    reply: contract.Reply | None = None
    while True:
        try:
            step = next(conversation) if reply is None else conversation.send(reply)
        except StopIteration as end:
            return Ran(asked=tuple(asked), told=tuple(told), value=end.value)
        except contract.Refused as refused:
            return Ran(asked=tuple(asked), told=tuple(told), refused=refused)
        except Exception as problem:
            raise Astray(f"it crashes with {type(problem).__name__}: {problem}") from problem
        if isinstance(step, contract.Request):
            asked.append(step)
        elif step.progress is not None:
            told.append(step.progress)
        reply = next(left, None)
        if reply is None or len(asked) > MOST_REQUESTS:
            conversation.close()
            raise Astray(f"it asks on after {len(asked)} requests, the last one {_shown(step)}")


def problems(
    factory: Callable[[contract.Config], contract.Provider],
    scenes: Sequence[Scene],
    *,
    reports: Sequence[Report] = (),
    config: contract.Config | None = None,
) -> list[str]:
    """What is wrong with the adapter, a sentence each."""
    provider = factory(config or contract.Config(api_key=KEY))
    found = [*_attributes(provider)]
    for scene in scenes:
        found += [f"{scene.title}: {fault}" for fault in _played(provider, scene)]
    for scene in scenes[:1]:
        found += _odd_replies(provider, scene)
    for report in reports:
        try:
            found += _heard(provider, report)
        except Astray as problem:
            found.append(f"heard, of a webhook for the job {report.job_id!r}: {problem}.")
    return list(dict.fromkeys(found))


def _attributes(provider: contract.Provider) -> Iterator[str]:
    if not provider.kinds or not provider.kinds <= set(get_args(contract.Kind)):
        yield f"kinds are some of image, video and audio, not {sorted(provider.kinds)}."
    if places.origin(provider.base_url) is None or provider.base_url.endswith("/"):
        yield f"base_url is an http(s) URL without a slash at the end, not {provider.base_url!r}."
    if not provider.pace > 0:
        yield "pace is a number of seconds above 0."
    if provider.inputs_as not in ("url", "data"):
        yield "inputs_as is url or data."
    if provider.retention is not None and provider.retention <= 0:
        yield "retention is a number of seconds above 0, or None for ever."
    if KEY in repr(provider):
        yield "its repr shows the API key: leave the config's own repr as it is, and copy the key nowhere else."
    if not any(KEY in value for value in provider.credentials().values()) and provider.config.api_key == KEY:
        yield "credentials() does not hold the API key."
    begins_at = provider.config.base_url
    if begins_at and not provider.base_url.startswith(begins_at.rstrip("/")):
        yield "base_url does not begin with the one of its config."


def _played(provider: contract.Provider, scene: Scene) -> Iterator[str]:
    try:
        ran = run(provider.submit(scene.job), scene.submitted)
        yield from _requests(provider, ran, submitting=True)
        if ran.refused:
            yield from _refusal(scene, ran.refused)
            return
        now = ran.value
        yield from _progress(now, "submit")
        for replies in scene.followed:
            for _ in range(2):  # the same question gives the same answer
                ran = run(provider.follow(now.job_id, orjson.loads(orjson.dumps(dict(now.handle)))), replies)
                yield from _requests(provider, ran, submitting=False)
                if ran.refused:
                    yield from _refusal(scene, ran.refused)
                    return
                yield from _progress(ran.value, "follow")
                if ran.value.job_id != now.job_id:
                    yield f"follow answers for the job {ran.value.job_id!r}, asked for {now.job_id!r}."
            now = dataclasses.replace(ran.value, handle=ran.value.handle or now.handle)
    except Astray as problem:
        yield f"{problem}."
        return
    except (TypeError, AttributeError, KeyError) as problem:
        yield f"what it returned is no Progress: {problem}."
        return
    if now.status != scene.ends:
        yield f"it ends as {now.status}, not as {scene.ends}."
    if scene.code != (now.failure and now.failure.code):
        yield f"its failure's code is {now.failure and now.failure.code!r}, not {scene.code!r}."
    if scene.outputs is not None and len(now.outputs) != scene.outputs:
        yield f"it has {len(now.outputs)} outputs, not {scene.outputs}."


def _refusal(scene: Scene, refused: contract.Refused) -> Iterator[str]:
    if scene.ends != "failed" or scene.code != refused.failure.code:
        yield f"it is refused ({refused.failure.code}: {refused.failure.detail}), where it should end as {scene.ends}."


def _requests(provider: contract.Provider, ran: Ran, *, submitting: bool) -> Iterator[str]:
    home = places.origin(provider.base_url)
    if submitting and not any(not asked.repeatable and asked.method == "POST" for asked in ran.asked):
        yield "no request of submit is marked repeatable=False: sent again, it would bill twice."
    for asked in ran.asked:
        if places.origin(asked.url) is None:
            yield f"a request's URL is not absolute: {asked.url!r}."
        elif places.origin(asked.url) != home and asked.method != "PUT" and asked.json is not None:
            yield f"a job's words go to {places.origin(asked.url)}, which is not the base URL's origin."
        if provider.config.api_key in repr((asked.url, dict(asked.headers), asked.json)):
            yield "a request holds the API key: only credentials() may, and whoever sends the request adds them."
        if sum((asked.json is not None, bool(asked.parts), asked.body is not None)) > 1:
            yield "a request has two bodies: json, parts and body exclude each other."
        for part in asked.parts:
            if isinstance(part.data, bytes) != bool(part.filename):
                yield f"the part {part.name!r} is neither a file (bytes and a filename) nor a field (text and none)."
        try:
            orjson.dumps(asked.json)
        except TypeError as problem:
            yield f"a request's json can't be written as JSON: {problem}."


def _progress(now: Any, where: str) -> Iterator[str]:
    if not isinstance(now, contract.Progress):
        yield f"{where} returns {type(now).__name__}, not a Progress."
        return
    if not now.job_id:
        yield f"{where} returns a Progress without a job_id."
    if now.status not in get_args(contract.Status):
        yield f"{where} returns the status {now.status!r}: there are {', '.join(get_args(contract.Status))}."
    if now.status == "failed" and now.failure is None:
        yield f"{where} says failed, and not why."
    if now.progress is not None and not 0 <= now.progress <= 1:
        yield f"{where} tells a progress of {now.progress}: it goes from 0 to 1."
    for output in now.outputs:
        if (output.url is None) == (output.data is None):
            yield f"{where} returns an output that has not exactly one of url and data."
        if output.expires_at is not None and output.expires_at.tzinfo is None:
            yield f"{where} returns an output that expires at a time without a zone."
    if [output.index for output in now.outputs] != sorted({output.index for output in now.outputs}):
        yield f"{where} returns outputs whose index does not rise."
    if now.failure is not None and now.failure.detail != now.failure.detail.strip():
        yield f"{where} returns a failure whose detail is not a plain sentence."
    for part, value in (("handle", dict(now.handle)), ("raw", now.raw)):
        try:
            written = orjson.dumps(value)
        except TypeError as problem:
            yield f"{where} returns a {part} that can't be written as JSON: {problem}."
        else:
            if b"\\u0000" in written:
                yield f"{where} returns a {part} with a NUL in it, which PostgreSQL refuses; see `keepable`."
            if KEY.encode() in written:
                yield f"{where} returns a {part} that holds the API key."


ODD: Sequence[tuple[str, contract.Reply]] = (
    ("401 that repeats the key", answer(401, {"error": {"message": f"Wrong key {KEY}", "code": "invalid_api_key"}})),
    ("403", answer(403, {"detail": f"{KEY} may not"})),
    ("429 with Retry-After: 7", answer(429, {"detail": "slow down"}, retry_after="7")),
    ("500", answer(500, {"detail": "oops"})),
    ("502 with a page", answer(502, b"<html>Bad gateway</html>", content_type="text/html")),
    ("200 with a page", answer(200, b"<html>Welcome</html>", content_type="text/html")),
    ("302", answer(302, b"", location="https://elsewhere.example/")),
    ("200 with null", answer(200, b"null", content_type="application/json")),
    ("200 with a list", answer(200, [1, 2])),
    (
        "200 with 900 brackets",
        answer(200, b'{"status":' + b"[" * 900 + b"]" * 900 + b"}", content_type="application/json"),
    ),
    ("200 with an empty object", answer(200, {})),
    (
        "200 with wrong types",
        answer(200, {"id": [1], "request_id": {}, "status": 5, "data": "x", "output": 7, "error": []}),
    ),
)


def _odd_replies(provider: contract.Provider, scene: Scene) -> Iterator[str]:
    """What every provider and every gateway before it answers one day."""
    for title, reply in ODD:
        handle = {"model": scene.job.model}
        conversations: dict[str, contract.Conversation[Any]] = {
            "submit": provider.submit(scene.job),
            "follow": provider.follow("job-1", handle),
            "cancel": provider.cancel("job-1", handle),
            "secrets": provider.secrets(),
        }
        for what, conversation in conversations.items():
            try:
                ran = run(conversation, [reply] * MOST_REQUESTS)
            except Astray as problem:
                yield f"{what}, answered {title}: {problem}."
                continue
            yield from (f"{what}, answered {title}: {fault}" for fault in _answered(ran, reply, what))


def _answered(ran: Ran, reply: contract.Reply, what: str) -> Iterator[str]:
    refused = ran.refused
    if refused is None:
        if what == "submit":
            yield "it takes that for a job."
        return
    if KEY in repr((refused.failure, refused.args)):
        yield "the refusal shows the API key."
    if not ran.asked:
        return
    if reply.status == 429 and not (refused.again and refused.after == 7.0):
        yield "it does not say that asking again may help, in 7 seconds."
    if reply.status in (401, 403) and refused.again:
        yield "it says that asking again may help, where the key is wrong."
    sent = any(not asked.repeatable for asked in ran.asked)
    if what == "submit" and sent and (reply.status >= 500 or reply.status == 200) and not refused.unknown:
        yield "it does not say that the job may have been taken all the same (unknown)."
    if what == "submit" and 400 <= reply.status < 500 and refused.unknown:
        yield "it says that the job may have been taken, where it was refused."


def _heard(provider: contract.Provider, report: Report) -> Iterator[str]:
    heard = _listen(provider, report.hook, report.secrets)
    if heard is None or heard.job_id != report.job_id:
        yield f"a genuine webhook for the job {report.job_id!r} is {'refused' if heard is None else heard.job_id}."
        return
    later = dataclasses.replace(report.hook, now=report.hook.now + datetime.timedelta(seconds=1))
    again = _listen(provider, later, report.secrets)
    if again is None or again.delivery != heard.delivery:
        yield "the same webhook, repeated, has another delivery: a repetition must be known for one."
    for title, hook in _forged(report.hook) if provider.signs else []:
        if _listen(provider, hook, report.secrets) is not None:
            yield f"a webhook {title} is believed."
    if provider.signs and _listen(provider, report.hook, ()) is not None:
        yield "a webhook is believed without any key to verify it with."
    if not provider.signs and heard.progress is not None:
        yield "an unsigned webhook's progress is believed: only its job may be, and is then asked for."
    for body in (b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"id": 5, "data": []}', b"[" * 2000):
        _listen(provider, dataclasses.replace(report.hook, body=body), report.secrets)
        _listen(provider, dataclasses.replace(report.hook, body=body, headers={}), report.secrets)


def _forged(hook: contract.Hook) -> Iterator[tuple[str, contract.Hook]]:
    minute = datetime.timedelta(minutes=1)
    yield "with another body", dataclasses.replace(hook, body=hook.body + b" ")
    yield "without its headers", dataclasses.replace(hook, headers={})
    yield "six minutes old", dataclasses.replace(hook, now=hook.now + 6 * minute)
    yield "six minutes from the future", dataclasses.replace(hook, now=hook.now - 6 * minute)
    for name, text in hook.headers.items():
        if "signature" in name:
            other = text[:-2] + ("00" if text[-2:] != "00" else "11")
            yield "with another signature", dataclasses.replace(hook, headers={**hook.headers, name: other})
            yield "with an empty signature", dataclasses.replace(hook, headers={**hook.headers, name: ""})


def _listen(provider: contract.Provider, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
    try:
        return provider.heard(hook, secrets)
    except Exception as problem:
        raise Astray(f"it crashes with {type(problem).__name__}: {problem}") from problem


def _shown(step: object) -> str:
    return f"{step.method} {places.origin(step.url)}" if isinstance(step, contract.Request) else "More"
