"""What a provider's adapter owes, and what it is given. An adapter does no I/O: each thing it can do is a conversation.

A conversation is a generator. It yields the request to send and is sent the reply; what it returns is what the provider
said, in our words. Whoever runs it (`generations/calling.py`) adds the provider's credentials to requests of the base
URL's origin and to no others, follows no redirects, and bounds the size of replies.
"""

import dataclasses
import datetime
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import orjson

Status = Literal["queued", "processing", "completed", "failed", "cancelled"]
Kind = Literal["image", "video", "audio"]
Returned = TypeVar("Returned", covariant=True)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a multipart body."""

    name: str
    data: bytes = dataclasses.field(repr=False)
    filename: str | None = None
    content_type: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to make. `url` is absolute; `json`, `parts` and `body` exclude each other."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    json: Any = None
    parts: Sequence[Part] = ()
    body: bytes | None = dataclasses.field(default=None, repr=False)
    repeatable: bool = True
    """May be sent again where no answer came. A submission is not: it could bill twice."""
    events: bool = False
    """The reply is a stream of server-sent events: each is handed in as a `Reply` of its own (its data as the body),
    and the conversation goes on as long as it yields `MORE`."""


MORE: Literal["more"] = "more"
"""Yielded for the next event of a stream; an empty body means that the stream has ended."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = dataclasses.field(repr=False)

    def json(self) -> Any:
        """The body as JSON, None where it is none: a gateway's error page is not the provider's word."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


Conversation = Generator[Request | Literal["more"], Reply, Returned]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a job works on, in the form that the provider takes: a URL that it can fetch, or bytes."""

    role: str
    kind: Kind
    content_type: str
    url: str | None = None
    """https, or a data URI."""
    data: bytes | None = dataclasses.field(default=None, repr=False)
    job_id: str | None = None
    """The provider's own id of the job that made it, where it is an output of this provider: remix, extension."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job to submit."""

    model: str
    prompt: str | None
    settings: Mapping[str, Any]
    """The model's own parameters, in the provider's words, handed on as they are."""
    inputs: Sequence[Input] = ()
    webhook: str | None = None
    """Where the provider may report; None where it could not reach us."""
    kind: Kind | None = None
    partial: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One file that a job made: `url` or `data`."""

    url: str | None = None
    data: bytes | None = dataclasses.field(default=None, repr=False)
    authenticated: bool = False
    """The URL answers only with the provider's credentials (they go to the base URL's origin and nowhere else)."""
    role: Literal["primary", "thumbnail", "spritesheet", "last_frame", "mask"] = "primary"
    kind: Kind | None = None
    content_type: str | None = None
    name: str | None = None
    index: int = 0
    expires_at: datetime.datetime | None = None
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job gave nothing, or not all. `code` is ours where we have one (`blocked`, `source_expired`,
    `data_removed`), else the provider's own word."""

    code: str
    detail: str
    retryable: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was billed, as far as the provider tells."""

    units: float | None = None
    unit: str | None = None
    amount: float | None = None
    currency: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a job stands. `handle` is what the adapter wants back the next time (URLs from the submit reply, say)."""

    job_id: str
    status: Status
    progress: float | None = None
    """0 to 1."""
    outputs: Sequence[Output] = ()
    """All that there are by now; the same ones in the same order each time."""
    failure: Failure | None = None
    """With `failed`, why; with `completed`, what is missing."""
    cost: Cost | None = None
    handle: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int | None = None
    revised_prompt: str | None = None
    raw: Any = dataclasses.field(default=None, repr=False)
    """The provider's own words, kept in the generation's metadata."""


class Refused(Exception):
    """The provider answered a question with an error. `failure` says which; `again` that asking once more may help,
    `unknown` that a submission may have been taken all the same."""

    def __init__(
        self, failure: Failure, *, again: bool = False, after: float | None = None, unknown: bool = False
    ) -> None:
        super().__init__(failure.detail)
        self.failure, self.again, self.after, self.unknown = failure, again, after, unknown


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook as it arrived."""

    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes = dataclasses.field(repr=False)
    now: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a genuine webhook says: which job, and its progress where the body alone can be trusted with it."""

    job_id: str
    delivery: str
    """The same for each repetition of the same message."""
    progress: Progress | None = None


class Provider(Protocol):
    """One provider, configured. Frozen; made by the factory that `providers.BUILT_IN` or an entry point names."""

    name: str
    kinds: frozenset[Kind]
    retention: int | None
    """Seconds that outputs live where nothing else is told; None for ever."""
    pace: float
    """Seconds between two polls of one job at the least."""
    signs: bool
    """Webhooks are signed; else they come to a path with a token."""
    hooks: bool
    """Webhooks exist at all."""
    base_url: str
    remints: bool
    """A fresh URL of an old output is had by asking for the job again."""

    def credentials(self) -> Mapping[str, str]:
        """Headers that go to the base URL's origin, and to no other."""

    def submit(self, job: Job) -> Conversation[Progress]:
        """Starts the job. Raises `Refused`."""

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> Conversation[Progress]:
        """Where the job stands; also known by its id alone (`handle` empty). Raises `Refused`."""

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> Conversation[Progress | None]:
        """Asks the provider to stop. None where it has no such call or it is too late. Raises `Refused`."""

    def secrets(self) -> Conversation[Sequence[bytes]]:
        """Keys that verify webhooks, as `heard` takes them; from the provider where it publishes them, cached a day."""

    def heard(self, hook: Hook, secrets: Sequence[bytes]) -> Heard | None:
        """A webhook's meaning, None where its signature or its time (±300 s) is wrong."""
