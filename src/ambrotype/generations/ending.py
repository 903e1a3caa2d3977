"""What a provider said becomes facts: outputs are accepted, and the state changes, in one transaction.

It may run any number of times with the same words: an output that was accepted is known by its key.
"""

import dataclasses
import datetime
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
import structlog

from ambrotype.capture import accept, pipeline, request
from ambrotype.capture import bytes as handed_over
from ambrotype.capture.fetch import Announced
from ambrotype.core import errors, expiry, owners, types
from ambrotype.providers import contract
from ambrotype.records import accepting, captures, database, editing, following
from ambrotype.records import generations as rows

STAGED = datetime.timedelta(days=7)
"""How long bytes that nobody asked to keep lie in the store."""
MOST_RAW = 64 * 1024
"""Bytes of a provider's own words that are remembered."""
MOST_DATA = 256 * 2**20
_ENDED = ("completed", "failed", "cancelled")
_REVIVED = ("submission_unknown", "provider_gone")
"""Failures that were only ours to guess: the provider's word is stronger."""

log = structlog.get_logger("ambrotype.generations")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What accepting outputs needs."""

    capture: pipeline.Tools
    rules: accept.Rules


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A provider's word on a job, with what its adapter's facts make of it."""

    progress: contract.Progress
    cost: Mapping[str, Any] | None
    retention: int | None
    pace: float


def said(provider: contract.Provider, progress: contract.Progress, cost: Mapping[str, Any] | None) -> Said:
    """The word and the facts together."""
    return Said(progress=progress, cost=cost, retention=provider.retention, pace=provider.pace)


def principal(row: Mapping[str, Any]) -> owners.Principal:
    """As whom outputs are accepted: the generation's owner."""
    owner = owners.Owner(kind=row["owner_kind"], subject=row["owner_subject"])
    return owners.Principal(role="service", app=row["app"], owner=None if owner.kind == "service" else owner)


async def settle(tools: Tools, generation_id: uuid.UUID, word: Said, *, after: float | None) -> str | None:
    """Writes the word down; the state it led to, None where the generation had ended before.

    `after` is in how many seconds to ask again where the job goes on. An output that can't be kept at all (not media, an
    address that is not to be fetched) is left out, and told in the generation's error; the rest of the batch is kept.
    Raises `errors.Unavailable` and `errors.StoreUnavailable`: nothing is written then.
    """
    outputs = keyed(word.progress.outputs)
    unfit: dict[str, errors.CaptureFailed] = {}
    while True:
        turn = _Turn(tools, generation_id, word, after, outputs, unfit)
        try:
            done: str | None = await tools.capture.data.retrying(database.WORKER, turn.run)
        except _Unfit as problem:
            unfit[problem.key] = problem.why
            continue
        return done


class _Unfit(Exception):
    """An output's bytes turned out not to be media: the transaction begins anew without it."""

    def __init__(self, key: str, why: errors.CaptureFailed) -> None:
        super().__init__(why.detail)
        self.key, self.why = key, why


