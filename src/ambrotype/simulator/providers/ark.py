"""BytePlus and Volcengine Ark, videos: tasks, their last frame, the list, cancelling and deleting, callbacks.

After the vendor's Python runtime (`types/content_generation`) and its page of error codes. Which word it has for the
deletion of a running task is not certain.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ambrotype.simulator.providers import book, courier, desk, ids, outputs
from ambrotype.simulator.state import Simulator

DAY = 86400
LISTED = 7 * DAY
"""Seconds that a task is listed and found."""

_CODES = {
    "unauthenticated": ("AuthenticationError", "Unauthorized"),
    "not_found": ("ResourceNotFound", "NotFound"),
    "gone": ("InvalidEndpoint.ClosedEndpoint", "BadRequest"),
    "rate_limited": ("RateLimitExceeded.EndpointRPMExceeded", "TooManyRequests"),
    "internal": ("InternalServiceError", "InternalServerError"),
    "invalid": ("InvalidParameter", "BadRequest"),
}


def refuse(problem: desk.Problem) -> web.Response:
    """`error` with code, message, param and type."""
    code, family = _CODES.get(problem.kind, (problem.kind, "BadRequest"))
    error = {"code": code, "message": f"{problem.message} Request id: simulated", "param": problem.param or ""}
    return desk.answer({"error": {**error, "type": family}}, problem.status)


VENDOR = desk.Vendor(name="ark", prefix="/ark", style="tos", life=DAY, remints=False, refuse=refuse)


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """Under `/api/v3/contents/generations/tasks`."""
    at = Tasks(simulator)
    path = "/api/v3/contents/generations/tasks"
    return at.desk.routes(
        ("POST", path, at.create),
        ("GET", path, at.page),
        ("GET", f"{path}/{{id}}", at.get),
        ("DELETE", f"{path}/{{id}}", at.delete),
    )


class Tasks:
    """Handlers."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, VENDOR)
        self.simulator, self.book = simulator, simulator.book

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await desk.document(request)
        model, content = body.get("model"), body.get("content")
        if not isinstance(model, str) or not isinstance(content, list) or not content:
            missing = "content" if isinstance(model, str) else "model"
            raise desk.Problem(400, f"A required parameter is missing: {missing}.", param=missing)
        job = await self.desk.take(
            request, id=ids.task(), model=model, body=body, files=_files, webhook=body.get("callback_url")
        )
        job.about |= {"seconds": _seconds(job), "known_until": job.created + LISTED}
        await self.desk.begin(job, self._letters, (job.starts, "running"))
        return desk.answer({"id": job.id})

    async def get(self, request: web.Request) -> web.StreamResponse:
        self._known(self.desk.find(request.match_info["id"]))
        job = self.desk.poll(request.match_info["id"])
        return desk.answer(self._task(job))

    def _known(self, job: book.Job) -> None:
        if self.book.now() >= job.about.get("known_until", 0):
            raise desk.Problem(404, f"The specified resource {job.id} is not found.")

    async def page(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        number = int(desk.number(query, "page_num", default=1, most=500))
        size = int(desk.number(query, "page_size", default=10, most=500))
        now = self.book.now()
        mine = [job for job in self.book.jobs.values() if job.provider == VENDOR.name and "known_until" in job.about]
        tasks = [self._task(job) for job in reversed(mine) if not job.deleted and now < job.about["known_until"]]
        wanted, ids_ = query.getall("filter.status", []), query.getall("filter.task_ids", [])
        models = query.getall("filter.model", [])
        chosen = [
            task
            for task in tasks
            if (not wanted or task["status"] in wanted)
            and (not ids_ or task["id"] in ids_)
            and (not models or task["model"] in models)
        ]
        return desk.answer({"total": len(chosen), "items": chosen[(number - 1) * size : number * size]})

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Cancels what waits, deletes what has ended; what runs can't be stopped."""
        job = self.desk.find(request.match_info["id"])
        match job.status(self.book.now()):
            case "queued":
                await self.desk.cancel(job, self._letters)
                job.about["known_until"] = self.book.now() + DAY
            case "running":
                raise desk.Problem(409, "A running task can't be deleted.", kind="InvalidAction.RunningTaskDeletion")
            case _:
                job.deleted = True
        return desk.answer({})

    def _task(self, job: book.Job) -> dict[str, Any]:
        now = self.book.now()
        status: str = job.status(now)
        expired = status == "failed" and job.plan.outcome == "expired"
        good = status == "succeeded"
        tokens = round(job.about["seconds"] * 10_000)
        return {
            "id": job.id,
            "model": job.model,
            "status": "expired" if expired else status,
            "error": _error(job) if status == "failed" and not expired else None,
            "content": self._content(job) if good and not job.removed(now) else None,
            **({"usage": {"completion_tokens": tokens, "total_tokens": tokens}} if good else {}),
            "created_at": int(job.created),
            "updated_at": int(job.ends if job.over(now) else max(job.created, min(now, job.starts))),
            "seed": job.files[0].seed,
            "resolution": job.body.get("resolution") or "720p",
            "ratio": job.body.get("ratio") or "16:9",
            "duration": job.about["seconds"],
            "framespersecond": 24,
            "generate_audio": bool(job.body.get("generate_audio")),
            "draft": bool(job.body.get("draft")),
            "service_tier": job.body.get("service_tier") or "default",
            "execution_expires_after": job.body.get("execution_expires_after") or 2 * DAY,
        }

    def _content(self, job: book.Job) -> dict[str, str]:
        names = ("video_url", "last_frame_url")
        return {name: self.desk.url(job, file) for name, file in zip(names, job.files, strict=False)}

    def _letters(self, job: book.Job, event: str) -> list[courier.Letter]:
        """As GET answers. Nothing is signed, so a liar is one who says that all is done, and where."""
        task = self._task(job)
        lie = {**task, "status": "succeeded", "content": {"video_url": "https://forged.invalid/video.mp4"}}
        return [dataclasses.replace(letter, lie=lie) for letter in self.desk.letters(job, task)]


def _seconds(job: book.Job) -> float:
    return desk.number(job.body, "duration", default=5, most=60)


def _files(job: book.Job) -> list[outputs.File]:
    """The video, and its last frame where it is asked for."""
    size = outputs.size_of(job.body.get("ratio"), default=(1024, 576))
    made = outputs.make(job, count=1, size=size, seconds=_seconds(job), kind="video")[:1]
    if job.body.get("return_last_frame") is True:
        made.append(_second(outputs.make(job, count=1, size=(320, 180), format="png", kind="image")[0]))
    return made


def _second(file: outputs.File) -> outputs.File:
    return dataclasses.replace(file, index=1)


def _error(job: book.Job) -> dict[str, str]:
    match job.plan.outcome:
        case "blocked":
            code, message = "OutputVideoSensitiveContentDetected", "the output video may contain sensitive information"
        case "invalid":
            code, message = "InvalidParameter", "one or more parameters specified in the request are not valid"
        case _:
            code, message = "InternalServiceError", "the service encountered an unexpected internal error"
    return {"code": code, "message": f"The request failed because {message}."}
