"""The nouns: a text found in a file, and the recipe that it holds."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

MOST_PROMPT = 100_000
MOST_NAME = 500
MOST_SETTINGS = 200
MOST_VALUE = 2000
MOST_INPUTS = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One embedded text: which kind of place it was in (png, exif, xmp, jpeg, tag, stealth, …), under which key."""

    where: str
    key: str
    text: str

    @property
    def name(self) -> str:
        """The key as it is compared: Matroska, for one, writes keys in capitals."""
        return self.key.lower()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a generator says that a file was made. `settings` are plain values by names that are the same for all
    generators.

    Common names: steps, sampler, scheduler, cfg, seed, width, height, denoise, model_hash, vae, clip_skip, loras.
    `inputs`
    are names of files that it was made from, as the generator knew them.
    """

    generator: str
    prompt: str | None = None
    negative_prompt: str | None = None
    model: str | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.prompt or self.negative_prompt or self.model or self.settings or self.inputs)


def made(
    generator: str,
    *,
    prompt: object = None,
    negative_prompt: object = None,
    model: object = None,
    settings: Mapping[str, object] | None = None,
    inputs: object = (),
) -> Recipe | None:
    """A recipe of whatever was found: texts of bearable length, settings that JSON and PostgreSQL take. None if it is
    empty."""
    recipe = Recipe(
        generator=generator,
        prompt=text(prompt, MOST_PROMPT),
        negative_prompt=text(negative_prompt, MOST_PROMPT),
        model=text(model, MOST_NAME),
        settings=plain_settings(settings or {}),
        inputs=_inputs(inputs),
    )
    return None if recipe.is_empty else recipe


def text(value: object, most: int = MOST_VALUE) -> str | None:
    """A text that can be stored; None for anything else, and for an empty one."""
    if not isinstance(value, str):
        return None
    return storable(value[:most]).strip() or None


def storable(value: str) -> str:
    """The same without what PostgreSQL refuses: NUL and halves of surrogate pairs, which JSON's escapes can hold."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def plain_settings(found: Mapping[str, object]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, value in found.items():
        kept = _plain(value)
        if kept is not None and len(settings) < MOST_SETTINGS:
            settings[storable(str(name)[:80])] = kept
    return settings


def _plain(value: object) -> Any:
    """A value that is stored as it is, or None: numbers that are numbers, short texts, lists of such."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return (
            value if -(1 << 63) <= value < 1 << 63 else str(value)[:MOST_VALUE] if value.bit_length() < 4096 else None
        )
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list | tuple):
        kept = [_plain(one) for one in value[:64] if not isinstance(one, list | tuple | dict)]
        return [one for one in kept if one is not None] or None
    return None


def _inputs(found: object) -> tuple[str, ...]:
    if not isinstance(found, list | tuple):
        return ()
    named = [name for one in found[:MOST_INPUTS] if (name := text(one, MOST_NAME))]
    return tuple(dict.fromkeys(named))


def number(value: object) -> object:
    """The number that a text spells, else the text as it is; "7.0" and 7.0 stay fractions."""
    if not isinstance(value, str) or len(value) > 40:
        return value
    if re.fullmatch(r"-?[0-9]{1,30}", value.strip()):
        return int(value)
    if re.fullmatch(r"-?[0-9]{1,20}\.[0-9]{1,20}", value.strip()):
        return float(value)
    return value
