"""Replicate (replicate.com/docs: "HTTP API", "Receive webhooks", "Data retention")."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ambrotype.core import moments
from ambrotype.providers import adapter, contract, keepable, media_in, media_out, places, replies, signatures

STATUSES: Mapping[str, contract.Status] = {
    "starting": "queued",
    "queued": "queued",
    "processing": "processing",
    "succeeded": "completed",
    "successful": "completed",
    "failed": "failed",
    "canceled": "cancelled",
    "cancelled": "cancelled",
    "aborted": "failed",
}
EVENTS = ("start", "output", "completed")
SMALL = 256 * 1024
"""Bytes up to which Replicate wants inputs as data URIs; larger ones are uploaded."""
BILLED_BY = {
    "predict_time": "second",
    "image_count": "image",
    "image_output_count": "image",
    "video_output_duration_seconds": "video_second",
    "audio_output_duration_seconds": "audio_second",
    "input_token_count": "input_token",
    "output_token_count": "output_token",
}
"""Measures of a prediction by which models are priced. The price itself is not told."""
NAMES = {
    "image": media_out.Names(one="image", several="images"),
    "first_frame": media_out.Names(one="image"),
    "last_frame": media_out.Names(one="last_frame_image"),
    "mask": media_out.Names(one="mask"),
    "video": media_out.Names(one="video", several="videos"),
    "audio": media_out.Names(one="audio"),
}
_VERSION = re.compile(r"[0-9a-f]{40,64}")
_PERCENT = re.compile(r"(\d{1,3})%\|")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replicate(adapter.Adapter):
    """Replicate. A model is `owner/name`, `owner/name:version`, a version's id, or `deployments/owner/name`."""

    name: ClassVar[str] = "replicate"
    label: ClassVar[str] = "Replicate"
    vendor: ClassVar[str] = "https://api.replicate.com/v1"
    path: ClassVar[str] = "/v1"
    remints: ClassVar[bool] = True

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        path, version = target(job.model)
        links = yield from media_out.linked(job.inputs, self._link)
        body: dict[str, Any] = {**version, "input": media_out.body(job, links, NAMES)}
        if job.webhook:
            body |= {"webhook": job.webhook, "webhook_events_filter": list(EVENTS)}
        reply = yield contract.Request(method="POST", url=f"{self.base_url}/{path}", json=body, repeatable=False)
        told = self.replies.document(reply, submitting=True)
        job_id = replies.identity(told.get("id"))
        if job_id is None:
            raise self.replies.unreadable(reply, submitting=True)
        urls = replies.mapping(told.get("urls"))
        handle = places.homely({"get": urls.get("get"), "cancel": urls.get("cancel")}, self.base_url)
        return self._progress(job_id, handle, told)

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        url = places.at_home(handle.get("get"), self.base_url) or self._prediction(job_id)
        reply = yield contract.Request(method="GET", url=url)
        return self._progress(job_id, handle, self.replies.stated(self.replies.document(reply), reply))

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress | None]:
        url = places.at_home(handle.get("cancel"), self.base_url) or f"{self._prediction(job_id)}/cancel"
        reply = yield contract.Request(method="POST", url=url)
        if reply.status in (404, 409, 422):
            return None
        now = self._progress(job_id, handle, self.replies.document(reply))
        return None if now.status in ("completed", "failed") else now

    def secrets(self) -> contract.Conversation[Sequence[bytes]]:
        """The account's default webhook secret, as Replicate tells it where the setting does not."""
        if self.config.webhook_secret:
            return [self.config.webhook_secret.encode()]
        reply = yield contract.Request(method="GET", url=f"{self.base_url}/webhooks/default/secret")
        secret = replies.text(self.replies.document(reply).get("key"))
        if secret is None:
            raise self.replies.unreadable(reply)
        return [secret.encode()]

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        if not signatures.standard(hook, secrets):
            return None
        told = replies.mapping(contract.Reply(status=200, headers={}, body=hook.body).json())
        if "status" not in told:  # the wrapper that a widespread guide shows
            told = replies.mapping(told.get("data"))
        job_id = replies.identity(told.get("id"))
        if job_id is None:
            return None
        progress = self._progress(job_id, {}, told)
        return contract.Heard(job_id=job_id, delivery=hook.headers["webhook-id"], progress=progress)

    def _prediction(self, job_id: str) -> str:
        return f"{self.base_url}/predictions/{places.id_path(job_id)}"

    def _progress(self, job_id: str, handle: Mapping[str, Any], told: dict[str, Any]) -> contract.Progress:
        status = STATUSES.get(replies.word(told.get("status")), "processing")
        files = media_in.found(told.get("output"))
        outputs, failure = media_in.checked(files, label=self.label)
        if status == "completed" and told.get("data_removed") is True and not outputs:
            words = "Replicate has removed this prediction's data, as it does an hour after the end."
            failure = contract.Failure(code="data_removed", detail=words)
        if status == "failed":
            failure = self._failure(told)
        metrics = replies.mapping(told.get("metrics"))
        done, total = replies.number(metrics.get("predict_time")), status in ("completed", "failed", "cancelled")
        return contract.Progress(
            job_id=job_id,
            status=status,
            progress=None if total else _percent(told.get("logs")),
            outputs=tuple(self._own(output) for output in outputs),
            failure=failure if status in ("completed", "failed") else None,
            cost=_cost(metrics, done) if total else None,
            handle=handle,
            seed=replies.whole(replies.mapping(told.get("input")).get("seed")),
            finished_at=moments.iso(replies.word(told.get("completed_at"))) if total else None,
            raw=keepable.keepable(told),
        )

    def _failure(self, told: dict[str, Any]) -> contract.Failure:
        said = replies.said(told.get("error"))
        aborted = told.get("status") == "aborted"
        return self.replies.failure("aborted" if aborted else said.code, said.detail, retryable=aborted)

    def _own(self, output: contract.Output) -> contract.Output:
        """Files of Replicate's file API answer only with its key."""
        own = bool(output.url and output.url.startswith(f"{self.base_url}/files/"))
        return dataclasses.replace(output, authenticated=True) if own else output

    def _link(self, given: contract.Input) -> contract.Conversation[str]:
        """A URL as it is, few bytes as a data URI, many by the file API."""
        if given.url or given.data is None or len(given.data) <= SMALL:
            return media_out.link(given)
        part = contract.Part(
            name="content", data=given.data, filename=media_out.file_name(given), content_type=given.content_type
        )
        reply = yield contract.Request(method="POST", url=f"{self.base_url}/files", parts=(part,), timeout=600.0)
        address = replies.text(replies.mapping(self.replies.document(reply).get("urls")).get("get"))
        if address is None:
            raise self.replies.unreadable(reply)
        return address


def target(model: str) -> tuple[str, dict[str, str]]:
    """Path of the call that starts a model, and the version in its body. Raises `contract.Refused`."""
    name, _, version = places.model_path(model).partition(":")
    if _VERSION.fullmatch(version or name):
        return "predictions", {"version": version or name}
    if version or name.count("/") != (2 if name.startswith("deployments/") else 1):
        raise places.refused(
            f"{model[:100]!r} is not a model of Replicate: write owner/name, owner/name:version, a version's id,"
            " or deployments/owner/name."
        )
    return f"{name if name.startswith('deployments/') else f'models/{name}'}/predictions", {}


def _cost(metrics: dict[str, Any], seconds: float | None) -> contract.Cost | None:
    parts = {unit: value for key, unit in BILLED_BY.items() if (value := replies.number(metrics.get(key))) is not None}
    if not parts:
        return None
    return contract.Cost(units=seconds, unit="second" if seconds is not None else None, parts=parts, estimated=True)


def _percent(logs: object) -> float | None:
    """The last bar that the model drew into its logs."""
    found = _PERCENT.findall(logs[-4_000:]) if isinstance(logs, str) else []
    return min(int(found[-1]), 100) / 100 if found else None
