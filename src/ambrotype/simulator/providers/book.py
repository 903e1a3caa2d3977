"""The book of jobs: what was submitted, asked and told, to be asserted."""

import collections
import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson

from ambrotype.core import errors
from ambrotype.simulator.providers import plan as plans

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
SHOWN = 1000
"""Characters of a text of a job's input in reports."""

KEY = "sim-key"
"""The key that every provider takes until it is told otherwise."""


@dataclasses.dataclass(kw_only=True)
class Submission:
    """A job that was asked for, taken or not. `answered` is the status sent; 0 = none, the connection was closed."""

    at: float
    provider: str
    model: str
    fingerprint: str
    tag: str
    job: str | None = None
    answered: int = 0


@dataclasses.dataclass(kw_only=True)
class Delivery:
    """A webhook that was sent. `status` is what the receiver answered; 0 = nothing."""

    at: float
    event: str
    kind: str
    id: str
    status: int = 0


@dataclasses.dataclass(kw_only=True, eq=False)
class Job:
    """A job. Times are epoch seconds by the simulator's clock, but `polls` by the machine's, which nobody moves."""

    id: str
    number: int
    provider: str
    model: str
    body: Mapping[str, Any]
    plan: plans.Plan
    created: float
    fingerprint: str
    webhook: str | None = None
    key: str = KEY
    """The API key that submitted it."""
    base: str = ""
    """What its own URLs begin with: as its submitter reached the provider."""
    life: float = 3600.0
    """Seconds that the outputs live."""
    about: dict[str, Any] = dataclasses.field(default_factory=dict)
    """The protocol's own notes."""
    files: Any = ()
    """The outputs, as `outputs.make` gives them."""
    cancelled: float | None = None
    deleted: bool = False
    told: bool = False
    minted: dict[int, str] = dataclasses.field(default_factory=dict)
    polls: list[float] = dataclasses.field(default_factory=list)
    refused: int = 0
    """Polls answered with an error of the plan."""
    fetches: int = 0
    deliveries: list[Delivery] = dataclasses.field(default_factory=list)

    @property
    def starts(self) -> float:
        return self.created + self.plan.queue

    @property
    def ends(self) -> float:
        """When it ends, or ended: by itself or cancelled."""
        natural = self.starts + self.plan.run
        return natural if self.cancelled is None else min(natural, self.cancelled)

    def status(self, now: float) -> Status:
        """Where it stands at `now`."""
        if self.cancelled is not None:
            return "cancelled"
        if now < self.starts:
            return "queued"
        if now < self.ends:
            return "running"
        if self.plan.outcome in ("cancelled",):
            return "cancelled"
        return "succeeded" if self.plan.outcome in ("success", "partial") else "failed"

    def progress(self, now: float) -> float:
        """0 to 1."""
        if now >= self.ends:
            return 1.0
        return max(0.0, min(1.0, (now - self.starts) / self.plan.run)) if self.plan.run else 0.0

    def over(self, now: float) -> bool:
        """Whether it has ended, in whatever way."""
        return self.cancelled is not None or now >= self.ends

    def removed(self, now: float) -> bool:
        """Whether the provider has removed the outputs."""
        return now >= self.ends + self.life

    def cancel(self, now: float) -> bool:
        """False where it is too late."""
        if self.over(now):
            return False
        self.cancelled = now
        return True


@dataclasses.dataclass(kw_only=True)
class Default:
    """A plan for jobs to come: of a provider and model, or of any; `times` jobs, 0 = all."""

    provider: str | None
    model: str | None
    options: dict[str, Any]
    times: int = 0


@dataclasses.dataclass(kw_only=True)
class Account:
    """What a provider knows of its customer, and whether it is there at all."""

    keys: list[str] = dataclasses.field(default_factory=lambda: [KEY])
    secret: str = ""
    """Signs webhooks, in the form that the vendor gives out."""
    endpoints: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    """Webhook endpoints by their id, where they belong to the account and not to the job."""
    away: int = 0
    """The status that every request gets: 404, 410, 503; 0 = it is there."""

    def listen(self, url: str, *, id: str, secret: str, events: list[str], name: str, now: float) -> dict[str, Any]:
        """A new webhook endpoint, as the vendor shows it when it is new: with its secret."""
        endpoint: dict[str, Any] = {
            "id": id,
            "object": "webhook_endpoint",
            "created_at": int(now),
            "event_types": events,
            "name": name,
            "url": url,
            "signing_secret": secret,
        }
        self.endpoints[id] = endpoint
        return endpoint


