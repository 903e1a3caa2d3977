"""Easy Diffusion: a PNG text for each field, or all of them as JSON in an EXIF comment."""

from collections.abc import Sequence

from ambrotype.core.recipes import json_text, recipe
from ambrotype.core.recipes.recipe import Recipe, Text

GENERATOR = "Easy Diffusion"
NAMES = {
    "seed": "seed", "num_inference_steps": "steps", "steps": "steps", "guidance_scale": "cfg",
    "sampler_name": "sampler",
    "sampler": "sampler", "width": "width", "height": "height", "prompt_strength": "denoise", "use_vae_model": "vae",
    "use_lora_model": "loras", "clip_skip": "clip_skip",
}  # fmt: skip
MODELS = ("use_stable_diffusion_model", "stable_diffusion_model")
SIGNS = frozenset({"num_inference_steps", "use_stable_diffusion_model", "stable_diffusion_model", "sampler_name"})


def read(texts: Sequence[Text]) -> Recipe | None:
    found: dict[str, object] = {one.name.replace(" ", "_"): one.text for one in reversed(texts) if one.where == "png"}
    if not _is_ours(found):
        inside = json_text.first(texts, "usercomment", "comment") or {}
        found = {str(key).lower().replace(" ", "_"): value for key, value in list(inside.items())[:500]}
    if not _is_ours(found):
        return None
    return recipe.made(
        GENERATOR,
        prompt=found.get("prompt"),
        negative_prompt=found.get("negative_prompt"),
        model=json_text.some(found, *MODELS),
        settings={ours: recipe.number(found[theirs]) for theirs, ours in NAMES.items() if theirs in found},
    )


def _is_ours(found: dict[str, object]) -> bool:
    prompt = found.get("prompt")
    return isinstance(prompt, str) and not prompt.lstrip().startswith("{") and bool(SIGNS & found.keys())
