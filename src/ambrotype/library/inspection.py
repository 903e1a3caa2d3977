"""Looking into a kept file: its recipe, origin and appearance, and what may be suggested from them.

Each of the three looks fails alone, and none of them un-keeps anything or changes a byte.
"""

import asyncio
import contextlib
import dataclasses
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import TypeVar

from ambrotype.core import errors, keywords, provenance, recipes, types, words
from ambrotype.decoding import decoder as decoders
from ambrotype.decoding import findings
from ambrotype.decoding import glance as glances
from ambrotype.records import database, inspections, tagging
from ambrotype.storage import contract

T = TypeVar("T")

MOST_COPIED = 2 << 30
"""Bytes that are copied from a remote store to be looked into."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What inspections work with; the decoder is their own, so that no capture waits for them."""

    data: database.Database
    store: contract.Store
    decoder: decoders.Decoder
    spool: Path
    tagging: bool = False
    """Whether a vision model is to be asked, so that a small picture is wanted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the three looks brought, and the failures, each by the look's name."""

    texts: findings.Texts
    appearance: findings.Appearance
    credentials: findings.Credentials
    glance: glances.Glance | None
    failures: dict[str, errors.CaptureFailed]

    @property
    def by_chance(self) -> bool:
        """Whether another try may bring more: a decoder was killed or out of time."""
        return any(failure.retry for failure in self.failures.values())


async def inspect(claim: inspections.Claim, tools: Tools, *, last: bool) -> bool:
    """Looks into the file and records what it finds; False if it is worth another try and this was not the `last`.

    Raises `errors.StoreUnavailable` and `errors.Unavailable`, which say nothing about the file.
    """
    looked = await look(claim, tools)
    if looked.by_chance and not last:
        return False
    found = await asyncio.to_thread(understood, looked)
    async with tools.data.transaction(database.WORKER) as tx:
        text = await inspections.text_of(tx, claim.media_id)
        if text is None:
            return True
        prompt = text["prompt"] or (found.recipe or {}).get("prompt")
        search = await asyncio.to_thread(
            words.of_media,
            name=text["name"],
            title=text["title"],
            tags=text["tags"],
            prompt=prompt,
            description=text["description"],
            raw=found.raw_text,
        )
        suggested = await asyncio.to_thread(keywords.suggest, prompt, without=[*text["tags"], *text["refused_tags"]])
        await inspections.record(tx, claim.media_id, found, search=search, suggested_tags=suggested)
        if looked.glance is not None:
            await tagging.add(tx, claim.media_id, await asyncio.to_thread(looked.glance.png))
    return True


async def look(claim: inspections.Claim, tools: Tools) -> Looked:
    """The three looks, in children that can do nothing else."""
    media = types.TYPES.get(claim.content_type)
    failures: dict[str, errors.CaptureFailed] = {}

    async def safely(name: str, looking: Awaitable[T], otherwise: T) -> T:
        try:
            return await looking
        except errors.CaptureFailed as failure:
            failures[name] = failure
            return otherwise

    glance: glances.Glance | None = None
    texts, appearance, credentials = findings.Texts(), findings.Appearance(), findings.Credentials()
    if media is not None:
        async with _file(claim, tools) as file:
            texts = await safely("recipe", tools.decoder.texts(file, media), texts)
            credentials = await safely("credentials", tools.decoder.credentials(file, media), credentials)
            appearance = await safely("appearance", tools.decoder.appearance(file, media), appearance)
            if tools.tagging and appearance.thumbhash is not None:
                with contextlib.suppress(errors.CaptureFailed):  # a suggestion less
                    glance = await tools.decoder.glance(file, media)
    return Looked(texts=texts, appearance=appearance, credentials=credentials, glance=glance, failures=failures)


def understood(looked: Looked) -> inspections.Found:
    """What the raw findings mean. Takes some milliseconds for a megabyte of text."""
    texts = recipes.expanded(looked.texts.found)
    recipe = recipes.read(looked.texts.found)
    origin = provenance.of(texts, recipe, c2pa=looked.credentials.state, manifests=looked.credentials.manifests)
    failures = [f"{name}: {failure.detail}" for name, failure in looked.failures.items()]
    return inspections.Found(
        detail=" ".join(failures)[:1000] or None,
        thumbhash=looked.appearance.thumbhash,
        phash=looked.appearance.phash,
        recipe=dataclasses.asdict(recipe) if recipe is not None else None,
        raw_text=_raw(looked.texts.found),
        raw_text_cut=looked.texts.cut,
        provenance=dataclasses.asdict(origin.provenance),
        ingredients=[dataclasses.asdict(one) for one in origin.ingredients],
    )


def _raw(texts: tuple[recipes.Text, ...]) -> str | None:
    """All texts in one, each under its place and key."""
    parts = [f"{one.where} {one.key}:\n{one.text}" for one in texts]
    return "\n\n".join(parts).replace("\0", "") or None


@contextlib.asynccontextmanager
async def _file(claim: inspections.Claim, tools: Tools) -> AsyncIterator[Path]:
    """The object as a file: itself on a local disk, else a copy for the length of the block."""
    key = contract.Key(claim.bucket, claim.path)
    if isinstance(tools.store, contract.OnDisk):
        path = tools.store.path(key)
        if not await asyncio.to_thread(path.is_file):
            raise errors.NotFound(f"The object {claim.bucket}/{claim.path} is not in the store; run ambrotype audit.")
        yield path
        return
    if claim.size > MOST_COPIED:
        raise errors.TooLarge(f"The file has {claim.size} bytes; at most {MOST_COPIED} are copied to be looked into.")
    await asyncio.to_thread(tools.spool.mkdir, parents=True, exist_ok=True)
    descriptor, name = await asyncio.to_thread(tempfile.mkstemp, prefix="look-", dir=tools.spool)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as copy:
            async with contextlib.aclosing(tools.store.open(key)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(copy.write, chunk)
        yield Path(name)
    finally:
        await asyncio.to_thread(Path(name).unlink, missing_ok=True)
