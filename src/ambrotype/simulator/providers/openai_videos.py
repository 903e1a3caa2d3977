"""Videos as OpenAI served them and gateways still do: create, follow, content and its variants, remix, edit, extend.

After the vendor's Python SDK (`resources/videos.py`).
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from ambrotype.simulator import assets, cdn
from ambrotype.simulator.providers import book, courier, desk, ids, openai, openai_webhooks, outputs
from ambrotype.simulator.state import Simulator

DAY = 86400
_STATUS = {
    "queued": "queued",
    "running": "in_progress",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "failed",
}


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """Under `/v1/videos`."""
    at = Videos(simulator)
    return at.desk.routes(
        ("POST", "/v1/videos", at.create),
        ("GET", "/v1/videos", at.page),
        ("POST", "/v1/videos/edits", at.edit),
        ("POST", "/v1/videos/extensions", at.extend),
        ("GET", "/v1/videos/{id}", at.get),
        ("DELETE", "/v1/videos/{id}", at.delete),
        ("GET", "/v1/videos/{id}/content", at.content),
        ("POST", "/v1/videos/{id}/remix", at.remix),
    )


class Videos:
    """Handlers."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, openai.VENDOR)
        self.simulator, self.book = simulator, simulator.book

    async def create(self, request: web.Request) -> web.StreamResponse:
        form = await openai.form(request)
        return await self._make(request, form, model=str(form.fields.get("model") or "sora-2"))

    async def remix(self, request: web.Request) -> web.StreamResponse:
        source = self._finished(request.match_info["id"])
        form = await openai.form(request)
        return await self._make(request, form, model=source.model, source=source, remixed=source.id)

    async def edit(self, request: web.Request) -> web.StreamResponse:
        form = await openai.form(request)
        source = self._source(form)
        return await self._make(request, form, model=source.model if source else "sora-2", source=source)

    async def extend(self, request: web.Request) -> web.StreamResponse:
        form = await openai.form(request)
        source = self._source(form)
        openai.required(form.fields, "seconds")
        before = float(source.about["seconds"]) if source else 0.0
        return await self._make(request, form, model=source.model if source else "sora-2", source=source, before=before)

    def _source(self, form: openai.Form) -> book.Job | None:
        """The video that a form names; None where it brings one as a file."""
        if form.files.get("video"):
            return None
        named = form.fields.get("video")
        if not isinstance(named, Mapping) or not isinstance(named.get("id"), str):
            raise desk.Problem(400, "Missing required parameter: 'video'.", param="video")
        return self._finished(named["id"])

    def _finished(self, id: str) -> book.Job:
        job = self._find(id)
        if job.status(self.book.now()) != "succeeded":
            raise desk.Problem(400, f"Video {id} is not completed.", param="video")
        return job

    def _find(self, id: str) -> book.Job:
        job = self.desk.find(id)
        if "seconds" not in job.about:
            raise desk.Problem(404, f"Video with id '{id}' not found.")
        return job

    async def _make(
        self,
        request: web.Request,
        form: openai.Form,
        *,
        model: str,
        source: book.Job | None = None,
        remixed: str | None = None,
        before: float = 0.0,
    ) -> web.StreamResponse:
        fields = form.fields
        openai.required(fields, "prompt")
        known: Mapping[str, Any] = source.body if source else {}
        seconds = openai.whole(fields, "seconds", default=int(known.get("seconds") or 4), least=1, most=60)
        size = str(fields.get("size") or known.get("size") or "720x1280")
        job = await self.desk.take(
            request,
            id=ids.short("video"),
            model=model,
            body=fields,
            files=lambda job: outputs.make(job, size=outputs.size_of(size), seconds=seconds, kind="video"),
            seconds=before + seconds,
            size=size,
            remixed=remixed,
        )
        job.life = DAY if job.plan.life is None else job.plan.life
        await self.desk.begin(job, self._letters)
        return desk.answer(self._video(job))

    async def get(self, request: web.Request) -> web.StreamResponse:
        self._find(request.match_info["id"])
        return desk.answer(self._video(self.desk.poll(request.match_info["id"])))

    async def page(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        mine = [job for job in self.book.jobs.values() if job.provider == "openai" and "seconds" in job.about]
        mine = [job for job in mine if not job.deleted]
        if query.get("order", "desc") == "desc":
            mine.reverse()
        known = [job.id for job in mine]
        start = known.index(query["after"]) + 1 if query.get("after") in known else 0
        limit = openai.whole(dict(query), "limit", default=20, least=1, most=100)
        page = [self._video(job) for job in mine[start : start + limit]]
        ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
        return desk.answer({"object": "list", "data": page, "has_more": start + limit < len(mine), **ends})

    async def delete(self, request: web.Request) -> web.StreamResponse:
        job = self._find(request.match_info["id"])
        job.deleted = True
        return desk.answer({"id": job.id, "deleted": True, "object": "video.deleted"})

    async def content(self, request: web.Request) -> web.StreamResponse:
        """The bytes. Some gateways answer with a URL instead: the plan's shape `url`."""
        job = self._find(request.match_info["id"])
        now = self.book.now()
        if job.status(now) != "succeeded":
            raise desk.Problem(400, f"Video is not ready yet, use GET /v1/videos/{job.id} to check status.")
        if job.removed(now):
            raise desk.Problem(404, f"The content of video '{job.id}' has expired.")
        job.fetches += 1
        variant = request.query.get("variant", "video")
        if job.plan.shape == "url":
            return desk.answer({"id": job.id, "video_url": self.desk.url(job, job.files[0])})
        return await cdn.deliver(self.simulator, request, _path(job, variant), expires=None)

    def _video(self, job: book.Job) -> dict[str, Any]:
        now = self.book.now()
        status = job.status(now)
        good = status == "succeeded"
        expires = int(min(job.ends + job.life, 2**53))
        return {
            "id": job.id,
            "object": "video",
            "model": job.model,
            "status": _STATUS[status],
            "progress": math.floor(100 * job.progress(now)),
            "created_at": int(job.created),
            "completed_at": int(job.ends) if good else None,
            "expires_at": expires if good else None,
            "seconds": f"{job.about['seconds']:g}",
            "size": job.about["size"],
            "prompt": job.body["prompt"],
            "remixed_from_video_id": job.about["remixed"],
            "error": _error(job) if status in ("failed", "cancelled") else None,
        }

    def _letters(self, job: book.Job, event: str) -> list[courier.Letter]:
        good = job.status(self.book.now()) == "succeeded"
        return openai_webhooks.letters(self.desk, job, "video.completed" if good else "video.failed")


def _path(job: book.Job, variant: str) -> str:
    """Of a variant on the CDN; a partly failed video has no spritesheet."""
    file: outputs.File = job.files[0]
    match variant:
        case "video":
            return file.path
        case "thumbnail":
            return assets.image(file.seed, format="webp", width=file.width, height=file.height)
        case "spritesheet" if job.plan.outcome != "partial":
            return assets.image(file.seed, format="jpeg", width=4 * file.width, height=2 * file.height)
    raise desk.Problem(404, f"There is no variant '{variant}' of video '{job.id}'.", param="variant")


def _error(job: book.Job) -> dict[str, str]:
    match job.plan.outcome:
        case "blocked":
            return {"code": "moderation_blocked", "message": "Your request was blocked by our moderation system."}
        case "invalid":
            return {"code": "invalid_prompt", "message": "The prompt is not valid."}
    return {"code": "internal_error", "message": "The server had an error while processing your request."}
