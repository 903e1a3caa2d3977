"""Generations, as they are shown: a provider's job, what went in, what came out, how it stands."""

import dataclasses
import datetime
import uuid
from typing import Any, Literal

from ambrotype.core import media

Status = Literal["queued", "processing", "completed", "failed", "cancelled"]
Keep = Literal["auto", "manual"]

STATUSES: tuple[Status, ...] = ("queued", "processing", "completed", "failed", "cancelled")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a job works on."""

    id: uuid.UUID
    role: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job gave nothing, or, of a completed one, what is missing. `code` is one of `docs/generations.md` or the
    provider's own word; `retryable` that asking for the same anew may go well."""

    code: str
    detail: str
    retryable: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A provider's job. `progress` is 0 to 1; times are aware UTC."""

    id: uuid.UUID
    owner: str
    provider: str
    model: str
    prompt: str | None
    settings: dict[str, Any]
    status: Status
    progress: float | None
    provider_job_id: str | None
    keep: Keep
    project: str | None
    slot: str | None
    inputs: list[Input]
    outputs: list[media.Media]
    error: Failure | None
    cost: dict[str, Any] | None
    metadata: dict[str, Any]
    """What the provider told besides: `seed`, `revised_prompt`, and its last words as they were (`raw`)."""
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None

    @property
    def ended(self) -> bool:
        """Nothing more will come of it."""
        return self.status in ("completed", "failed", "cancelled")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider as it is set up here."""

    name: str
    configured: bool
    kinds: list[media.Kind]
    webhooks: bool
    retention_seconds: int | None
    """How long its outputs live where it tells nothing else; None: for ever."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCheck:
    """What a try came to: `reachable` that it answers, `accepted` that it takes the key; None where that was not tried."""

    name: str
    configured: bool
    reachable: bool | None
    accepted: bool | None
    detail: str