@dataclasses.dataclass(slots=True)
class _Turn:
    """One transaction's work."""

    tools: Tools
    generation_id: uuid.UUID
    word: Said
    after: float | None
    outputs: Mapping[str, contract.Output]
    unfit: dict[str, errors.CaptureFailed]

    async def run(self, tx: database.Transaction) -> str | None:
        row = await rows.lock(tx, self.generation_id)
        if row is None or (row["status"] in _ENDED and row["error_code"] not in _REVIVED):
            await following.over(tx, self.generation_id)
            return None
        known = await rows.outputs(tx, self.generation_id)
        fresh = {key: one for key, one in self.outputs.items() if key not in known and key not in self.unfit}
        if fresh:
            await self._accept(tx, row, known, fresh)
        status = await self._advance(tx, row)
        if status in _ENDED:
            await following.over(tx, self.generation_id)
        elif row["provider_job_id"] is None or self.after is not None:
            await following.submitted(
                tx, generation_id=self.generation_id, provider=row["provider"], job_id=self.word.progress.job_id,
                pace=self.word.pace, after=self.after if self.after is not None else self.word.pace,
            )  # fmt: skip
        return status

    async def _accept(
        self,
        tx: database.Transaction,
        row: database.Row,
        known: Mapping[str, database.Row],
        fresh: Mapping[str, contract.Output],
    ) -> None:
        """First what was asked for, then what was made beside it: a thumbnail is made from its picture."""
        inputs = await rows.inputs(tx, self.generation_id)
        await tx.become(principal(row))
        there = await editing.visible(tx, [one["media_id"] for one in inputs])
        parents = [(one["media_id"], one["role"]) for one in inputs if one["media_id"] in there]
        await tx.become(database.WORKER)
        made = {key: one["media_id"] for key, one in known.items()}
        for key, output in sorted(fresh.items(), key=lambda pair: pair[1].role != "primary"):
            if output.role == "primary":
                above = parents
            else:
                above = [(one, output.role) for one in _beside(made, output.index)]
            media_id = await self._one(tx, row, key, output, above)
            if media_id is None:
                continue
            made[key] = media_id
            await rows.put_output(
                tx, self.generation_id, key=key, media_id=media_id, role=output.role, url=output.url,
                authenticated=output.authenticated,
            )  # fmt: skip

    async def _one(
        self,
        tx: database.Transaction,
        row: database.Row,
        key: str,
        output: contract.Output,
        parents: Sequence[tuple[uuid.UUID, str]],
    ) -> uuid.UUID | None:
        try:
            content = _content(output)
            item = self._item(row, output, parents, content)
        except errors.CaptureFailed as problem:
            self.unfit[key] = problem
            return None
        await tx.become(principal(row))
        (accepted,) = await accepting.accept(tx, [item])
        if accepted.id is None:
            raise errors.Unavailable(accepted.detail or "An output could not be accepted; it is tried again.")
        if content is not None and accepted.outcome == "new":
            await self._store(tx, key, accepted.id, content, staged=item.status == "temporary")
        await tx.become(database.WORKER)
        return accepted.id

    def _item(
        self,
        row: database.Row,
        output: contract.Output,
        parents: Sequence[tuple[uuid.UUID, str]],
        content: bytes | None,
    ) -> accepting.Acceptance:
        rules, progress = self.tools.rules, self.word.progress
        primary = output.role == "primary"
        head = types.recognise(content[: types.HEAD_BYTES]) if content is not None else None
        wanted = dict(row["wanted"])
        if not primary:
            wanted.pop("name", None)
        given = {
            "source": "generation",
            **wanted,
            **({"data": "-"} if content is not None else {"url": output.url}),
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
        if "name" not in wanted and output.name and not row["slot"]:
            given["name"] = output.name[:255]
        item = accept.acceptance(_asked(given), rules=rules, trusted=True)
        status: Literal["keeping", "temporary"] = "keeping" if row["keep"] == "auto" else "temporary"
        if content is not None:
            # Equal bytes of two jobs are two items: each has its own prompt and its own place.
            until = datetime.datetime.now(datetime.UTC) + STAGED
            ends = {"source_expires_at": until, "source_expiry_rule": "staged"} if status == "temporary" else {}
            digest = {"source_hash": hashlib.sha256(b"data:" + hashlib.sha256(content).digest()).hexdigest()}
            item = dataclasses.replace(
                item, fields=item.fields | ends | digest | {"incoming": len(content)}, again=True
            )
            return dataclasses.replace(item, status=status)
        assert output.url is not None
        return dataclasses.replace(item, status=status, origin=self._origin(row["provider"], output))

    def _origin(self, provider: str, output: contract.Output) -> accepting.Origin:
        assert output.url is not None
        return origin(output, provider=provider, word=self.word, rules=self.tools.rules)

    async def _store(
        self, tx: database.Transaction, key: str, media_id: uuid.UUID, content: bytes, *, staged: bool
    ) -> None:
        made = await captures.item(tx, media_id)
        announced = Announced(
            host="", content_type=None, length=len(content), digests=(), file_name=None, expiry_headers={}
        )
        try:
            async with pipeline.verified(made, handed_over.pieces(content), announced, self.tools.capture) as checked:
                await tx.become(database.WORKER)
                if staged:
                    await checked.writer.publish()
                    await captures.staged(tx, media_id, checked.stored)
                else:
                    await pipeline.record(tx, made, checked)
        except errors.StoreUnavailable:
            raise
        except errors.CaptureFailed as problem:
            raise _Unfit(key, problem) from None

    async def _advance(self, tx: database.Transaction, row: database.Row) -> str:
        progress = self.word.progress
        failure = progress.failure or _failure(self.unfit)
        status = progress.status
        if status == "queued" and row["status"] == "processing":
            status = "processing"
        if status == "failed" and failure is None:
            failure = contract.Failure(code="failed", detail="The provider says that it failed, and not why.")
        now = datetime.datetime.now(datetime.UTC)
        values: dict[str, Any] = {
            "status": status,
            "handle": {**row["handle"], **progress.handle},
            "progress": 1.0 if status == "completed" else _fraction(progress.progress, row["progress"]),
            "metadata": _metadata(row["metadata"], progress),
            "error_code": failure.code[:200] if failure else None,
            "error_detail": failure.detail[:2000] if failure else None,
            "error_retryable": failure.retryable if failure else None,
        }
        if row["provider_job_id"] is None:
            values |= {"provider_job_id": progress.job_id, "begun_at": row["begun_at"] or now}
        if status != "queued" and row["started_at"] is None and status != "cancelled":
            values["started_at"] = now
        if status in _ENDED:
            values["finished_at"] = now
        if self.word.cost is not None:
            values["cost"] = self.word.cost
        await rows.write(tx, self.generation_id, values)
        if status in _ENDED and self.word.cost is not None:
            there = await rows.outputs(tx, self.generation_id)
            first = next((one for one in there.values() if one["role"] == "primary"), None)
            if first is not None:
                await rows.put_cost(tx, first["media_id"], self.word.cost)
        return status


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
        output.url, rules=rules, trusted=True, provider=provider, told=told, completed_at=word.progress.finished_at
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


def _content(output: contract.Output) -> bytes | None:
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


def _beside(made: Mapping[str, uuid.UUID], index: int) -> list[uuid.UUID]:
    """The picture or video that a thumbnail and the like belong to."""
    same = made.get(f"primary/{index}")
    first = next((media_id for key, media_id in made.items() if key.startswith("primary/")), None)
    return [one for one in (same or first,) if one is not None]


def _failure(unfit: Mapping[str, errors.CaptureFailed]) -> contract.Failure | None:
    for why in unfit.values():
        more = f" ({len(unfit)} outputs)" if len(unfit) > 1 else ""
        return contract.Failure(code=why.code, detail=f"{why.detail}{more}", retryable=False)
    return None


def _fraction(told: float | None, before: float | None) -> float | None:
    return before if told is None else min(max(told, 0.0), 1.0)


def _metadata(before: Mapping[str, Any], progress: contract.Progress) -> dict[str, Any]:
    """Its last words, as long as they are of a moderate size."""
    found = dict(before)
    if progress.seed is not None:
        found["seed"] = progress.seed
    if progress.revised_prompt is not None:
        found["revised_prompt"] = progress.revised_prompt
    if progress.raw is not None:
        try:
            text = orjson.dumps(progress.raw)
        except (TypeError, ValueError):
            return found
        if len(text) <= MOST_RAW and b"\\u0000" not in text:
            found["raw"] = progress.raw
        else:
            found["raw"] = {"cut": True, "bytes": len(text)}
    return found
