"""Replicate: predictions of a version, a model or a deployment, waiting for them, cancelling, webhooks by event, files.

After its documents (webhooks, data retention) and its Python client.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from ambrotype.simulator.providers import book, courier, desk, outputs, seals, uploaded
from ambrotype.simulator.signing import contract
from ambrotype.simulator.state import Simulator

_TITLES = {
    "unauthenticated": "Unauthenticated",
    "not_found": "Not found",
    "rate_limited": "Too many requests",
    "gone": "Gone",
    "internal": "Internal server error",
    "invalid": "Input validation failed",
}
_STATUS = {
    "queued": "starting",
    "running": "processing",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "canceled",
}


def refuse(problem: desk.Problem) -> web.Response:
    """Problem details (RFC 7807)."""
    status = 422 if problem.status == 400 else problem.status
    document = {"title": _TITLES[problem.kind], "detail": problem.message, "status": status}
    return desk.answer(document, status, headers={"Content-Type": "application/problem+json"})


VENDOR = desk.Vendor(
    name="replicate",
    prefix="/replicate",
    style="replicate",
    life=3600,
    remints=False,
    refuse=refuse,
    seal=seals.standard,
)


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """All of `/v1`."""
    at = Predictions(simulator)
    named = "{owner}/{name}"
    return at.desk.routes(
        ("POST", "/v1/predictions", at.create),
        ("GET", "/v1/predictions", at.page),
        ("POST", f"/v1/models/{named}/predictions", at.create),
        ("POST", f"/v1/deployments/{named}/predictions", at.create),
        ("GET", f"/v1/models/{named}/versions/{{version}}", at.version),
        ("GET", "/v1/predictions/{id}", at.get),
        ("POST", "/v1/predictions/{id}/cancel", at.cancel),
        ("GET", "/v1/webhooks/default/secret", at.secret),
        ("POST", "/v1/files", at.upload),
        ("GET", "/v1/files/{id}", at.file),
        ("DELETE", "/v1/files/{id}", at.remove),
    )


class Predictions:
    """Handlers."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, VENDOR)
        self.simulator, self.book = simulator, simulator.book

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await desk.document(request)
        given = body.get("input")
        if not isinstance(given, dict):
            raise desk.Problem(422, "- input is required")
        model, version = _model(request, body)
        job = await self.desk.take(
            request,
            id="".join(secrets.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(26)),
            model=model,
            body=given,
            files=_files,
            webhook=body.get("webhook") or body.get("webhook_completed"),
            simulate=body.get("simulate", given.get("simulate")),
            version=version,
            filter=body.get("webhook_events_filter") or ["start", "output", "logs", "completed"],
        )
        events = [(job.starts, "start"), (job.starts + job.plan.run / 2, "logs"), (job.ends, "output")]
        chosen = [(when, event) for when, event in events if event in job.about["filter"]]
        await self.desk.begin(job, self._letters, *chosen)
        seconds = _patience(request.headers.get("Prefer", ""))
        if seconds:
            await self.simulator.courier.until(job, seconds)
        return desk.answer(self._prediction(job), 201)

    async def get(self, request: web.Request) -> web.StreamResponse:
        return desk.answer(self._prediction(self.desk.poll(request.match_info["id"])))

    async def page(self, request: web.Request) -> web.StreamResponse:
        jobs = [job for job in self.book.jobs.values() if job.provider == VENDOR.name]
        newest = [self._prediction(job) for job in reversed(jobs[-100:])]
        return desk.answer({"previous": None, "next": None, "results": newest})

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        job = self.desk.find(request.match_info["id"])
        await self.desk.cancel(job, self._letters)
        return desk.answer(self._prediction(job))

    async def version(self, request: web.Request) -> web.StreamResponse:
        output = {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}
        schemas = {"Output": output, "Input": {"type": "object", "properties": {}}}
        return desk.answer(
            {
                "id": request.match_info["version"],
                "created_at": contract.iso(self.simulator.modified),
                "cog_version": "0.16.0",
                "openapi_schema": {"openapi": "3.0.2", "components": {"schemas": schemas}},
            }
        )

    async def secret(self, request: web.Request) -> web.StreamResponse:
        return desk.answer({"key": self.desk.account.secret})

    def _prediction(self, job: book.Job) -> dict[str, Any]:
        now = self.book.now()
        status = job.status(now)
        removed = job.removed(now)
        done = round(100 * job.progress(now))
        worked = round(max(0.0, job.ends - job.starts), 3)
        metrics = {"predict_time": worked, "total_time": round(job.ends - job.created, 3)}
        return {
            "id": job.id,
            "model": job.model,
            "version": job.about["version"],
            "input": {} if removed else job.body,
            "logs": "" if removed or status == "queued" else f"{done:3d}%|##########| {done // 10}/10",
            "output": self._output(job) if status == "succeeded" and not removed else None,
            "data_removed": removed,
            "error": _error(job) if status == "failed" else None,
            "status": _STATUS[status],
            "created_at": contract.iso(job.created),
            "started_at": contract.iso(job.starts) if now >= job.starts else None,
            "completed_at": contract.iso(job.ends) if job.over(now) else None,
            "metrics": metrics if job.over(now) else {},
            "urls": {
                "get": f"{job.base}/v1/predictions/{job.id}",
                "cancel": f"{job.base}/v1/predictions/{job.id}/cancel",
                "web": f"https://replicate.com/p/{job.id}",
            },
        }

    def _output(self, job: book.Job) -> Any:
        """A list, one URL or an object: models differ. A blocked picture of a batch is left out."""
        files = job.files[:-1] if job.plan.outcome == "partial" else job.files
        urls = [self.desk.url(job, file) for file in files]
        match job.plan.shape or ("single" if job.files[0].kind != "image" else "list"):
            case "single":
                return urls[0] if urls else None
            case "dict":
                return {"files": urls, "seed": job.files[0].seed}
            case _:
                return urls

    def _letters(self, job: book.Job, event: str) -> list[courier.Letter]:
        if event not in job.about["filter"]:
            return []
        return self.desk.letters(job, self._prediction(job))

    # Files

    async def upload(self, request: web.Request) -> web.StreamResponse:
        if not request.content_type.startswith("multipart/"):
            raise desk.Problem(422, "- content is required")
        content = (await desk.posted(request)).get("content")
        if not isinstance(content, web.FileField):
            raise desk.Problem(422, "- content is required")
        upload = self.simulator.uploaded.announce(name=content.filename, content_type=content.content_type)
        self.simulator.uploaded.fill(upload, content.file.read())
        return desk.answer(self._file(upload), 201)

    async def file(self, request: web.Request) -> web.StreamResponse:
        return desk.answer(self._file(self._find(request)))

    async def remove(self, request: web.Request) -> web.StreamResponse:
        self.simulator.uploaded.remove(self._find(request).token)
        return web.Response(status=204)

    def _find(self, request: web.Request) -> uploaded.Upload:
        found = self.simulator.uploaded.find(request.match_info["id"])
        if found is None:
            raise desk.Problem(404, "The requested file does not exist.")
        return found

    def _file(self, upload: uploaded.Upload) -> dict[str, Any]:
        return {
            "id": upload.token,
            "name": upload.name,
            "content_type": upload.content_type,
            "size": len(upload.body or b""),
            "etag": upload.token,
            "checksums": {},
            "metadata": {},
            "created_at": contract.iso(self.book.now()),
            "expires_at": contract.iso(self.book.now() + 86400),
            "urls": {"get": self.simulator.url + upload.path},
        }


