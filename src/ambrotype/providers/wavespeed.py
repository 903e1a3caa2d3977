"""WaveSpeed AI (wavespeed.ai/docs: "Submit task", "Get result", "Delete task", "Verify webhooks")."""

import dataclasses
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ambrotype.core import moments
from ambrotype.providers import adapter, contract, keepable, media_in, media_out, places, replies, signatures

STATUSES: Mapping[str, contract.Status] = {
    "created": "queued",
    "queued": "queued",
    "processing": "processing",
    "completed": "completed",
    "failed": "failed",
    "timeout": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "deleted": "cancelled",
}
STILL_RUNNING = 5004
"""The wait for a synchronous answer ran out; the job goes on."""
NAMES = {
    "image": media_out.Names(one="image", several="images"),
    "first_frame": media_out.Names(one="image"),
    "last_frame": media_out.Names(one="last_image"),
    "mask": media_out.Names(one="mask_image"),
    "video": media_out.Names(one="video", several="videos"),
    "audio": media_out.Names(one="audio", several="audios"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class WaveSpeed(adapter.Adapter):
    """WaveSpeed AI. Bytes are uploaded through its own call."""

    name: ClassVar[str] = "wavespeed"
    label: ClassVar[str] = "WaveSpeed"
    vendor: ClassVar[str] = "https://api.wavespeed.ai/api/v3"
    path: ClassVar[str] = "/api/v3"
    remints: ClassVar[bool] = True

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        model = places.model_path(job.model)
        links = yield from media_out.linked(job.inputs, self._link)
        hook = f"?webhook={urllib.parse.quote(job.webhook, safe='')}" if job.webhook else ""
        body = media_out.body(job, links, NAMES)
        reply = yield contract.Request(
            method="POST",
            url=f"{self.base_url}/{model}{hook}",
            json=body,
            repeatable=False,
            timeout=600.0 if body.get("enable_sync_mode") else 60.0,
        )
        data = self._data(reply, submitting=True)
        job_id = replies.identity(data.get("id"))
        if job_id is None:
            raise self.replies.unreadable(reply, submitting=True)
        urls = {"get": replies.mapping(data.get("urls")).get("get")}
        return self._progress(job_id, places.homely(urls, self.base_url), data)

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        url = places.at_home(handle.get("get"), self.base_url)
        reply = yield contract.Request(method="GET", url=url or f"{self._prediction(job_id)}/result")
        return self._progress(job_id, handle, self.replies.stated(self._data(reply), reply))

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress | None]:
        now = yield from self.follow(job_id, handle)
        if now.status not in ("queued", "processing"):
            return None
        reply = yield contract.Request(method="DELETE", url=self._prediction(job_id))
        if reply.status in (400, 404, 405):
            return None
        data = self._data(reply)
        status = STATUSES.get(replies.word(data.get("status")), "cancelled")
        return dataclasses.replace(now, status="cancelled" if status == "cancelled" else now.status)

    def secrets(self) -> contract.Conversation[Sequence[bytes]]:
        """The API key's own webhook secret, as WaveSpeed tells it where the setting does not."""
        if self.config.webhook_secret:
            return [self.config.webhook_secret.encode()]
        reply = yield contract.Request(method="GET", url=f"{self.base_url}/webhook/secret")
        secret = replies.text(self._data(reply).get("secret"))
        if secret is None:
            raise self.replies.unreadable(reply)
        return [secret.encode()]

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        if not signatures.wavespeed(hook, secrets):
            return None
        told = replies.mapping(contract.Reply(status=200, headers={}, body=hook.body).json())
        data = told if "status" in told else replies.mapping(told.get("data"))
        job_id = replies.identity(data.get("id"))
        if job_id is None:
            return None
        progress = self._progress(job_id, {}, data)
        return contract.Heard(job_id=job_id, delivery=hook.headers["webhook-id"], progress=progress)

    def _prediction(self, job_id: str) -> str:
        return f"{self.base_url}/predictions/{places.id_path(job_id)}"

    def _data(self, reply: contract.Reply, *, submitting: bool = False) -> dict[str, Any]:
        """What stands in the wrapper. An error may come with status 200 and a `code` of its own."""
        told = self.replies.document(reply, submitting=submitting)
        data, code = replies.mapping(told.get("data")), told.get("code")
        if isinstance(code, int) and code not in (200, STILL_RUNNING) and not data.get("id"):
            status = code if 400 <= code < 600 else 400
            raise self.replies.refusal(dataclasses.replace(reply, status=status), submitting=submitting)
        return data or {key: told[key] for key in ("id", "status", "upload", "download_url", "secret") if key in told}

    def _progress(self, job_id: str, handle: Mapping[str, Any], data: dict[str, Any]) -> contract.Progress:
        word = replies.word(data.get("status"))
        status = STATUSES.get(word, "processing")
        flags = replies.listed(data.get("has_nsfw_contents"))
        outputs, failure = media_in.checked(media_in.found(data.get("outputs")), flags, label=self.label)
        if status == "failed":
            failure = self._failure(word, data, blocked=True in flags)
        return contract.Progress(
            job_id=job_id,
            status=status,
            outputs=outputs,
            failure=failure if status in ("completed", "failed") else None,
            handle=handle,
            finished_at=self._finished(data) if status == "completed" else None,
            raw=keepable.keepable(data),
        )

    def _failure(self, word: str, data: dict[str, Any], *, blocked: bool) -> contract.Failure:
        said = replies.said(data.get("error"))
        if word == "timeout":
            return contract.Failure(
                code="timeout",
                detail=self.replies.plain(said.detail or "WaveSpeed says that the job took too long."),
                retryable=True,
            )
        return self.replies.failure("nsfw_content" if blocked else said.code, said.detail)

    def _finished(self, data: dict[str, Any]) -> Any:
        """Begin and time of inference are told, waiting is not: the end is this or later, so a deadline errs to the safe side."""
        begun = moments.iso(replies.word(data.get("created_at")))
        took = replies.number(replies.mapping(data.get("timings")).get("inference"))
        return moments.after(begun, milliseconds=took or 0) if begun else None

    def _link(self, given: contract.Input) -> contract.Conversation[str]:
        """A URL as it is; bytes by the vendor's upload call."""
        if given.url or given.data is None:
            return media_out.link(given)
        described = {
            "filename": media_out.file_name(given),
            "size": len(given.data),
            "content_type": given.content_type,
        }
        reply = yield contract.Request(method="POST", url=f"{self.base_url}/media/uploads", json=described)
        data = self._data(reply)
        upload, address = replies.mapping(data.get("upload")), replies.text(data.get("download_url"))
        url = replies.text(upload.get("url"))
        if address is None or url is None or places.origin(url) is None:
            raise self.replies.unreadable(reply)
        headers = {
            name: value for name, value in replies.mapping(upload.get("headers")).items() if isinstance(value, str)
        }
        reply = yield contract.Request(method="PUT", url=url, headers=headers, body=given.data, timeout=600.0)
        if not 200 <= reply.status < 300:
            raise self.replies.refusal(reply)
        return address
