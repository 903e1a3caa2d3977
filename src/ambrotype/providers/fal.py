"""fal.ai by its queue (docs.fal.ai, "Queue" and "Webhooks")."""

import dataclasses
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ambrotype.providers import adapter, contract, keepable, media_in, media_out, places, replies, signatures

VENDOR = "https://queue.fal.run"
KEYS = "https://rest.fal.ai"
"""Where fal itself publishes the keys of its webhooks."""
WELL_KNOWN = "/.well-known/jwks.json"
NAMESPACES = ("workflows", "comfy")
STATUSES: Mapping[str, contract.Status] = {"IN_QUEUE": "queued", "IN_PROGRESS": "processing", "COMPLETED": "completed"}
RETRYABLE = frozenset({
    "request_timeout", "startup_timeout", "runner_scheduling_failure", "runner_connection_timeout", "runner_disconnected",
    "runner_connection_refused", "runner_connection_error", "runner_incomplete_response", "runner_server_error",
    "internal_error", "internal_server_error", "generation_timeout", "downstream_service_unavailable",
})  # fmt: skip
"""`error_type`s that say nothing against the job (docs.fal.ai, "Request errors")."""
CANCELLED = ("client_cancelled", "client_disconnected")
NAMES = {
    "image": media_out.Names(one="image_url", several="image_urls"),
    "first_frame": media_out.Names(one="image_url"),
    "last_frame": media_out.Names(one="end_image_url"),
    "mask": media_out.Names(one="mask_url"),
    "video": media_out.Names(one="video_url", several="video_urls"),
    "audio": media_out.Names(one="audio_url", several="audio_urls"),
}
BOTH_FRAMES = {**NAMES, "first_frame": media_out.Names(one="start_image_url")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fal(adapter.Adapter):
    """fal.ai. A job is known by its `request_id`; one that this house did not start also needs its model:
    `owner/app/requests/{id}`, or the handle `{"model": …}`."""

    name: ClassVar[str] = "fal"
    label: ClassVar[str] = "fal"
    vendor: ClassVar[str] = VENDOR
    remints: ClassVar[bool] = True

    def credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Key {self.config.api_key}"}

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        model = places.model_path(job.model, least=2)
        roles = {media_out.role(given) for given in job.inputs}
        names = BOTH_FRAMES if {"first_frame", "last_frame"} <= roles else NAMES
        body = media_out.body(job, [media_out.link(given) for given in job.inputs], names)
        hook = f"?fal_webhook={urllib.parse.quote(job.webhook, safe='')}" if job.webhook else ""
        reply = yield contract.Request(method="POST", url=f"{self.base_url}/{model}{hook}", json=body, repeatable=False)
        told = self.replies.document(reply, submitting=True)
        job_id = replies.identity(told.get("request_id"))
        if job_id is None:
            raise self.replies.unreadable(reply, submitting=True)
        urls = {
            "status": told.get("status_url"),
            "response": told.get("response_url"),
            "cancel": told.get("cancel_url"),
        }
        handle = {"model": app(model), **places.homely(urls, self.base_url)}
        return contract.Progress(job_id=job_id, status="queued", handle=handle, raw=keepable.keepable(told))

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        reply = yield contract.Request(method="GET", url=self._place(job_id, handle, "status"))
        told = self.replies.stated(self.replies.document(reply), reply)
        status = STATUSES.get(replies.word(told.get("status")), "processing")
        if status != "completed":
            return contract.Progress(job_id=job_id, status=status, handle=handle, raw=keepable.keepable(told))
        reply = yield contract.Request(method="GET", url=self._place(job_id, handle, "response"))
        return self._ended(job_id, handle, told, reply)

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress | None]:
        reply = yield contract.Request(method="PUT", url=self._place(job_id, handle, "cancel"))
        word = replies.mapping(reply.json()).get("status")
        if word in ("ALREADY_COMPLETED", "NOT_FOUND") or reply.status in (400, 404):
            return None
        self.replies.document(reply)
        status: contract.Status = "cancelled" if word == "OK" else "processing"
        return contract.Progress(job_id=job_id, status=status, handle=handle)

    def secrets(self) -> contract.Conversation[Sequence[bytes]]:
        """Public keys: fal's own, a gateway's where it publishes some, or those that the setting pins."""
        if self.config.webhook_secret:
            return [raw for word in self.config.webhook_secret.split() if (raw := signatures.raw_key(word))]
        for place in [KEYS] if self.base_url == VENDOR else [self.base_url, KEYS]:
            reply = yield contract.Request(method="GET", url=f"{place}{WELL_KNOWN}")
            keys = signatures.jwks(reply.json()) if reply.status == 200 else []
            if keys:
                return keys
        raise self.replies.unreadable(reply) if reply.status == 200 else self.replies.refusal(reply)

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        if not signatures.fal(hook, secrets):
            return None
        told = replies.mapping(contract.Reply(status=200, headers={}, body=hook.body).json())
        job_id = replies.identity(told.get("request_id"))
        if job_id is None:
            return None
        delivery = f"{job_id}:{replies.identity(told.get('status'))}"
        return contract.Heard(job_id=job_id, delivery=delivery, progress=self._reported(job_id, told))

    def _reported(self, job_id: str, told: dict[str, Any]) -> contract.Progress | None:
        if told.get("status") == "OK" and isinstance(told.get("payload"), dict):
            return self._result(job_id, {}, told["payload"], raw={"result": told["payload"]})
        if told.get("status") != "ERROR":
            return None
        words = replies.said(told.get("payload"))
        code, detail = (
            words.code or replies.text(told.get("error_type")),
            words.detail or replies.text(told.get("error")),
        )
        return self._failed(job_id, {}, code, detail, raw=told)

    def _place(self, job_id: str, handle: Mapping[str, Any], what: str) -> str:
        """The URL that the submission's reply named, else the one that the documents describe."""
        stored = places.at_home(handle.get(what), self.base_url)
        if stored:
            return stored
        model, found, bare = job_id.rpartition("/requests/")
        model = model if found else str(handle.get("model") or "")
        if not model:
            raise places.refused(
                f"fal finds a request by its model and its id: write {job_id[:100]!r} as owner/app/requests/{{id}}."
            )
        request = f"{self.base_url}/{app(places.model_path(model, least=2))}/requests/{places.id_path(bare)}"
        return request if what == "response" else f"{request}/{what}"

    def _ended(
        self, job_id: str, handle: Mapping[str, Any], told: dict[str, Any], reply: contract.Reply
    ) -> contract.Progress:
        """A completed request: with `error` it failed all the same, and the result says more of why."""
        result = reply.json()
        words = replies.said(result) if reply.status >= 400 else replies.Said()
        kind = reply.headers.get("x-fal-error-type") or replies.mapping(result).get("error_type")
        raw = {"status": told, "result": result}
        if told.get("error"):
            code = words.code or replies.text(kind) or replies.text(told.get("error_type"))
            detail = words.detail or replies.said(told["error"]).detail
            return self._failed(job_id, handle, code, detail, raw=raw, again=_again(reply))
        if 200 <= reply.status < 300 and isinstance(result, dict):
            return self._result(job_id, handle, result, raw=raw, headers=reply.headers)
        if reply.status in (404, 410):
            gone = contract.Failure(code="data_removed", detail="fal has cleared the result of this request.")
            return contract.Progress(
                job_id=job_id, status="completed", failure=gone, handle=handle, raw=keepable.keepable(raw)
            )
        if reply.status in (400, 422) or (reply.status >= 500 and kind):
            code = words.code or replies.text(kind)
            return self._failed(job_id, handle, code, words.detail, raw=raw, again=_again(reply))
        raise self.replies.unreadable(reply) if reply.status < 300 else self.replies.refusal(reply)

    def _failed(
        self,
        job_id: str,
        handle: Mapping[str, Any],
        code: str | None,
        detail: str | None,
        *,
        raw: Any,
        again: bool | None = None,
    ) -> contract.Progress:
        retryable = code in RETRYABLE if again is None else again
        failure = self.replies.failure(code, detail, retryable=retryable)
        status: contract.Status = "cancelled" if code in CANCELLED else "failed"
        return contract.Progress(
            job_id=job_id, status=status, failure=failure, handle=handle, raw=keepable.keepable(raw)
        )

    def _result(
        self,
        job_id: str,
        handle: Mapping[str, Any],
        result: dict[str, Any],
        *,
        raw: Any,
        headers: Mapping[str, str] = {},
    ) -> contract.Progress:
        units = replies.number(headers.get("x-fal-billable-units"))
        flags = replies.listed(result.get("has_nsfw_concepts"))
        outputs, failure = media_in.checked(media_in.found(result), flags, label=self.label)
        return contract.Progress(
            job_id=job_id,
            status="completed",
            outputs=outputs,
            failure=failure,
            cost=None if units is None else contract.Cost(units=units),
            handle=handle,
            seed=replies.whole(result.get("seed")),
            raw=keepable.keepable(raw),
        )


def app(model: str) -> str:
    """The part of a model's name that finds its requests: what follows `owner/app` is left out."""
    segments = model.split("/")
    return "/".join(segments[: 3 if segments[0] in NAMESPACES else 2])


def _again(reply: contract.Reply) -> bool | None:
    word = reply.headers.get("x-fal-retryable", "").strip().lower()
    return word in ("1", "true") if word else None
