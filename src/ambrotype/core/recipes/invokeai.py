"""InvokeAI, in its three ages: `invokeai_metadata`, `sd-metadata`, and the command line in `Dream`."""

import re
from collections.abc import Sequence
from typing import Any

from ambrotype.core.recipes import json_text, recipe
from ambrotype.core.recipes.recipe import Recipe, Text

GENERATOR = "InvokeAI"
NAMES = {
    "seed": "seed", "steps": "steps", "cfg_scale": "cfg", "scheduler": "scheduler", "sampler": "sampler",
    "width": "width",
    "height": "height", "strength": "denoise", "clip_skip": "clip_skip", "app_version": "version",
    "generation_mode": "mode",
    "guidance": "guidance",
}  # fmt: skip
FLAGS = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg", "A": "sampler", "f": "denoise"}
_DREAM = re.compile(r'"((?:[^"\\]|\\.)*)"(.*)', re.DOTALL)
_FLAG = re.compile(r"(?:^|\s)-([A-Za-z])\s*([\w.\-]{1,40})")
_AGAINST = re.compile(r"\[([^\[\]]*)\]")


def read(texts: Sequence[Text]) -> Recipe | None:
    if (found := json_text.first(texts, "invokeai_metadata")) is not None:
        return _present(found)
    if (found := json_text.first(texts, "sd-metadata")) is not None:
        return _older(found)
    return next((_dream(one.text) for one in texts if one.name == "dream"), None)


def _settings(found: dict[str, Any]) -> dict[str, object]:
    return {ours: found[theirs] for theirs, ours in NAMES.items() if theirs in found}


def _present(found: dict[str, Any]) -> Recipe | None:
    model = found.get("model")
    loras = found.get("loras")
    named = [
        json_text.some(one, "name", "model_name") if isinstance(one := json_text.under(lora, "model") or
        json_text.under(lora, "lora"), dict) else None
        for lora in (loras if isinstance(loras, list) else [])[:64]
    ]  # fmt: skip
    images = [json_text.under(found, name, "image_name") for name in ("init_image", "initial_image")]
    return recipe.made(
        GENERATOR,
        prompt=found.get("positive_prompt"),
        negative_prompt=found.get("negative_prompt"),
        model=json_text.some(model, "name", "model_name") if isinstance(model, dict) else model,
        settings=_settings(found) | {"model_hash": json_text.under(model, "hash"), "loras": named},
        inputs=[*images, found.get("init_image"), found.get("initial_image")],
    )


def _older(found: dict[str, Any]) -> Recipe | None:
    image = found.get("image")
    image = image if isinstance(image, dict) else {}
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        prompt = "\n".join(str(json_text.under(one, "prompt") or "") for one in prompt[:64])
    positive, negative = _parted(prompt)
    return recipe.made(
        GENERATOR,
        prompt=positive,
        negative_prompt=negative,
        model=found.get("model_weights") or found.get("model"),
        settings=_settings(image) | {"model_hash": found.get("model_hash"), "version": found.get("app_version")},
    )


def _dream(text: str) -> Recipe | None:
    found = _DREAM.match(text.strip())
    if found is None:
        return None
    positive, negative = _parted(found[1])
    flags = {FLAGS[flag]: recipe.number(value) for flag, value in _FLAG.findall(found[2][:4000]) if flag in FLAGS}
    return recipe.made(GENERATOR, prompt=positive, negative_prompt=negative, settings=flags)


def _parted(prompt: object) -> tuple[str | None, str | None]:
    """What stands in square brackets is not wanted in the picture."""
    if not isinstance(prompt, str):
        return None, None
    return _AGAINST.sub("", prompt), ", ".join(_AGAINST.findall(prompt))
