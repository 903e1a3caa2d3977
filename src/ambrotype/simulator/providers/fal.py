"""fal.ai's queue: submit, status (also as a stream), result, cancel, webhooks, and its two ways of uploading.

After its documents (queue, webhooks, errors, media expiration) and its Python client.
"""

import asyncio
import json
import math
import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from ambrotype.simulator.providers import book, courier, desk, events, outputs, seals, uploads
from ambrotype.simulator.signing import contract
from ambrotype.simulator.state import Simulator

_APP = r"{app:(?:workflows/|comfy/)?[^/]+/[^/]+}"
_TYPES = {"unauthenticated": "authorization_error", "not_found": "not_found", "rate_limited": "rate_limited"}


def refuse(problem: desk.Problem) -> web.Response:
    """A sentence and, where there is one, a type in a header."""
    word = "internal_error" if problem.status >= 500 else _TYPES.get(problem.kind, "bad_request")
    return desk.answer(
        {"detail": problem.message, "error_type": word}, problem.status, headers={"x-fal-error-type": word}
    )


VENDOR = desk.Vendor(
    name="fal",
    prefix="/fal",
    style="fal",
    life=7 * 86400,
    remints=False,
    refuse=refuse,
    scheme="Key",
    seal=seals.fal,
    secret=lambda: secrets.token_hex(32),
)


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """The queue's, the key set's and the storage's."""
    queue = Queue(simulator)
    one = f"/{_APP}/requests/{{id}}"
    return [
        web.get("/.well-known/jwks.json", queue.jwks),  # a gateway has it where its host begins
        *queue.desk.routes(
            ("POST", "/storage/upload/initiate", queue.ticket),
            ("POST", "/storage/auth/token", queue.token),
            ("GET", one, queue.result),
            ("GET", f"{one}/status", queue.status),
            ("GET", f"{one}/status/stream", queue.stream),
            ("PUT", f"{one}/cancel", queue.cancel),
            ("POST", "/{app:[^/]+/.+}", queue.submit),
            open=(("GET", "/.well-known/jwks.json", queue.jwks), ("POST", "/files/upload", queue.upload)),
        ),
    ]


class Queue:
    """Handlers."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, VENDOR)
        self.simulator, self.book = simulator, simulator.book
        self._tokens = simulator.uploaded.tokens

    async def submit(self, request: web.Request) -> web.StreamResponse:
        model = request.match_info["app"]
        body = await desk.document(request)
        job = await self.desk.take(
            request,
            id=str(uuid.uuid4()),
            model=model,
            body=body,
            files=_files,
            webhook=request.query.get("fal_webhook"),
        )
        job.life = _life(request, job)
        await self.desk.begin(job, self._letters)
        return desk.answer({"status": "IN_QUEUE", **_handle(job), "queue_position": 0, "logs": None, "metrics": {}})

    async def status(self, request: web.Request) -> web.StreamResponse:
        job = self.desk.poll(request.match_info["id"])
        logs = request.query.get("logs", "").lower() in ("1", "true")
        document = self._status(job, logs=logs)
        return desk.answer(document, 200 if document["status"] == "COMPLETED" else 202)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The status whenever it has changed, to the end."""
        job = self.desk.poll(request.match_info["id"])
        stream = await events.Stream(request).open()
        last = None
        while not self.simulator.closing.is_set():
            document = self._status(job, logs=True)
            if document != last:
                await stream.write(document)
                last = document
            if document["status"] == "COMPLETED":
                break
            await asyncio.sleep(0.05)
        return stream.response

    def _status(self, job: book.Job, *, logs: bool) -> dict[str, Any]:
        now = self.book.now()
        document: dict[str, Any] = {**_handle(job), "logs": None}
        match job.status(now):
            case "queued":
                return {**document, "status": "IN_QUEUE", "queue_position": math.ceil(job.starts - now) - 1}
            case "running":
                done = round(100 * job.progress(now))
                lines = [{"timestamp": "", "level": "INFO", "source": "USER", "message": f"{done}%"}]
                return {**document, "status": "IN_PROGRESS", "logs": lines if logs else None}
            case status:
                time = {"metrics": {"inference_time": job.plan.run}}
                error = {} if status == "succeeded" else _error(job)[1]
                return {**document, "logs": [] if logs else None, **time, **error, "status": "COMPLETED"}

    async def result(self, request: web.Request) -> web.StreamResponse:
        job = self.desk.find(request.match_info["id"])
        now = self.book.now()
        if not job.over(now):
            raise desk.Problem(400, "Request is still in progress")
        job.fetches += 1
        headers = {"x-fal-request-id": job.id}
        if job.status(now) != "succeeded":
            status, told, document = _error(job)
            retryable = "true" if status in (500, 504) else "false"
            headers |= {"x-fal-error-type": told["error_type"], "x-fal-retryable": retryable}
            return desk.answer(document, status, headers=headers)
        units = _units(job)
        inline = job.body.get("sync_mode") is True
        urls = [await outputs.data_uri(file) for file in job.files] if inline else self._urls(job)
        return desk.answer(_payload(job, urls), headers={**headers, "x-fal-billable-units": f"{units:g}"})

    def _urls(self, job: book.Job) -> list[str]:
        return [self.desk.url(job, file) for file in job.files]

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        job = self.book.jobs.get(request.match_info["id"])
        if job is None:
            return desk.answer({"status": "NOT_FOUND"}, 404)
        waiting = job.status(self.book.now()) == "queued"
        if not await self.desk.cancel(job, self._letters):
            return desk.answer({"status": "ALREADY_COMPLETED"}, 400)
        if waiting:
            return desk.answer({"status": "OK"})
        return desk.answer({"status": "CANCELLATION_REQUESTED"}, 202)

    async def jwks(self, request: web.Request) -> web.StreamResponse:
        return desk.answer(seals.jwks(self.desk.account.secret))

    async def ticket(self, request: web.Request) -> web.StreamResponse:
        """Storage in two steps: a place, then the bytes."""
        wish = await desk.document(request)
        upload = self.simulator.uploaded.announce(
            name=str(wish.get("file_name") or ""), content_type=str(wish.get("content_type") or "")
        )
        url = self.simulator.url + upload.path
        return desk.answer({"upload_url": url, "file_url": url})

    async def token(self, request: web.Request) -> web.StreamResponse:
        """For the CDN, which takes no keys."""
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        expires = contract.iso(self.book.now() + 3600)
        base = "https://v3.fal.media" if request.host == "rest.fal.ai" else self.desk.base(request)
        return desk.answer({"token": token, "token_type": "Bearer", "base_url": base, "expires_at": expires})

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Storage in one step, with a token or a key."""
        _, _, credential = request.headers.get("Authorization", "").partition(" ")
        if credential not in self._tokens and credential not in self.desk.account.keys:
            raise desk.Problem(401, "The token is not valid.")
        name = request.headers.get("X-Fal-File-Name", "upload.bin")
        upload = self.simulator.uploaded.announce(name=name, content_type=request.headers.get("Content-Type", ""))
        self.simulator.uploaded.fill(upload, await uploads.body_of(request))
        return desk.answer({"access_url": self.simulator.url + upload.path})

    def _letters(self, job: book.Job, event: str) -> list[courier.Letter]:
        """A sync-mode result is not in the webhook: it is too large, and `payload_error` says so."""
        good = job.status(self.book.now()) == "succeeded"
        document: dict[str, Any] = {"request_id": job.id, "gateway_request_id": job.id, "status": "OK"}
        if good and job.body.get("sync_mode") is True:
            document |= {"payload": None, "payload_error": "Response payload is too large."}
        elif good:
            document["payload"] = _payload(job, self._urls(job))
        else:
            document |= {"status": "ERROR", "error": _error(job)[1]["error"], "payload": _error(job)[2]}
        return self.desk.letters(job, document, id=job.id)


def _payload(job: book.Job, urls: list[str]) -> dict[str, Any]:
    """The model's own answer."""
    files = [_file(file, url) for file, url in zip(job.files, urls, strict=True)]
    common = {"seed": job.files[0].seed, "prompt": job.body.get("prompt", ""), "timings": {"inference": job.plan.run}}
    if job.files[0].kind == "image":
        # A blocked picture of a batch is there all the same; it is this list that tells.
        flagged = [job.plan.outcome == "partial" and file is job.files[-1] for file in job.files]
        return {"images": files, "has_nsfw_concepts": flagged, **common}
    return {job.files[0].kind: files[0], **common}


