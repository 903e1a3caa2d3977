"""SwarmUI: JSON with `sui_image_params`, in `parameters` or in an EXIF comment, older ones in EXIF's Model."""

from collections.abc import Sequence

from ambrotype.core.recipes import json_text, recipe
from ambrotype.core.recipes.recipe import Recipe, Text

GENERATOR = "SwarmUI"
NAMES = {
    "seed": "seed", "steps": "steps", "cfgscale": "cfg", "sampler": "sampler", "scheduler": "scheduler",
    "width": "width",
    "height": "height", "initimagecreativity": "denoise", "vae": "vae", "loras": "loras", "swarm_version": "version",
    "fluxguidancescale": "guidance",
}  # fmt: skip


def read(texts: Sequence[Text]) -> Recipe | None:
    for one in texts:
        if one.name not in ("parameters", "usercomment", "comment", "model") or "sui_image_params" not in one.text:
            continue
        found = json_text.under(json_text.mapping(one.text), "sui_image_params")
        if isinstance(found, dict):
            return recipe.made(
                GENERATOR,
                prompt=found.get("prompt"),
                negative_prompt=found.get("negativeprompt"),
                model=found.get("model"),
                settings={ours: found[theirs] for theirs, ours in NAMES.items() if theirs in found},
            )
    return None