class Book:
    """All jobs since the start, or since `forget`."""

    def __init__(self, *, now: Callable[[], float], real: Callable[[], float]) -> None:
        self.now, self.real = now, real
        self.jobs: dict[str, Job] = {}
        self.submissions: list[Submission] = []
        self.defaults: list[Default] = []
        self.accounts: dict[str, Account] = {}
        self._struck: collections.Counter[str] = collections.Counter()
        self._numbers = itertools.count(1)

    def account(self, provider: str) -> Account:
        """`errors.InvalidRequest` where there is no such provider."""
        if provider not in self.accounts:
            raise errors.InvalidRequest(f"No provider {provider!r}: use one of {', '.join(self.accounts)}.")
        return self.accounts[provider]

    def number(self) -> int:
        """Of the next job: 1, 2, …"""
        return next(self._numbers)

    def expect(self, options: str | Mapping[str, Any], **of: Any) -> None:
        """Sets the plan of jobs to come; `provider`, `model` and `times` say of which."""
        parsed = plans.parse(options) if isinstance(options, str) else plans.read(options)
        self.defaults.append(
            Default(provider=of.get("provider"), model=of.get("model"), options=parsed, times=int(of.get("times") or 0))
        )

    def plan(self, provider: str, model: str, given: tuple[str | Mapping[str, Any] | None, ...]) -> plans.Plan:
        """The plan of one job: the defaults, then what its own request says."""
        layers = [default.options for default in self._matching(provider, model)]
        _, _, suffix = model.partition("~")
        own = (plans.parse(one) if isinstance(one, str) else plans.read(one) for one in (suffix, *given) if one)
        return plans.make(*layers, *own)

    def _matching(self, provider: str, model: str) -> list[Default]:
        matching = [one for one in self.defaults if one.provider in (None, provider) and one.model in (None, model)]
        for one in matching:
            if one.times:
                one.times -= 1
                if not one.times:
                    self.defaults.remove(one)
        return matching

    def struck(self, what: str) -> int:
        """How often that struck before; counts this time."""
        self._struck[what] += 1
        return self._struck[what] - 1

    def report(self, *, provider: str | None = None, tag: str | None = None, pace: float = 0.0) -> list[dict[str, Any]]:
        """What is known of each job, oldest first. `early` counts the polls less than `pace` seconds after the one
        before."""
        times = collections.Counter(one.fingerprint for one in self.submissions if one.job)
        return [
            self.describe(job, pace=pace, submitted=times[job.fingerprint])
            for job in self.jobs.values()
            if provider in (None, job.provider) and tag in (None, job.plan.tag)
        ]

    def describe(self, job: Job, *, pace: float = 0.0, submitted: int | None = None) -> dict[str, Any]:
        """One job. `submitted` counts the jobs that were made of the same content."""
        if submitted is None:
            submitted = sum(one.fingerprint == job.fingerprint for one in self.submissions if one.job)
        gaps = [after - before for before, after in itertools.pairwise(job.polls)]
        return {
            "id": job.id,
            "provider": job.provider,
            "model": job.model,
            "tag": job.plan.tag,
            "status": "deleted" if job.deleted else job.status(self.now()),
            "outcome": job.plan.outcome,
            "created": job.created,
            "ends": job.ends,
            "submitted": submitted,
            "polls": job.polls,
            "shortest_gap": min(gaps, default=None),
            "early": sum(gap < pace for gap in gaps),
            "refused": job.refused,
            "fetches": job.fetches,
            "cancelled": job.cancelled,
            "webhook": job.webhook is not None,
            "deliveries": [dataclasses.asdict(one) for one in job.deliveries],
            "input": _shortened(job.body),
        }

    def forget(self) -> None:
        """Jobs, submissions and plans; keys and secrets stay."""
        self.jobs.clear()
        self.submissions.clear()
        self.defaults.clear()
        self._struck.clear()


def _shortened(value: Any) -> Any:
    """Inputs may be whole pictures, as data URIs: of long texts the beginning is shown."""
    if isinstance(value, Mapping):
        return {name: _shortened(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_shortened(one) for one in value]
    return f"{value[:SHOWN]}…" if isinstance(value, str) and len(value) > SHOWN else value


def fingerprint(provider: str, model: str, body: Mapping[str, Any]) -> str:
    """The same for two submissions of the same content."""
    text = orjson.dumps([provider, model, body], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:16]
