"""Midjourney: prompt, flags and job in one PNG `Description`."""

import re
from collections.abc import Sequence

from ambrotype.core.recipes import recipe
from ambrotype.core.recipes.recipe import Recipe, Text

GENERATOR = "Midjourney"
_JOB = re.compile(r"\s*Job ID:\s*([0-9A-Fa-f-]{36})\s*$")
_FLAGS = re.compile(r"\s--(?=[a-z])")
NAMES = {"s": "stylize", "c": "chaos", "q": "quality", "iw": "image_weight", "v": "version", "ar": "aspect"}
KEYS = ("description", "imagedescription", "dc:description", "caption")


def read(texts: Sequence[Text]) -> Recipe | None:
    for one in texts:
        job = _JOB.search(one.text[-200:]) if one.name in KEYS else None
        if job is not None:
            return _parse(one.text.rstrip()[: -len(job[0].rstrip())], job[1])
    return None


def _parse(text: str, job: str) -> Recipe | None:
    prompt, *flags = _FLAGS.split(text)
    settings: dict[str, object] = {"job_id": job}
    negative = None
    for flag in flags[:100]:
        name, _, value = flag.strip().partition(" ")
        if name == "no":
            negative = value.strip()
        else:
            settings[NAMES.get(name, name)] = recipe.number(value.strip()) if value else True
    version = settings.get("version")
    return recipe.made(
        GENERATOR,
        prompt=prompt,
        negative_prompt=negative,
        model=f"midjourney {version}" if version is not None else "midjourney",
        settings=settings,
    )
