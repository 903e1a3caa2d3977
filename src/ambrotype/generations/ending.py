"""What a provider said becomes facts: outputs are accepted, and the state changes, in one transaction.

It may run any number of times with the same words: an output that was accepted is known by its key.
"""

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog

from ambrotype.capture import accept, pipeline
from ambrotype.capture import bytes as handed_over
from ambrotype.capture.fetch import Announced
from ambrotype.core import errors, owners
from ambrotype.generations import outputs as outputs_
from ambrotype.providers import contract
from ambrotype.records import accepting, captures, database, editing, following
from ambrotype.records import generations as rows

MOST_RAW = 64 * 1024
"""Bytes of a provider's own words that are remembered."""
_ENDED = ("completed", "failed", "cancelled")
_REVIVED = ("submission_unknown", "provider_gone")
"""Failures that were only ours to guess: the provider's word is stronger."""

log = structlog.get_logger("ambrotype.generations")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What accepting outputs needs."""

    capture: pipeline.Tools
    rules: accept.Rules


def principal(row: Mapping[str, Any]) -> owners.Principal:
    """As whom outputs are accepted: the generation's owner."""
    owner = owners.Owner(kind=row["owner_kind"], subject=row["owner_subject"])
    return owners.Principal(role="service", app=row["app"], owner=None if owner.kind == "service" else owner)


async def settle(tools: Tools, generation_id: uuid.UUID, word: outputs_.Said, *, after: float | None) -> str | None:
    """Writes the word down; the state it led to, None where the generation had ended before.

    `after` is in how many seconds to ask again where the job goes on. An output that can't be kept at all (not media, an
    address that is not to be fetched) is left out, and told in the generation's error; the rest of the batch is kept.
    Raises `errors.Unavailable` and `errors.StoreUnavailable`: nothing is written then.
    """
    outputs = outputs_.keyed(word.progress.outputs)
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
    word: outputs_.Said
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
            content = outputs_.content_of(output)
            item = outputs_.item(row, output, word=self.word, parents=parents, content=content, rules=self.tools.rules)
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