def _file(file: outputs.File, url: str) -> dict[str, Any]:
    plain = {"url": url, "content_type": file.content_type, "file_name": file.name, "file_size": None}
    return {**plain, "width": file.width, "height": file.height} if file.kind == "image" else plain


def _handle(job: book.Job) -> dict[str, Any]:
    parts = job.model.split("/")
    app = "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])
    url = f"{job.base}/{app}/requests/{job.id}"
    return {
        "request_id": job.id,
        "gateway_request_id": job.id,
        "response_url": url,
        "status_url": f"{url}/status",
        "cancel_url": f"{url}/cancel",
    }


def _files(job: book.Job) -> list[outputs.File]:
    count = int(desk.number(job.body, "num_images", default=1, most=16))
    size = outputs.size_of(job.body.get("image_size") or job.body.get("aspect_ratio"))
    return outputs.make(job, count=count, size=size, format=str(job.body.get("output_format") or "jpeg"))


def _life(request: web.Request, job: book.Job) -> float:
    """Of the files: the plan's, else the header's (null is for ever), else the account's."""
    header = request.headers.get("X-Fal-Object-Lifecycle-Preference")
    if job.plan.life is not None or header is None:
        return job.life
    try:
        wish: Mapping[str, Any] = json.loads(header)
        seconds = wish.get("expiration_duration_seconds", VENDOR.life)
        return math.inf if seconds is None else float(seconds)
    except (ValueError, TypeError, AttributeError):
        raise desk.Problem(400, "X-Fal-Object-Lifecycle-Preference is not valid.") from None


def _units(job: book.Job) -> float:
    """Megapixels of pictures, seconds of anything else."""
    if job.files and job.files[0].kind == "image":
        return float(sum(max(1, math.ceil(file.width * file.height / 1e6)) for file in job.files))
    return float(sum(file.seconds for file in job.files))


def _error(job: book.Job) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Status of the result, what the job's status says, and the result's document."""
    if job.cancelled is not None or job.plan.outcome == "cancelled":
        told = {"error": "Request was cancelled by the client", "error_type": "client_cancelled"}
        return 499, told, {"detail": told["error"], "error_type": told["error_type"]}
    if job.plan.outcome in ("failed", "expired"):
        late = job.plan.outcome == "expired"
        word = "request_timeout" if late else "runner_server_error"
        told = {"error": "Request timed out" if late else "Runner failed with a server error", "error_type": word}
        return 504 if late else 500, told, {"detail": told["error"], "error_type": word}
    blocked = job.plan.outcome == "blocked"
    word = "content_policy_violation" if blocked else "value_error"
    message = (
        "The content could not be processed because it contained material flagged by a content checker."
        if blocked
        else "The prompt is not valid."
    )
    detail = {
        "loc": ["body", "prompt"],
        "msg": message,
        "type": word,
        "url": f"https://docs.fal.ai/errors#{word}",
        "input": job.body.get("prompt"),
    }
    return 422, {"error": message, "error_type": word}, {"detail": [detail]}
