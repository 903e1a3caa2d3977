"""NovelAI: PNG texts `Software`, `Source`, `Description` and JSON in `Comment`, or the same hidden in the pixels."""

from collections.abc import Sequence

from ambrotype.core.recipes import json_text, recipe
from ambrotype.core.recipes.recipe import Recipe, Text

GENERATOR = "NovelAI"
NAMES = {
    "seed": "seed", "steps": "steps", "scale": "cfg", "sampler": "sampler", "noise_schedule": "scheduler",
    "width": "width",
    "height": "height", "strength": "denoise", "noise": "noise", "cfg_rescale": "cfg_rescale", "request_type": "mode",
}  # fmt: skip


def read(texts: Sequence[Text]) -> Recipe | None:
    said = {one.name: one.text for one in reversed(texts)}
    comment = json_text.first(texts, "comment") or {}
    if said.get("software") != GENERATOR and not ("prompt" in comment and "uc" in comment):
        return None
    return recipe.made(
        GENERATOR,
        prompt=json_text.under(comment, "v4_prompt", "caption", "base_caption")
        or comment.get("prompt")
        or said.get("description"),
        negative_prompt=json_text.under(comment, "v4_negative_prompt", "caption", "base_caption") or comment.get("uc"),
        model=said.get("source"),
        settings={ours: comment[theirs] for theirs, ours in NAMES.items() if theirs in comment},
    )
