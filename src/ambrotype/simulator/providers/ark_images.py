"""BytePlus and Volcengine Ark, images: one answer when all are done, or an event for each.

After the vendor's Python runtime (`types/images`) and its page of error codes.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from ambrotype.simulator.providers import ark, book, desk, events, ids, outputs
from ambrotype.simulator.state import Simulator

_BLOCKED = {
    "code": "OutputImageSensitiveContentDetected",
    "message": "The request failed because the output image may contain sensitive information.",
}


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """One."""
    at = Images(simulator)
    return at.desk.routes(("POST", "/api/v3/images/generations", at.generate))


class Images:
    """Handlers."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, ark.VENDOR)
        self.simulator, self.book = simulator, simulator.book

    async def generate(self, request: web.Request) -> web.StreamResponse:
        body = await desk.document(request)
        model, prompt = body.get("model"), body.get("prompt")
        if not isinstance(model, str) or not isinstance(prompt, str):
            missing = "prompt" if isinstance(model, str) else "model"
            raise desk.Problem(
                400,
                f"the request failed because it is missing one or multiple required parameters: {missing}",
                param=missing,
            )
        job = await self.desk.take(request, id=ids.short("img"), model=model, body=body, files=_files)
        if body.get("stream") is True and job.plan.outcome in ("success", "partial") and not job.about["silent"]:
            return await self._streamed(request, job)
        await self.simulator.courier.until(job, math.inf)
        self.desk.spoken(job)
        _raise_failure(job)
        data = [{"error": _BLOCKED} if _lost(job, file) else await self._image(job, file) for file in job.files]
        return desk.answer({"model": job.model, "created": int(job.ends), "data": data, "usage": _usage(job)})

    async def _image(self, job: book.Job, file: outputs.File) -> dict[str, Any]:
        size = {"size": f"{file.width}x{file.height}"}
        if job.body.get("response_format") == "b64_json":
            return {"b64_json": await outputs.base64_of(file), **size}
        return {"url": self.desk.url(job, file), **size}

    async def _streamed(self, request: web.Request, job: book.Job) -> web.StreamResponse:
        stream = await events.Stream(request).open()
        common = {"model": job.model, "created": int(job.created)}
        await self.simulator.courier.until(job, math.inf)
        for file in job.files:
            about = {**common, "image_index": file.index}
            if _lost(job, file):
                await stream.write({"type": "image_generation.partial_failed", **about, "error": _BLOCKED})
            else:
                image = await self._image(job, file)
                await stream.write({"type": "image_generation.partial_succeeded", **about, **image})
        await stream.write({"type": "image_generation.completed", **common, "usage": _usage(job)})
        return await stream.done()


def _files(job: book.Job) -> list[outputs.File]:
    size = outputs.size_of(job.body.get("size"), default=(1024, 1024))
    container = str(job.body.get("output_format") or "jpeg")
    return outputs.make(job, count=_count(job.body), size=size, format=container, kind="image")


def _count(body: Mapping[str, Any]) -> int:
    """A series only where it is asked for."""
    options = body.get("sequential_image_generation_options")
    if body.get("sequential_image_generation") != "auto" or not isinstance(options, dict):
        return 1
    return int(desk.number(options, "max_images", default=15, most=15))


def _lost(job: book.Job, file: outputs.File) -> bool:
    return job.plan.outcome == "partial" and file is job.files[-1]


def _usage(job: book.Job) -> dict[str, int]:
    made = sum(not _lost(job, file) for file in job.files)
    return {"generated_images": made, "output_tokens": made * 4096, "total_tokens": made * 4096}


def _raise_failure(job: book.Job) -> None:
    """What went wrong altogether."""
    match job.plan.outcome:
        case "blocked":
            raise desk.Problem(400, _BLOCKED["message"], kind=_BLOCKED["code"])
        case "invalid":
            raise desk.Problem(400, "One or more parameters specified in the request are not valid.", param="prompt")
        case "failed" | "expired" | "cancelled":
            raise desk.Problem(500, "The service encountered an unexpected internal error.")
