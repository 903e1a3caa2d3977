"""Outputs as a provider tells them, and the items that they become. Nothing is written here."""

import dataclasses
import datetime
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import structlog

from ambrotype.capture import accept, network, request
from ambrotype.capture import bytes as handed_over
from ambrotype.core import errors, expiry, sources, types
from ambrotype.generations import calling
from ambrotype.providers import contract
from ambrotype.records import accepting

STAGED = datetime.timedelta(days=7)
"""How long bytes that nobody asked to keep lie in the store."""
MOST_DATA = 256 * 2**20

log = structlog.get_logger("ambrotype.generations")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A provider's word on a job, with what its adapter's facts make of it."""

    progress: contract.Progress
    cost: Mapping[str, Any] | None
    retention: int | None
    pace: float
    home: network.Allowed
    """What may be reached with the provider's credentials: its API."""


def said(
    provider: contract.Provider,
    progress: contract.Progress,
    *,
    caller: calling.Caller,
    cost: Mapping[str, Any] | None = None,
) -> Said:
    """The word and the facts together."""
    home = caller.allowed(provider)
    return Said(progress=progress, cost=cost, retention=provider.retention, pace=provider.pace, home=home)


def keyed(outputs: Sequence[contract.Output]) -> dict[str, contract.Output]:
    """The outputs by what each is known by: role and number, the same whenever the provider is asked."""
    found: dict[str, contract.Output] = {}
    for output in outputs:
        key, copy = f"{output.role}/{output.index}", 0
        while key in found:
            copy += 1
            key = f"{output.role}/{output.index}+{copy}"
        found[key] = output
    return found


def content_of(output: contract.Output) -> bytes | None:
    """The bytes of an output that came as such, None where it has a URL. Raises `errors.NotMedia`."""
    if output.data is not None:
        return output.data
    if output.url is not None and output.url[:5].lower() == "data:":
        try:
            return handed_over.decoded(output.url, most=MOST_DATA)
        except errors.InvalidRequest as problem:
            raise errors.NotMedia(problem.detail) from None
    if output.url is None:
        raise errors.NotMedia("The provider named an output without a URL and without bytes.")
    return None


def item(
    row: Mapping[str, Any],
    output: contract.Output,
    *,
    word: Said,
    parents: Sequence[tuple[uuid.UUID, str]],
    content: bytes | None,
    rules: accept.Rules,
) -> accepting.Acceptance:
    """The item that an output becomes: what its generation (`row`) says of it, and what the provider does.

    Raises the `errors.CaptureFailed` that its URL or its first bytes deserve.
    """
    progress = word.progress
    primary = output.role == "primary"
    head = types.recognise(content[: types.HEAD_BYTES]) if content is not None else None
    wanted = dict(row["wanted"])
    if not primary:
        wanted.pop("name", None)
    given = {
        "source": "generation",
        **wanted,
        "data": "-",  # its source is put in below
        "kind": output.kind or (head.kind if head else row["kind"]),
        "provider": row["provider"],
        "model": row["model"][:255],
        "prompt": row["prompt"],
        "settings": row["settings"],
        "request_id": progress.job_id[:255],
        "project": row["project"],
        "slot": row["slot"] if primary else None,
        "metadata": {**wanted.get("metadata", {}), **output.metadata, **({} if primary else {"role": output.role})},
        "parents": [{"id": parent, "role": role} for parent, role in parents],
    }
    if "name" not in wanted and (name := _name(output, row["slot"] if primary else None)) is not None:
        given["name"] = name
    made = accept.acceptance(_asked(given), rules=rules, trusted=True)
    status: Literal["keeping", "temporary"] = "keeping" if row["keep"] == "auto" else "temporary"
    if content is not None:
        # Equal bytes of two jobs are two items: each has its own prompt and its own place.
        until = datetime.datetime.now(datetime.UTC) + STAGED
        ends = {"source_expires_at": until, "source_expiry_rule": "staged"} if status == "temporary" else {}
        digest = {"source_hash": hashlib.sha256(b"data:" + hashlib.sha256(content).digest()).hexdigest()}
        made = dataclasses.replace(made, fields=made.fields | ends | digest | {"incoming": len(content)}, again=True)
        return dataclasses.replace(made, status=status)
    assert output.url is not None
    return dataclasses.replace(
        made, status=status, origin=origin(output, provider=row["provider"], word=word, rules=rules)
    )


def origin(output: contract.Output, *, provider: str, word: Said, rules: accept.Rules) -> accepting.Origin:
    """Where an output's bytes are to be had, and until when. Raises the `CaptureFailed` that its URL deserves."""
    assert output.url is not None
    told = output.expires_at
    if provider not in rules.retention:
        if word.retention is not None:
            rules = dataclasses.replace(rules, retention={**rules.retention, provider: word.retention})
        else:
            told = told or expiry.NEVER
    return accept.origin(
        output.url,
        rules=rules,
        trusted=True,
        provider=provider,
        told=told,
        completed_at=word.progress.finished_at,
        allowed=word.home if output.authenticated else None,
    )


def _asked(given: Mapping[str, Any]) -> request.KeepRequest:
    """The output as something to keep. What the provider or the settings of today make of it must not be its end: the
    fields that can't be doubted are enough."""
    try:
        return request.parsed(request.KeepRequest, given)
    except errors.InvalidRequest as problem:
        log.warning("an output is kept without some of its fields", detail=problem.detail)
        sure = ("url", "data", "kind", "provider", "model", "request_id", "project", "slot", "parents", "visibility")
        return request.parsed(request.KeepRequest, {name: given[name] for name in sure if given.get(name) is not None})


def _name(output: contract.Output, slot: str | None) -> str | None:
    """What the provider calls the file; in a slot the slot's name, with the file's ending."""
    name = output.name or (sources.name_of(output.url) if output.url and output.data is None else None)
    if name is None or (output.url is not None and output.url[:5].lower() == "data:"):
        name = output.name
    if slot is None or name is None:
        return name[:255] if name else None
    guess = types.guess(name, None)
    return f"{slot.rpartition('/')[2]}.{guess.ext}"[:255] if guess else None
