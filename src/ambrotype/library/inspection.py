"""Looking into a kept file: its recipe, origin and appearance, and what may be suggested from them.

Each of the looks fails alone, and none of them un-keeps anything or changes a byte.
"""

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from ambrotype.core import errors, keywords, provenance, recipes, types, words
from ambrotype.core import media as nouns
from ambrotype.decoding import decoder as decoders
from ambrotype.decoding import findings
from ambrotype.decoding import glance as glances
from ambrotype.records import database, inspections, tagging
from ambrotype.storage import contract, copies

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
    derive: Callable[[uuid.UUID, Path, str | None], Awaitable[None]]
    """Makes what an item has from the beginning of its file, which is at hand; with the IPTC code of its making."""
    tagging: bool = False
    """Whether a vision model is to be asked, so that a small picture is wanted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the looks brought, and the failures, each by the look's name."""

    texts: findings.Texts
    appearance: findings.Appearance
    credentials: findings.Credentials
    facts: nouns.Facts | None
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
    key = contract.Key(claim.bucket, claim.path)
    async with copies.at_hand(tools.store, key, size=claim.size, most=MOST_COPIED, spool=tools.spool) as file:
        looked = await look(claim, tools, file)
        if looked.by_chance and not last:
            return False
        found = await asyncio.to_thread(understood, looked)
        await tools.derive(claim.media_id, file, found.provenance["digital_source_type"])
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


async def look(claim: inspections.Claim, tools: Tools, file: Path) -> Looked:
    """The looks, in children that can do nothing else."""
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
    facts: nouns.Facts | None = None
    if media is not None:
        texts = await safely("recipe", tools.decoder.texts(file, media), texts)
        credentials = await safely("credentials", tools.decoder.credentials(file, media), credentials)
        appearance = await safely("appearance", tools.decoder.appearance(file, media), appearance)
        with contextlib.suppress(errors.CaptureFailed):  # whatever is wrong with the file, the others say so
            facts = await tools.decoder.facts(file, media)
        if tools.tagging and appearance.thumbhash is not None:
            with contextlib.suppress(errors.CaptureFailed):  # a suggestion less
                glance = await tools.decoder.glance(file, media)
    return Looked(
        texts=texts, appearance=appearance, credentials=credentials, facts=facts, glance=glance, failures=failures
    )


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
        facts=dataclasses.asdict(looked.facts) if looked.facts is not None else None,
        provenance=dataclasses.asdict(origin.provenance),
        ingredients=[dataclasses.asdict(one) for one in origin.ingredients],
    )


def _raw(texts: tuple[recipes.Text, ...]) -> str | None:
    """All texts in one, each under its place and key."""
    parts = [f"{one.where} {one.key}:\n{one.text}" for one in texts]
    return "\n\n".join(parts).replace("\0", "") or None
