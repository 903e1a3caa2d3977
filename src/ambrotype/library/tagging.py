"""Suggested tags by sight: any OpenAI-compatible endpoint is asked about a small picture of what is kept. Off unless set.

What is sent are pixels that a decoding child has made, never the file nor anything of its metadata. What is answered is taken for
what it is, a stranger's text: bounded, cleaned, and only ever suggested. Nothing waits for it, and failing costs nothing.
"""

import asyncio
import base64
import dataclasses
import random
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import aiohttp
import orjson
import structlog

from ambrotype.core import errors, keywords
from ambrotype.records import database
from ambrotype.records import tagging as rows

PAUSES = (30, 300, 3600, 21_600)
"""Seconds before each further try; after the last one the picture is given up."""
TIMEOUT = 60.0
POLL = 5.0
AT_ONCE = 2
MOST_ANSWER = 64 * 1024
MOST = 2 * keywords.MOST
"""Suggestions of an item, those from its prompt first."""

_ASKED = (
    "List what this picture shows as tags for a media library: at most 12, each of one to three lower-case English words,"
    ' the most telling first. Answer with nothing but a JSON object {"tags": ["…"]}.'
)
_SPLIT = re.compile(r"[,;\n]+")
_FENCE = re.compile(r"^```[a-z]*\n|\n```$")
_TRIM = " \t\"'`*#-•.[]{}()"

log = structlog.get_logger("ambrotype.tagging")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Who is asked: `url` is what the vendor's documents begin their paths with, such as https://api.openai.com/v1."""

    url: str
    name: str
    key: str | None = dataclasses.field(default=None, repr=False)


class Refused(Exception):
    """The model gave no answer that can be used; the text says why, without the key."""


async def forever(data: database.Database, model: Model) -> None:
    """Asks about what is due, again and again, until cancelled."""
    while True:
        busy = False
        try:
            busy = await turn(data, model)
        except errors.Unavailable as problem:
            log.warning("tagging put off", detail=problem.detail)
        except Exception:
            log.exception("tagging failed")
        if not busy:
            await asyncio.sleep(POLL)


async def turn(data: database.Database, model: Model) -> bool:
    """Asks about a few pictures; whether there were any."""
    async with data.transaction(database.WORKER) as tx:
        due = await rows.claim(tx, most=AT_ONCE, seconds=2 * TIMEOUT)
    await asyncio.gather(*(_one(data, model, item) for item in due))
    return bool(due)


async def _one(data: database.Database, model: Model, item: rows.Due) -> None:
    try:
        seen = await ask(model, item.picture)
    except Refused as problem:
        log.warning("picture not tagged", media_id=str(item.media_id), detail=str(problem), attempts=item.attempts)
        async with data.transaction(database.WORKER) as tx:
            if item.attempts > len(PAUSES):
                await rows.done(tx, item.media_id)
            else:
                pause = PAUSES[item.attempts - 1] * random.uniform(0.9, 1.1)
                await rows.put_off(tx, item.media_id, seconds=pause)
        return
    async with data.transaction(database.WORKER) as tx:
        found = await rows.tags(tx, item.media_id)
        if found is not None:
            without = {*found["tags"], *found["refused_tags"]}
            suggested = dict.fromkeys([*found["suggested_tags"], *(tag for tag in seen if tag not in without)])
            await rows.suggest(tx, item.media_id, list(suggested)[:MOST])
        await rows.done(tx, item.media_id)


async def ask(model: Model, picture: bytes) -> list[str]:
    """The tags that the model gives a PNG. Raises `Refused`."""
    shown = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    body = {
        "model": model.name,
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": _ASKED}, {"type": "image_url", "image_url": {"url": shown}}],
            }
        ],
    }
    headers = {"Content-Type": "application/json"}
    if model.key is not None:
        headers["Authorization"] = f"Bearer {model.key}"
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            session.post(
                f"{model.url}/chat/completions", data=orjson.dumps(body), headers=headers, allow_redirects=False
            ) as answer,
        ):
            if answer.status != 200:
                raise Refused(f"The tagger answered {answer.status}.")
            text = await _bounded(answer)
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        raise Refused(f"The tagger could not be reached: {type(problem).__name__}.") from problem
    return cleaned(_tags(_said(text)))


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    text = b""
    async for chunk in answer.content.iter_chunked(8192):
        text += chunk
        if len(text) > MOST_ANSWER:
            raise Refused(f"The tagger's answer has more than {MOST_ANSWER} bytes.")
    return text


def _said(text: bytes) -> str:
    """What the model says in a chat completion."""
    try:
        said = orjson.loads(text)["choices"][0]["message"]["content"]
    except (orjson.JSONDecodeError, LookupError, TypeError) as problem:
        raise Refused("The tagger's answer is no chat completion.") from problem
    if not isinstance(said, str):
        raise Refused("The tagger would not say anything about the picture.")
    return _FENCE.sub("", said.strip())


def _tags(said: str) -> Iterable[Any]:
    """Models are asked for JSON, and some write a list."""
    try:
        found = orjson.loads(said)
    except orjson.JSONDecodeError:
        return _SPLIT.split(said)
    found = found.get("tags") if isinstance(found, dict) else found
    return found if isinstance(found, list) else ()


def cleaned(given: Iterable[Any]) -> list[str]:
    """At most twelve tags: lower case, of one to three words and forty letters, with nothing in them that is not shown."""
    tags: dict[str, None] = {}
    for one in given:
        if not isinstance(one, str):
            continue
        tag = " ".join(unicodedata.normalize("NFKC", one).lower().strip(_TRIM).split())
        if (
            0 < len(tag) <= keywords.MOST_LETTERS
            and len(tag.split()) <= keywords.MOST_WORDS
            and tag.isprintable()
            and "<" not in tag
            and any(letter.isalpha() for letter in tag)
        ):
            tags[tag] = None
    return list(tags)[: keywords.MOST]
