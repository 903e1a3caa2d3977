"""OpenAI's chat completions, as far as a tagger of pictures needs them: it looks at the picture and answers with tags.

What it sees is true, if little: shape, brightness, colours.
"""

import asyncio
import base64
import binascii
import colorsys
import math
from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp
import orjson
import pyvips
from aiohttp import web

from ambrotype.simulator.providers import book, desk, ids, openai
from ambrotype.simulator.state import Simulator

LARGEST = 20 * 2**20
"""Bytes of a picture."""

_HUES = ("red", "orange", "yellow", "green", "green", "cyan", "cyan", "blue", "blue", "purple", "magenta", "pink")
LOADERS = ("jpegload", "pngload", "webpload", "gifload")
"""libvips' names of what is taken: JPEG, PNG, WebP, GIF."""


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """One."""
    at = Chat(simulator)
    return at.desk.routes(("POST", "/v1/chat/completions", at.complete))


class Chat:
    """Handler."""

    def __init__(self, simulator: Simulator) -> None:
        self.desk = desk.Desk(simulator, openai.VENDOR)
        self.simulator = simulator

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await desk.document(request)
        model = openai.required(body, "model")
        if body.get("stream"):
            raise desk.Problem(400, "Unsupported value: 'stream' is not supported with this model.", param="stream")
        urls = list(_pictures(body))
        job = await self.desk.take(request, id=ids.short("chatcmpl"), model=model, body=_short(body))
        seen = [await self._look(url) for url in urls]
        await self.simulator.courier.until(job, math.inf)
        self.desk.spoken(job)
        if job.plan.outcome in ("failed", "expired", "cancelled"):
            raise desk.Problem(500, "The server had an error while processing your request. Sorry about that!")
        return desk.answer(_completion(job, seen))

    async def _look(self, url: str) -> list[str]:
        data = _unpacked(url) if url.startswith("data:") else await self._fetched(url)
        try:
            return await asyncio.to_thread(tags, data)
        except pyvips.Error:
            raise _not_a_picture() from None

    async def _fetched(self, url: str) -> bytes:
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
                response.raise_for_status()
                return await response.content.read(LARGEST)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise desk.Problem(400, "Error while downloading the image.", kind="invalid_image_url") from None


def _pictures(body: Mapping[str, Any]) -> Iterable[str]:
    """URLs of the pictures in the messages."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise desk.Problem(400, "Missing required parameter: 'messages'.", param="messages")
    for message in messages:
        parts = message.get("content") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and part.get("type") == "image_url":
                given = part.get("image_url")
                url = given.get("url") if isinstance(given, dict) else given
                if not isinstance(url, str):
                    raise desk.Problem(400, "Invalid type for 'image_url'.", param="messages")
                yield url


def _short(body: dict[str, Any]) -> dict[str, Any]:
    """For the book: pictures take room."""
    return {name: value for name, value in body.items() if name != "messages"}


def _unpacked(url: str) -> bytes:
    head, _, data = url.partition(",")
    try:
        if not head.endswith(";base64"):
            raise _not_a_picture()
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise _not_a_picture() from None


def _not_a_picture() -> desk.Problem:
    message = (
        "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
        "['png', 'jpeg', 'gif', 'webp']."
    )
    return desk.Problem(400, message, kind="invalid_image_format")


def tags(data: bytes) -> list[str]:
    """Of a picture: shape, brightness, colours. `pyvips.Error` where it is none."""
    whole = pyvips.Image.new_from_buffer(data, "")
    if not str(whole.get("vips-loader")).startswith(LOADERS):
        raise pyvips.Error("not one of the formats")
    ratio = whole.width / whole.height
    picture = whole.thumbnail_image(16, height=16, size="force").colourspace("srgb")
    pixels = picture.flatten() if picture.hasalpha() else picture
    values = bytes(pixels.cast("uchar").write_to_memory())
    return [_shape(ratio), *_colours(values)]


def _shape(ratio: float) -> str:
    return "landscape" if ratio > 1.05 else "portrait" if ratio < 0.95 else "square"


def _colours(values: bytes) -> list[str]:
    """Brightness, and the two hues that are there most."""
    points = [values[at : at + 3] for at in range(0, len(values), 3)]
    seen = [colorsys.rgb_to_hsv(*(part / 255 for part in point)) for point in points]
    light = sum(value for _, _, value in seen) / len(seen)
    counts: dict[str, int] = {}
    for hue, saturation, value in seen:
        name = _HUES[int(hue * 12) % 12] if saturation > 0.2 and value > 0.15 else "grey"
        counts[name] = counts.get(name, 0) + 1
    common = sorted(counts, key=lambda name: -counts[name])[:2]
    return ["bright" if light > 0.6 else "dark" if light < 0.35 else "muted", *common]


def _completion(job: book.Job, seen: list[list[str]]) -> dict[str, Any]:
    blocked = job.plan.outcome == "blocked"
    found = list(dict.fromkeys(tag for one in seen for tag in one))
    answer = {"tags": found, "description": f"A picture: {', '.join(found)}." if found else "There is no picture."}
    message = {
        "role": "assistant",
        "content": None if blocked else orjson.dumps(answer).decode(),
        "refusal": "I'm sorry, I can't assist with that." if blocked else None,
    }
    return {
        "id": job.id,
        "object": "chat.completion",
        "created": int(job.created),
        "model": job.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100 * len(seen) + 20, "completion_tokens": 30, "total_tokens": 100 * len(seen) + 50},
    }
