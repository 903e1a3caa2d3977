"""Draw Things: JSON in XMP's `exif:UserComment`, with short names."""

from collections.abc import Sequence

from ambrotype.core.recipes import json_text, recipe
from ambrotype.core.recipes.recipe import Recipe, Text

GENERATOR = "Draw Things"
NAMES = {"seed": "seed", "steps": "steps", "scale": "cfg", "sampler": "sampler", "strength": "denoise"}


def read(texts: Sequence[Text]) -> Recipe | None:
    found = json_text.first([one for one in texts if one.where == "xmp"], "exif:usercomment")
    if found is None or not isinstance(found.get("c"), str):
        return None
    settings = {ours: found[theirs] for theirs, ours in NAMES.items() if theirs in found}
    size = found.get("size")
    sides = size.split("x") if isinstance(size, str) else []
    if len(sides) == 2:
        settings |= {"width": recipe.number(sides[0]), "height": recipe.number(sides[1])}
    return recipe.made(
        GENERATOR, prompt=found["c"], negative_prompt=found.get("uc"), model=found.get("model"), settings=settings
    )