def _model(request: web.Request, body: Mapping[str, Any]) -> tuple[str, str]:
    """`owner/name`, and the version or `hidden`: of the path, or of a version that names them, or of neither."""
    if "name" in request.match_info:
        return f"{request.match_info['owner']}/{request.match_info['name']}", "hidden"
    version = body.get("version")
    if not isinstance(version, str) or not version:
        raise desk.Problem(422, "- version is required")
    named, colon, digest = version.rpartition(":")
    if colon and "/" in named and "~" not in named:
        return named, digest
    return (version, "hidden") if "/" in version else (f"simulated/{version[:12]}", version)


def _files(job: book.Job) -> list[outputs.File]:
    count = int(desk.number(job.body, "num_outputs", default=1, most=16))
    sides = {side: desk.number(job.body, side, default=512, most=10_000) for side in ("width", "height")}
    size = outputs.size_of(sides if "width" in job.body else job.body.get("aspect_ratio"))
    return outputs.make(job, count=count, size=size, format=str(job.body.get("output_format") or "webp"))


def _patience(prefer: str) -> float:
    """Seconds of `Prefer: wait` or `wait=5`; 0 without."""
    wish, equals, seconds = prefer.strip().partition("=")
    if wish != "wait":
        return 0.0
    return min(60.0, float(seconds)) if equals and seconds.strip().isdigit() else 60.0


def _error(job: book.Job) -> str:
    match job.plan.outcome:
        case "blocked":
            return "NSFW content detected. Try running it again, or try a different prompt."
        case "invalid":
            return json.dumps({"detail": [{"loc": ["input", "prompt"], "msg": "not valid", "type": "value_error"}]})
        case "expired":
            return "Prediction timed out."
    return "Prediction interrupted; please retry (code: PA)"
