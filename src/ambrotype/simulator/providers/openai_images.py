"""OpenAI's images: generations and edits, as base64, as URLs, or streamed with partial pictures.

After the vendor's Python SDK (`types/image*`).
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ambrotype.simulator import assets
from ambrotype.simulator.providers import book, desk, events, ids, openai, outputs
from ambrotype.simulator.state import Simulator


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """Two."""
    at = Images(simulator)
    return at.desk.routes(
        ("POST", "/v1/images/generations", at.generate),
        ("POST", "/v1/images/edits", at.edit),
    )


class Images:
    """Handlers."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, openai.VENDOR)
        self.simulator, self.book = simulator, simulator.book

    async def generate(self, request: web.Request) -> web.StreamResponse:
        return await self._make(request, await openai.form(request), "image_generation")

    async def edit(self, request: web.Request) -> web.StreamResponse:
        form = await openai.form(request)
        if not form.fields.get("image") and not form.fields.get("images"):
            raise desk.Problem(400, "Missing required parameter: 'image'.", param="image")
        return await self._make(request, form, "image_edit")

    async def _make(self, request: web.Request, form: openai.Form, verb: str) -> web.StreamResponse:
        fields = form.fields
        openai.required(fields, "prompt")
        model = str(fields.get("model") or "gpt-image-1")
        modern = model.startswith(("gpt-image", "chatgpt-image"))
        if modern and "response_format" in fields:
            raise desk.Problem(400, "Unknown parameter: 'response_format'.", param="response_format")
        count = openai.whole(fields, "n", default=1, least=1, most=10)
        partials = openai.whole(fields, "partial_images", default=0, least=0, most=3)
        size = outputs.size_of(fields.get("size"), default=(1024, 1024))
        container = str(fields.get("output_format") or "png")
        job = await self.desk.take(
            request,
            id=ids.short("img"),
            model=model,
            body=fields,
            files=lambda job: outputs.make(job, count=count, size=size, format=container, kind="image"),
        )
        if fields.get("stream") in (True, "true") and not job.about["silent"] and _goes_well(job):
            return await self._streamed(request, job, verb, partials)
        await self.simulator.courier.until(job, math.inf)
        self.desk.spoken(job)
        _raise_failure(job)
        urls = not modern and fields.get("response_format", "url") == "url"
        data = [await self._image(job, file, url=urls) for file in _left(job)]
        return desk.answer({"created": int(job.ends), "data": data, **_about(job), "usage": _usage(job)})

    async def _image(self, job: book.Job, file: outputs.File, *, url: bool) -> dict[str, Any]:
        if url:
            return {"url": self.desk.url(job, file), "revised_prompt": f"{job.body['prompt']}, in detail"}
        return {"b64_json": await outputs.base64_of(file)}

    async def _streamed(self, request: web.Request, job: book.Job, verb: str, partials: int) -> web.StreamResponse:
        stream = await events.Stream(request).open()
        common = {"created_at": int(job.created), "background": "opaque", **_about(job)}
        for index in range(partials):
            await self._rest(job, (index + 1) / (partials + 1))
            b64 = await outputs.base64_of(_rough(job.files[0]))
            name = f"{verb}.partial_image"
            await stream.write({"type": name, "b64_json": b64, "partial_image_index": index, **common}, name=name)
        await self.simulator.courier.until(job, math.inf)
        for file in _left(job):
            name = f"{verb}.completed"
            b64 = await outputs.base64_of(file)
            await stream.write({"type": name, "b64_json": b64, **common, "usage": _usage(job)}, name=name)
        return stream.response

    async def _rest(self, job: book.Job, share: float) -> None:
        """Until that share of the work is done."""
        await self.simulator.courier.until(job, max(0.0, job.starts + job.plan.run * share - self.book.now()))


def _rough(file: outputs.File) -> outputs.File:
    """A partial picture: the same at a quarter of the size."""
    container = file.content_type.removeprefix("image/")
    path = assets.image(file.seed, format=container, width=file.width // 4, height=file.height // 4)
    return dataclasses.replace(file, path=path)


def _goes_well(job: book.Job) -> bool:
    return job.plan.outcome in ("success", "partial")


def _left(job: book.Job) -> list[outputs.File]:
    """A blocked picture of a batch is left out."""
    files: list[outputs.File] = job.files
    return files[:-1] if job.plan.outcome == "partial" else files


def _about(job: book.Job) -> dict[str, Any]:
    file: outputs.File = job.files[0]
    return {
        "output_format": file.content_type.removeprefix("image/"),
        "quality": job.body.get("quality") or "high",
        "size": f"{file.width}x{file.height}",
        "background": "opaque",
    }


def _usage(job: book.Job) -> dict[str, Any]:
    made = 1000 * len(_left(job))
    text = max(1, len(str(job.body.get("prompt"))) // 4)
    details = {"text_tokens": text, "image_tokens": 0}
    return {
        "input_tokens": text,
        "output_tokens": made,
        "total_tokens": text + made,
        "input_tokens_details": details,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
    }


def _raise_failure(job: book.Job) -> None:
    match job.plan.outcome:
        case "blocked":
            message = "Your request was rejected by the safety system."
            raise desk.Problem(400, message, kind="moderation_blocked")
        case "invalid":
            raise desk.Problem(400, "Invalid value: 'prompt'.", param="prompt", kind="invalid_value")
        case "failed" | "expired" | "cancelled":
            raise desk.Problem(500, "The server had an error while processing your request. Sorry about that!")
