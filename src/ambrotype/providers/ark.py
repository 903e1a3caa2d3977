"""BytePlus ModelArk and Volcengine Ark: Seedream images and Seedance videos (the SDK's `ark` runtime types).

Images are answered at once or as a stream; videos are tasks. Nothing is signed: a report only names a task, which is
then asked for.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from ambrotype.core import moments
from ambrotype.providers import adapter, contract, keepable, media_in, media_out, places, replies, streams

STATUSES: Mapping[str, contract.Status] = {
    "queued": "queued",
    "running": "processing",
    "succeeded": "completed",
    "failed": "failed",
    "expired": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
ROLES = {
    "image": "first_frame",
    "first_frame": "first_frame",
    "last_frame": "last_frame",
    "reference_image": "reference_image",
    "video": "reference_video",
    "reference_video": "reference_video",
    "audio": "reference_audio",
    "reference_audio": "reference_audio",
}
RETRYABLE = re.compile(r"internal|overload|timeout|ratelimit|toomany", re.IGNORECASE)
FILES: tuple[tuple[str, Literal["primary", "last_frame"]], ...] = (
    ("video_url", "primary"),
    ("last_frame_url", "last_frame"),
    ("file_url", "primary"),
)
_VIDEO = re.compile(r"seedance|video|[-_](?:t2v|i2v)", re.IGNORECASE)
_IMAGE = re.compile(r"seedream|seededit|image|[-_]t2i", re.IGNORECASE)
IMAGE_NAMES = {"image": media_out.Names(one="image"), "mask": media_out.Names(one="mask")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ark(adapter.Adapter):
    """Ark. Its keys and tasks belong to one region, which the base URL chooses."""

    name: ClassVar[str] = "ark"
    label: ClassVar[str] = "Ark"
    vendor: ClassVar[str] = "https://ark.ap-southeast.bytepluses.com/api/v3"
    path: ClassVar[str] = "/api/v3"
    kinds: ClassVar[frozenset[contract.Kind]] = frozenset({"image", "video"})
    signs: ClassVar[bool] = False

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        return (yield from self._video(job) if makes_video(job) else self._images(job))

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        if replies.is_made(job_id):
            raise places.refused("Ark answers images at once and can't be asked for them again.", code="provider_gone")
        reply = yield contract.Request(method="GET", url=self._task(job_id))
        return self._progress(job_id, self.replies.stated(self.replies.document(reply), reply))

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress | None]:
        """Only a queued task: for any other the same call would delete its record (the API's "Cancel or delete")."""
        if replies.is_made(job_id):
            return None
        now = yield from self.follow(job_id, handle)
        if now.status != "queued":
            return now if now.status == "cancelled" else None
        reply = yield contract.Request(method="DELETE", url=self._task(job_id), repeatable=False)
        if reply.status in (400, 404, 409):
            return None
        if not 200 <= reply.status < 300:
            raise self.replies.refusal(reply)
        return dataclasses.replace(now, status="cancelled")

    def secrets(self) -> contract.Conversation[Sequence[bytes]]:
        """None: reports come to a path with a token."""
        yield from ()
        return ()

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        told = replies.mapping(contract.Reply(status=200, headers={}, body=hook.body).json())
        job_id = replies.identity(told.get("id"))
        return (
            None
            if job_id is None
            else contract.Heard(job_id=job_id, delivery=f"{job_id}:{replies.identity(told.get('status'))}")
        )

    def _task(self, job_id: str) -> str:
        return f"{self.base_url}/contents/generations/tasks/{places.id_path(job_id)}"

    # Videos

    def _video(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        given = dict(job.settings)
        content = replies.listed(given.pop("content", None))
        prompt = [] if job.prompt is None else [{"type": "text", "text": job.prompt}]
        body = {**given, "model": job.model, "content": [*prompt, *content, *pieces(job.inputs)]}
        if job.webhook:
            body["callback_url"] = job.webhook
        url = f"{self.base_url}/contents/generations/tasks"
        reply = yield contract.Request(method="POST", url=url, json=body, repeatable=False)
        told = self.replies.document(reply, submitting=True)
        job_id = replies.identity(told.get("id"))
        if job_id is None:
            raise self.replies.unreadable(reply, submitting=True)
        return contract.Progress(job_id=job_id, status="queued", raw=keepable.keepable(told))

    def _progress(self, job_id: str, told: dict[str, Any]) -> contract.Progress:
        word = replies.word(told.get("status"))
        status = STATUSES.get(word, "processing")
        content = told.get("content")
        outputs, failure = _outputs(content) or media_in.found(content).outputs, None
        if status == "completed" and content:
            failure = None if outputs else _nothing()
        elif status == "completed":
            words = "Ark has cleared this task's files, as it does 24 hours after the end."
            failure = contract.Failure(code="source_expired", detail=words)
        if status == "failed":
            failure = self._failure(told.get("error"), expired=word == "expired")
        tokens = replies.number(replies.mapping(told.get("usage")).get("completion_tokens"))
        over = status in ("completed", "failed", "cancelled")
        return contract.Progress(
            job_id=job_id,
            status=status,
            outputs=outputs,
            failure=failure,
            cost=contract.Cost(units=tokens, unit="token") if over and tokens is not None else None,
            seed=replies.whole(told.get("seed")),
            revised_prompt=replies.text(told.get("revised_prompt")),
            finished_at=moments.epoch(told.get("updated_at")) if over else None,
            raw=keepable.keepable(told),
        )

    def _failure(self, error: Any, *, expired: bool = False) -> contract.Failure:
        said = replies.said(error)
        if expired:
            words = said.detail or "Ark gave the task up: it waited longer than execution_expires_after."
            return contract.Failure(code="timeout", detail=self.replies.plain(words), retryable=True)
        return self.replies.failure(said.code, said.detail, retryable=bool(said.code and RETRYABLE.search(said.code)))

    # Images

    def _images(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        body = media_out.body(job, [media_out.link(given) for given in job.inputs], IMAGE_NAMES)
        streamed = bool(body.pop("stream", job.partial))
        body |= {"model": job.model, **({"stream": True} if streamed else {})}
        reply = yield contract.Request(
            method="POST",
            url=f"{self.base_url}/images/generations",
            json=body,
            repeatable=False,
            events=streamed,
            limit=streams.MOST,
            timeout=600.0,
        )
        if not streams.flowing(reply):
            told = self.replies.document(reply, submitting=True)
            if not isinstance(told.get("data"), list) and not told.get("error"):
                raise self.replies.unreadable(reply, submitting=True)
            return self._answered(replies.made_id(reply), told)
        job_id, wanted = replies.made_id(reply), _wanted(body)
        items: list[Any] = []
        end: dict[str, Any] = {}
        while (event := streams.event(reply)) is not None:
            kind = replies.word(event.get("type"))
            if kind.endswith(".completed"):
                end = event
            elif event.get("error") and "image_index" not in event:
                end = {**end, "error": event["error"]}
            elif "image_index" in event:
                items.append(event)
            reply = yield contract.More(progress=self._meanwhile(job_id, items, wanted))
        if not items and not end:
            raise self.replies.unreadable(reply, submitting=True)
        items.sort(key=lambda item: replies.number(item.get("image_index")) or 0)
        return self._answered(job_id, {**end, "data": items})

    def _meanwhile(self, job_id: str, items: list[Any], wanted: int) -> contract.Progress:
        share = min(len(items) / wanted, 0.99)
        return contract.Progress(job_id=job_id, status="processing", progress=share)

    def _answered(self, job_id: str, told: dict[str, Any]) -> contract.Progress:
        items = [replies.mapping(item) for item in replies.listed(told.get("data"))]
        outputs = media_in.found([item for item in items if not item.get("error")]).outputs
        failed = [item["error"] for item in items if item.get("error")]
        failed += [told["error"]] if told.get("error") else []
        failure = self._failure(failed[0]) if failed else None
        if failure and outputs:
            words = f"{len(failed)} of {len(items)} images failed. {failure.detail}"
            failure = dataclasses.replace(failure, detail=words)
        if not outputs and not failure:
            failure = _nothing()
        usage = replies.mapping(told.get("usage"))
        images, tokens = replies.number(usage.get("generated_images")), replies.number(usage.get("output_tokens"))
        parts = {"image": images, "output_token": tokens}
        return contract.Progress(
            job_id=job_id,
            status="completed" if outputs else "failed",
            outputs=outputs,
            failure=failure,
            cost=None
            if images is None
            else contract.Cost(
                units=images, unit="image", parts={unit: count for unit, count in parts.items() if count is not None}
            ),
            seed=replies.whole(told.get("seed")),
            finished_at=moments.epoch(told.get("created") or told.get("created_at")),
            raw=keepable.keepable(told),
        )


def makes_video(job: contract.Job) -> bool:
    """By the kind that was asked for, else by the model's name. Raises `contract.Refused` where neither tells."""
    if job.kind in ("image", "video"):
        return job.kind == "video"
    if bool(_VIDEO.search(job.model)) == bool(_IMAGE.search(job.model)):
        raise places.refused(f"Whether {job.model[:100]!r} makes images or videos can't be told: give the kind.")
    return bool(_VIDEO.search(job.model))


def pieces(inputs: Sequence[contract.Input]) -> list[dict[str, Any]]:
    """The inputs as entries of a task's content. An unknown role is handed on as Ark's own; of several pictures without
    a role each is a reference."""
    several = sum(media_out.role(given) == "image" for given in inputs) > 1
    return [_piece(given, several=several) for given in inputs]


def _piece(given: contract.Input, *, several: bool) -> dict[str, Any]:
    if given.role in ("draft", "draft_task") and given.job_id:
        return {"type": "draft_task", "draft_task": {"id": given.job_id}}
    name, role = f"{given.kind}_url", media_out.role(given)
    if given.role == "reference" or (several and role == "image"):
        role = f"reference_{given.kind}"
    return {"type": name, name: {"url": media_out.link(given)}, "role": ROLES.get(role, given.role)}


def _outputs(content: Any) -> tuple[contract.Output, ...]:
    told = replies.mapping(content)
    found = [(media_in.of_url(url), role) for key, role in FILES if (url := replies.text(told.get(key)))]
    kept = [(output, role) for output, role in found if output]
    return tuple(
        dataclasses.replace(
            output, index=index, role=role, kind=output.kind or ("image" if role == "last_frame" else "video")
        )
        for index, (output, role) in enumerate(kept)
    )


def _nothing() -> contract.Failure:
    return contract.Failure(code="no_output", detail="Ark says that the job is done, and names no file.")


def _wanted(body: dict[str, Any]) -> int:
    most = replies.mapping(body.get("sequential_image_generation_options")).get("max_images")
    several = body.get("sequential_image_generation") == "auto" and isinstance(most, int)
    return max(most, 1) if several and isinstance(most, int) else 1
