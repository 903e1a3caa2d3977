"""Videos in the shape of OpenAI's API (API reference, "Videos"). OpenAI shut its own down on 2026-09-24; gateways serve it on.

A video is downloaded by an authenticated call. Gateways differ in what it answers, so a look at it comes first: some
answer with JSON that names a URL, many have no thumbnail.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal

from ambrotype.core import links, moments
from ambrotype.providers import contract, keepable, media_in, openai_images, places, replies

STATUSES: Mapping[str, contract.Status] = {
    "queued": "queued",
    "pending": "queued",
    "in_progress": "processing",
    "processing": "processing",
    "completed": "completed",
    "succeeded": "completed",
    "failed": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "expired": "completed",
}
VARIANTS: tuple[tuple[str, Literal["primary", "thumbnail", "spritesheet"], contract.Kind], ...] = (
    ("video", "primary", "video"),
    ("thumbnail", "thumbnail", "image"),
    ("spritesheet", "spritesheet", "image"),
)
LOOK = 64 * 1024
"""Bytes of a download that are looked at: enough for any JSON that stands in for it."""
EXTENDING = ("extend", "extension", "extended")
REMIXING = ("remix", "remixed")
RETRYABLE = re.compile("internal|server_error|timeout|overload|rate_limit", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Videos:
    """`videos` below a base URL."""

    base_url: str
    replies: replies.Reader

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        reply = yield self._request(job)
        told = self.replies.document(reply, submitting=True)
        job_id = replies.identity(told.get("id"))
        if job_id is None:
            raise self.replies.unreadable(reply, submitting=True)
        return self._progress(job_id, told)

    def follow(self, job_id: str) -> contract.Conversation[contract.Progress]:
        reply = yield contract.Request(method="GET", url=self._video(job_id))
        if reply.status in (404, 410):
            raise self._gone(reply)
        told = self.replies.stated(self.replies.document(reply), reply)
        now = self._progress(job_id, told)
        if now.status != "completed":
            return now
        if told["status"] == "expired":
            return dataclasses.replace(now, failure=self._expired())
        outputs = _direct(told, self.base_url) or (yield from self._content(job_id))
        ends = moments.epoch(told.get("expires_at"))
        return dataclasses.replace(
            now,
            outputs=tuple(dataclasses.replace(output, index=at, expires_at=ends) for at, output in enumerate(outputs)),
            failure=None if any(output.role == "primary" for output in outputs) else self._expired(),
        )

    def cancel(self, job_id: str) -> contract.Conversation[contract.Progress | None]:
        """By deleting it, and only while it is unfinished: deleting a finished one would lose it."""
        reply = yield contract.Request(method="GET", url=self._video(job_id))
        now = self._progress(job_id, self.replies.stated(self.replies.document(reply), reply))
        if now.status not in ("queued", "processing"):
            return now if now.status == "cancelled" else None
        reply = yield contract.Request(method="DELETE", url=self._video(job_id), repeatable=False)
        if reply.status in (400, 404, 405, 409):
            return None
        deleted = self.replies.document(reply).get("deleted")
        return dataclasses.replace(now, status="cancelled") if deleted is True else now

    def _video(self, job_id: str) -> str:
        return f"{self.base_url}/videos/{places.id_path(job_id)}"

    def _request(self, job: contract.Job) -> contract.Request:
        """One of four calls: a new video, or a remix, an extension or an edit of one."""
        body = {key: _seconds(key, value) for key, value in job.settings.items()}
        if job.prompt is not None:
            body["prompt"] = job.prompt
        earlier = next((given for given in job.inputs if given.kind == "video" and given.job_id), None)
        if earlier and earlier.job_id and earlier.role in REMIXING:
            return self._post(f"videos/{places.id_path(earlier.job_id)}/remix", body)
        source = earlier or next((given for given in job.inputs if given.kind == "video"), None)
        if source:
            call = "videos/extensions" if source.role in EXTENDING else "videos/edits"
            if source.job_id:
                return self._post(call, {**body, "video": {"id": source.job_id}})
            return self._post(call, body, (source,))
        body["model"] = job.model
        addressed = [given for given in job.inputs if given.data is None and given.url and given.url[:5] != "data:"]
        if addressed and len(job.inputs) == 1:
            return self._post("videos", {"input_reference": {"image_url": addressed[0].url}, **body})
        return self._post("videos", body, tuple(job.inputs))

    def _post(self, path: str, body: dict[str, Any], files: tuple[contract.Input, ...] = ()) -> contract.Request:
        call = contract.Request(method="POST", url=f"{self.base_url}/{path}", repeatable=False, timeout=120.0)
        if not files:
            return dataclasses.replace(call, json=body)
        names = {"image": "input_reference", "first_frame": "input_reference", "video": "video"}
        names |= dict.fromkeys(EXTENDING, "video")
        return dataclasses.replace(call, parts=tuple(openai_images.parts(body, files, names=names)))

    def _progress(self, job_id: str, told: dict[str, Any]) -> contract.Progress:
        status = STATUSES.get(replies.word(told.get("status")), "processing")
        share = replies.number(told.get("progress"))
        over = status in ("completed", "failed", "cancelled")
        seconds = replies.number(told.get("seconds"))
        return contract.Progress(
            job_id=job_id,
            status=status,
            progress=None if over or share is None else min(share / 100, 1.0),
            failure=self._failure(told.get("error")) if status == "failed" else None,
            cost=contract.Cost(units=seconds, unit="second", estimated=True)
            if status == "completed" and seconds is not None
            else None,
            finished_at=moments.epoch(told.get("completed_at")) if over else None,
            raw=keepable.keepable(told),
        )

    def _failure(self, error: Any) -> contract.Failure:
        said = replies.said(error)
        return self.replies.failure(said.code, said.detail, retryable=bool(said.code and RETRYABLE.search(said.code)))

    def _content(self, job_id: str) -> contract.Conversation[list[contract.Output]]:
        """What the download calls give, as a look at the beginning of each shows."""
        outputs = []
        for variant, role, kind in VARIANTS:
            url = f"{self._video(job_id)}/content?variant={variant}"
            reply = yield contract.Request(
                method="GET", url=url, headers={"Accept": "application/binary, application/json;q=0.5"}, first=LOOK
            )
            output = self._looked(reply, url)
            if output is None and role == "primary" and reply.status not in (200, 404, 410):
                raise self.replies.refusal(reply, again=reply.status in (400, 409, 425))
            if output:
                outputs.append(dataclasses.replace(output, role=role, kind=kind))
            elif role == "primary":
                return []
        return outputs

    def _looked(self, reply: contract.Reply, url: str) -> contract.Output | None:
        """The output behind a download call; None where there is none (any more)."""
        if reply.status in (401, 429) or reply.status >= 500:
            raise self.replies.refusal(reply)
        content_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        if 300 <= reply.status < 400:  # the capture follows it, and the key stays behind
            return contract.Output(url=url, authenticated=True)
        if reply.status >= 300:
            return None
        if "json" not in content_type and reply.body[:1] not in (b"{", b"["):
            named = content_type if content_type.startswith(("video/", "image/")) else None
            return contract.Output(url=url, authenticated=True, content_type=named) if reply.body else None
        told = reply.json()
        return next(iter(_direct(replies.mapping(told), self.base_url) or media_in.found(told).outputs), None)

    def _expired(self) -> contract.Failure:
        return contract.Failure(
            code="source_expired", detail=f"{self.replies.label} does not hold this video's file any more."
        )

    def _gone(self, reply: contract.Reply) -> contract.Refused:
        refusal = self.replies.refusal(reply)
        link = links.parse(self.base_url)
        if link is None or link.host != "api.openai.com":
            return refusal
        words = "OpenAI shut its videos down on 2026-09-24; this one can't be fetched any more."
        return contract.Refused(contract.Failure(code="provider_gone", detail=words))


def _direct(told: dict[str, Any], base_url: str) -> list[contract.Output]:
    """URLs that a gateway names in the object itself."""
    metadata, output = replies.mapping(told.get("metadata")), told.get("output")
    named = [told.get("video_url"), told.get("url"), metadata.get("url"), metadata.get("video_url")]
    named += [replies.mapping(output).get("url"), output, *replies.listed(told.get("urls"))]
    address = next((text for value in named if (text := replies.text(value)) and text.startswith("http")), None)
    found = media_in.of_url(address) if address else None
    if found is None:
        return []
    own = places.at_home(address, base_url) is not None and "/content" in (address or "")
    return [dataclasses.replace(found, kind="video", authenticated=own)]


def _seconds(key: str, value: Any) -> Any:
    """`seconds` is written as a string there."""
    return str(value) if key == "seconds" and isinstance(value, int) and not isinstance(value, bool) else value
