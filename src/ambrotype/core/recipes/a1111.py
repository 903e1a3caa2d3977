"""AUTOMATIC1111's text, which Forge, SD.Next, Civitai and many more write: prompt, negative prompt, a line of
settings."""

import json
import re
from collections.abc import Sequence

from ambrotype.core.recipes import recipe
from ambrotype.core.recipes.recipe import Recipe, Text

KEYS = ("parameters", "postprocessing", "usercomment", "comment", "description", "imagedescription", "stealth")
NEGATIVE = "Negative prompt:"
NAMES = {
    "Sampler": "sampler", "Schedule type": "scheduler", "CFG scale": "cfg", "Clip skip": "clip_skip",
    "Denoising strength": "denoise", "Distilled CFG Scale": "distilled_cfg", "VAE": "vae", "Lora hashes": "lora_hashes",
}  # fmt: skip
MOST_LINE = 64 * 1024
MOST_PAIRS = 200
MOST_QUOTED = 64
FEWEST_PAIRS = 3
"""With fewer the last line belongs to the prompt."""
_KEY = re.compile(r"\s*([A-Za-z][\w ./()\-]{0,79}?)\s*:\s*")
_SIZE = re.compile(r"(\d{1,6})x(\d{1,6})")
_LORA = re.compile(r"<(?:lora|lyco):([^:<>]{1,200})(?::[^<>]{0,40})?>")


def read(texts: Sequence[Text]) -> Recipe | None:
    for name in KEYS:
        for one in texts:
            if one.name == name and one.where != "xmp" and not one.text.lstrip().startswith(("{", "[")):
                found = parse(one.text, generator=None if name != "parameters" else "A1111")
                if found is not None:
                    return found
    return None


def parse(text: str, *, generator: str | None = "A1111") -> Recipe | None:
    """The recipe of such a text. Without a `generator` that vouches for it, it must have settings to be one."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    pairs = _pairs(lines[-1]) if len(lines[-1]) <= MOST_LINE else {}
    if len(pairs) >= FEWEST_PAIRS:
        lines = lines[:-1]
    else:
        pairs = {}
    if not pairs and generator is None:
        return None
    at = next((n for n, line in enumerate(lines) if line.strip().startswith(NEGATIVE)), len(lines))
    prompt = "\n".join(lines[:at])
    negative = "\n".join(lines[at:]).strip().removeprefix(NEGATIVE)
    settings = _settings(pairs)
    loras = list(dict.fromkeys(_LORA.findall(prompt)))
    if loras:
        settings["loras"] = loras
    version = str(settings.get("version", ""))
    return recipe.made(
        "Forge" if re.match(r"f\d", version) else generator or "A1111",
        prompt=prompt,
        negative_prompt=negative,
        model=pairs.get("Model"),
        settings=settings,
    )


def _pairs(line: str) -> dict[str, object]:
    """`Key: value, Key: "quoted, value", Key: {json}`; a part that is no pair ends nothing."""
    found: dict[str, object] = {}
    at, quoted = 0, 0
    decoder = json.JSONDecoder()
    while at < len(line) and len(found) < MOST_PAIRS:
        key = _KEY.match(line, at)
        if key is None:
            at = _behind_comma(line, at)
            continue
        at = key.end()
        value: object = None
        if line[at : at + 1] in ('"', "{", "[") and quoted < MOST_QUOTED:
            quoted += 1
            try:
                value, at = decoder.raw_decode(line, at)
            except (ValueError, RecursionError):
                value = None
        end = _behind_comma(line, at)
        if value is None:
            value = line[at:end].rstrip(", ")
        found.setdefault(key[1], value)
        at = end
    return found


def _behind_comma(line: str, at: int) -> int:
    found = line.find(",", at)
    return len(line) if found < 0 else found + 1


def _settings(pairs: dict[str, object]) -> dict[str, object]:
    settings: dict[str, object] = {}
    for key, value in pairs.items():
        if key == "Model":
            continue
        size = _SIZE.fullmatch(value) if key == "Size" and isinstance(value, str) else None
        if size is not None:
            settings |= {"width": int(size[1]), "height": int(size[2])}
        elif isinstance(value, dict):
            settings[_name(key)] = [f"{name}: {one}" for name, one in list(value.items())[:64]]
        else:
            settings[_name(key)] = recipe.number(value)
    return settings


def _name(key: str) -> str:
    return NAMES.get(key) or re.sub(r"\W+", "_", key.lower()).strip("_")
