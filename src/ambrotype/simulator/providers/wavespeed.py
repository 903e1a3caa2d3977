"""WaveSpeed: submit (also waiting for the result), both paths of the result, deleting, webhooks, their secret, media uploads.

After its documents (submit response, get result, delete task, webhooks) and its Python client.
"""

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ambrotype.simulator.providers import book, courier, desk, outputs, seals
from ambrotype.simulator.signing import contract
from ambrotype.simulator.state import Simulator

SYNC = 60.0
"""Seconds that a sync-mode submission waits before it answers that it goes on (code 5004)."""

_STATUS = {
    "queued": "created",
    "running": "processing",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


def refuse(problem: desk.Problem) -> web.Response:
    """The wrapper that also surrounds results."""
    return desk.answer({"code": problem.status, "message": problem.message, "data": None}, problem.status)


VENDOR = desk.Vendor(
    name="wavespeed",
    prefix="/wavespeed",
    style="wavespeed",
    life=7 * 86400,
    remints=True,
    refuse=refuse,
    seal=seals.wavespeed,
)


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """All of `/api/v3`."""
    at = Predictions(simulator)
    return at.desk.routes(
        ("POST", "/api/v3/media/uploads", at.ticket),
        ("GET", "/api/v3/webhook/secret", at.secret),
        ("GET", "/api/v3/predictions/{id}", at.get),
        ("GET", "/api/v3/predictions/{id}/result", at.get),
        ("DELETE", "/api/v3/predictions/{id}", at.delete),
        ("POST", "/api/v3/{model:.+}", at.submit),
    )


class Predictions:
    """Handlers."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, VENDOR)
        self.simulator, self.book = simulator, simulator.book

    async def submit(self, request: web.Request) -> web.StreamResponse:
        body = await desk.document(request)
        job = await self.desk.take(
            request,
            id=secrets.token_hex(16),
            model=request.match_info["model"],
            body=body,
            files=_files,
            webhook=request.query.get("webhook"),
        )
        await self.desk.begin(job, self._letters)
        if body.get("enable_sync_mode") is True:
            return await self._waited(job)
        return desk.answer(_wrapped(self._data(job)))

    async def _waited(self, job: book.Job) -> web.Response:
        await self.simulator.courier.until(job, SYNC)
        data = await self._inlined(job)
        if not job.over(self.book.now()):
            data |= {"code": 5004, "error": "Sync mode timed out. Query the result later."}
        return desk.answer(_wrapped(data))

    async def get(self, request: web.Request) -> web.StreamResponse:
        return desk.answer(_wrapped(await self._inlined(self.desk.poll(request.match_info["id"]))))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Cancels what has not ended. What has ended is forgotten; its outputs stay until their time."""
        job = self.desk.find(request.match_info["id"])
        if not await self.desk.cancel(job, self._letters):
            job.deleted = True
        return desk.answer(_wrapped({"id": job.id, "status": "deleted"}))

    async def _inlined(self, job: book.Job) -> dict[str, Any]:
        data = self._data(job)
        if data["outputs"] and job.body.get("enable_base64_output") is True:
            data["outputs"] = [await outputs.data_uri(file) for file in _left(job)]
        return data

    def _data(self, job: book.Job) -> dict[str, Any]:
        now = self.book.now()
        status = job.status(now)
        good = status == "succeeded"
        blocked = job.plan.outcome == "blocked" and status == "failed"
        flags = [job.plan.outcome == "partial" and file is job.files[-1] for file in job.files]
        return {
            "id": job.id,
            "model": job.model,
            "outputs": [self.desk.url(job, file) for file in _left(job)] if good else [],
            "urls": {"get": f"{job.base}/api/v3/predictions/{job.id}/result"},
            "has_nsfw_contents": flags if good else [True] if blocked else None,
            "status": "timeout" if status == "failed" and job.plan.outcome == "expired" else _STATUS[status],
            "created_at": contract.iso(job.created),
            "error": _error(job) if status in ("failed", "cancelled") else "",
            "executionTime": round(job.plan.run * 1000) if job.over(now) else 0,
            "timings": {"inference": round(job.plan.run * 1000) if job.over(now) else 0},
        }

    def _letters(self, job: book.Job, event: str) -> list[courier.Letter]:
        """Without the wrapper, and with the input; signed by the secret of the key that submitted."""
        if job.webhook is None:
            return []
        document = {**self._data(job), "input": job.body}
        return [self.desk.letter(job.webhook, document, secret=self._secret(job.key))]

    async def secret(self, request: web.Request) -> web.StreamResponse:
        return desk.answer(_wrapped({"secret": self._secret(self.desk.key(request))}))

    def _secret(self, key: str) -> str:
        """Each key has one of its own; the first key has the account's."""
        if self.desk.account.keys[:1] == [key]:
            return self.desk.account.secret
        return "whsec_" + hashlib.sha256(f"{self.desk.account.secret}{key}".encode()).hexdigest()

    async def ticket(self, request: web.Request) -> web.StreamResponse:
        """Where to put a file, and where it will be."""
        wish = await desk.document(request)
        kind = str(wish.get("content_type") or "application/octet-stream")
        upload = self.simulator.uploaded.announce(name=str(wish.get("filename") or ""), content_type=kind)
        url = self.simulator.url + upload.path
        put = {"method": "PUT", "url": url, "headers": {"Content-Type": kind}}
        return desk.answer(_wrapped({"upload": put, "download_url": url}))


def _wrapped(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": data}


def _files(job: book.Job) -> list[outputs.File]:
    body = job.body
    count = int(desk.number(body, "num_images", default=1, most=16))
    size = outputs.size_of(body.get("size") or body.get("aspect_ratio"))
    return outputs.make(job, count=count, size=size, format=str(body.get("output_format") or "jpeg"))


def _left(job: book.Job) -> list[outputs.File]:
    files: list[outputs.File] = job.files
    return files[:-1] if job.plan.outcome == "partial" else files


def _error(job: book.Job) -> str:
    if job.cancelled is not None:
        return "The prediction was cancelled."
    return {
        "blocked": "Content flagged as potentially sensitive. Please try different prompts or images.",
        "invalid": "Invalid input: prompt is not valid.",
        "cancelled": "The prediction was cancelled.",
        "expired": "The prediction timed out.",
    }.get(job.plan.outcome, "HTTP 500: the upstream model failed. Please try again.")
