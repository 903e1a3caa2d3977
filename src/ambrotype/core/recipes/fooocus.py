"""Fooocus: JSON in `parameters`, in older versions in `Comment`."""

from collections.abc import Sequence

from ambrotype.core.recipes import json_text, recipe
from ambrotype.core.recipes.recipe import Recipe, Text

GENERATOR = "Fooocus"
NAMES = {
    "seed": "seed", "steps": "steps", "guidance_scale": "cfg", "sampler": "sampler", "scheduler": "scheduler",
    "sharpness": "sharpness", "performance": "performance", "styles": "styles", "base_model_hash": "model_hash",
    "vae": "vae",
    "refiner_model": "refiner", "version": "version", "clip_skip": "clip_skip",
}  # fmt: skip
_SIDES = str.maketrans("()x×", "    ")


def read(texts: Sequence[Text]) -> Recipe | None:
    found = json_text.first(texts, "parameters", "comment", "usercomment")
    if found is None:
        return None
    found = {str(key).lower().replace(" ", "_"): value for key, value in list(found.items())[:500]}
    marked = any(one.name in ("fooocus_scheme", "metadata_scheme") and "fooocus" in one.text for one in texts)
    if not ("base_model" in found and (marked or "prompt" in found)):
        return None
    settings = {ours: recipe.number(found[theirs]) for theirs, ours in NAMES.items() if theirs in found}
    resolution = found.get("resolution")
    sides = resolution.translate(_SIDES).replace(",", " ").split() if isinstance(resolution, str) else []
    if len(sides) == 2 and all(side.isascii() and side.isdigit() and len(side) < 7 for side in sides):
        settings |= {"width": int(sides[0]), "height": int(sides[1])}
    loras = found.get("loras")
    if isinstance(loras, list):
        settings["loras"] = [one[0] if isinstance(one, list) and one else one for one in loras[:64]]
    return recipe.made(
        GENERATOR,
        prompt=found.get("prompt"),
        negative_prompt=found.get("negative_prompt"),
        model=found.get("base_model"),
        settings=settings,
    )
