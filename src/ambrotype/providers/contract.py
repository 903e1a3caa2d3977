"""What a provider's adapter owes, and what it is given. An adapter does no I/O: each thing it can do is a conversation.

A conversation is a generator. It yields the request to send and is sent the reply; what it returns is what the provider
said, in our words. Whoever runs it (`generations/calling.py`) adds the provider's credentials to requests of the base
URL's origin and to no others, follows no redirects, bounds the size of replies, and closes the generator where no reply
came. A conversation raises `Refused` and nothing else, whatever the reply.
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
class Config:
    """What a provider's factory is given: its group of settings."""

    api_key: str = dataclasses.field(repr=False)
    base_url: str | None = None
    """Without a slash at the end; None for the vendor's own."""
    webhook_secret: str | None = dataclasses.field(default=None, repr=False)
    price: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Model pattern → what a unit costs, as `core/costs.py` reads it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a multipart body: a file (bytes, with a `filename`), or a field of the form (text, without one)."""

    name: str
    data: bytes | str = dataclasses.field(repr=False)
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
    """The reply is a stream of server-sent events: each is handed in as a `Reply` of its own (its data as the body, the
    answer's status and headers), and the conversation goes on as long as it yields `More`. An answer that is no
    `text/event-stream` (an error, a server that does not stream) is handed in whole, once."""
    first: int | None = None
    """Only so many bytes of the body are read, and the connection is dropped: a look at what a download would give."""
    limit: int = 16 * 2**20
    """Bytes that the answer may have at most: a synchronous job answers with its pictures."""
    timeout: float = 60.0
    """Seconds to wait for the answer, or for each event of a stream."""


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a job works on: a URL that the provider can fetch, or bytes; `Provider.inputs_as` says which it wants. Where
    there is no URL that it could reach, bytes do for every adapter: it uploads them or makes a data URI."""

    role: str
    """A role that the adapter knows becomes the provider's parameter for it; any other is the parameter's own name."""
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
    """What the caller wants made, where one model or provider makes several."""
    partial: bool = False
    """Ask for previews on the way where the provider streams them: they are told as progress."""


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
    """Why a job gave nothing, or not all. `code` is ours where we have one, else the provider's own word. Ours:
    `blocked` (its content rules), `source_expired`, `data_removed` (cleared at the provider), `provider_gone` (it does
    not know the job), `unauthenticated` (the key), `forbidden`, `invalid_request`, `rate_limited`, `quota_exceeded`
    (no credit), `unavailable`, `timeout`, `invalid_reply` (words that are not the provider's), `failed`."""

    code: str
    detail: str
    retryable: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was billed, as far as the provider tells; amounts that it does not tell are `core/costs.py`'s to reckon."""

    units: float | None = None
    unit: str | None = None
    amount: float | None = None
    currency: str | None = None
    parts: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Unit → how many, where units have different prices (input_token, output_token)."""
    estimated: bool = False
    """The units are measured or counted, not told as billed."""


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
    """Added to what is held already: an empty one changes nothing."""
    seed: int | None = None
    revised_prompt: str | None = None
    finished_at: datetime.datetime | None = None
    """When the provider says that it ended: lifetimes count from there."""
    raw: Any = dataclasses.field(default=None, repr=False)
    """The provider's own words, kept in the generation's metadata: bytes cut out, nothing that JSON in PostgreSQL refuses."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """Yielded for the next event of a stream: an empty body means that the stream has ended."""

    progress: Progress | None = None
    """Where the job stands meanwhile, for whoever is watching. Its outputs are final ones only."""


MORE = More()

Conversation = Generator[Request | More, Reply, Returned]


class Refused(Exception):
    """The provider answered a question with an error, or with nothing that can be read. `failure` says which; `again`
    that asking once more may help, in `after` seconds at the soonest; `unknown` that a submission may have been taken
    all the same, so that sending it again could bill twice whatever `again` says. The key is never in the words."""

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
    """What the body says. Asking may tell more (what it cost, say)."""


class Provider(Protocol):
    """One provider, configured. Frozen; made by the factory that `providers.BUILT_IN` or an entry point names."""

    @property
    def name(self) -> str:
        """As in `ambrotype.toml`, the API and the webhook's path."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """What its jobs make."""

    @property
    def retention(self) -> int | None:
        """Seconds that outputs live where nothing else is told; None for ever."""

    @property
    def pace(self) -> float:
        """Seconds between two polls of one job at the least."""

    @property
    def signs(self) -> bool:
        """Webhooks are signed; else they come to a path with a token."""

    @property
    def hooks(self) -> bool:
        """Webhooks exist at all, and what verifies them is there."""

    @property
    def inputs_as(self) -> Literal["url", "data"]:
        """The form of inputs that the provider takes best. An input with a `job_id` may do without either."""

    @property
    def base_url(self) -> str:
        """Without a slash at the end."""

    @property
    def config(self) -> Config:
        """What the factory was given."""

    @property
    def remints(self) -> bool:
        """A fresh URL of an old output is had by asking for the job again."""

    def credentials(self) -> Mapping[str, str]:
        """Headers that go to the base URL's origin, and to no other."""

    def submit(self, job: Job) -> Conversation[Progress]:
        """Starts the job. Raises `Refused`."""

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> Conversation[Progress]:
        """Where the job stands; also known by its id alone (`handle` empty, or only `{"model": …}` where a caller who
        names another's job said it). A job that was over when it was submitted can't be asked for. Raises `Refused`."""

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> Conversation[Progress | None]:
        """Asks the provider to stop; never where that would delete what is finished. `cancelled` where that is certain,
        else where it stands now: following tells the end (`provider_gone` too, once it was asked to stop). None where
        there is no such call or it is too late. Raises `Refused`."""

    def secrets(self) -> Conversation[Sequence[bytes]]:
        """Keys that verify webhooks, as `heard` takes them; from the provider where it publishes them: cached a day by
        the caller, and asked for anew once where a webhook does not verify. Raises `Refused`."""

    def heard(self, hook: Hook, secrets: Sequence[bytes]) -> Heard | None:
        """A webhook's meaning, None where its signature or its time (±300 s) is wrong."""
