"""IPTC's own properties for generated pictures (Photo Metadata Standard 2025.1), which belong to no generator."""

from collections.abc import Sequence

from ambrotype.core.recipes import recipe
from ambrotype.core.recipes.recipe import Recipe, Text


def read(texts: Sequence[Text]) -> Recipe | None:
    said = {one.name: one.text for one in reversed(texts) if one.where == "xmp"}
    system = said.get("iptc4xmpext:aisystemused")
    prompt = said.get("iptc4xmpext:aipromptinformation")
    if system is None and prompt is None:
        return None
    return recipe.made(
        system or said.get("xmp:creatortool") or "unknown",
        prompt=prompt,
        model=system,
        settings={"version": said.get("iptc4xmpext:aisystemversionused")},
    )
