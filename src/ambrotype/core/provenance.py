"""What a file says of its origin: Content Credentials, IPTC's digital source type, whoever made it."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ambrotype.core import media
from ambrotype.core.recipes import recipe as nouns
from ambrotype.core.recipes.recipe import Recipe, Text

CODES = frozenset({
    "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic", "algorithmicMedia",
    "algorithmicallyEnhanced", "digitalCapture", "computationalCapture", "digitalArt", "digitalCreation", "humanEdits",
    "minorHumanEdits", "compositeCapture", "composite", "dataDrivenMedia", "virtualRecording", "screenCapture",
    "negativeFilm", "positiveFilm", "print", "multiFrameComputationalCapture",
})  # fmt: skip
"""IPTC's NewsCodes for digital source types."""
_BY_LOWER = {code.lower(): code for code in CODES}
_URI = re.compile(r"https?://cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{3,60})/?", re.IGNORECASE)
MOST_MANIFESTS = 100
MOST_INGREDIENTS = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """What Content Credentials say that the file was made from: a hint of lineage, not an item of ours."""

    title: str | None
    relationship: str | None
    instance_id: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Provenance as items show it, and the ingredients beside."""

    provenance: media.Provenance
    ingredients: tuple[Ingredient, ...] = ()


def of(
    texts: Sequence[Text],
    recipe: Recipe | None,
    *,
    c2pa: Literal["absent", "present", "valid", "invalid"],
    manifests: Mapping[str, Any] | None,
) -> Origin:
    """What these say together. Credentials that don't hold are told of, but what they say is not believed."""
    believed = manifests if c2pa == "valid" else None
    active = _active(believed)
    source_type = next((code for one in _source_types(active, believed) if (code := source_type_code(one))), None)
    said = {one.name: one.text for one in reversed(texts)}
    source_type = source_type or source_type_code(said.get("iptc4xmpext:digitalsourcetype"))
    generator = _claimed(active) or (recipe.generator if recipe is not None else None)
    generator = generator or nouns.text(said.get("xmp:creatortool") or said.get("software"), nouns.MOST_NAME)
    return Origin(
        provenance=media.Provenance(c2pa=c2pa, digital_source_type=source_type, generator=generator),
        ingredients=_ingredients(active),
    )


def source_type_code(value: object) -> str | None:
    """IPTC's code for a URI, or a bare code; None for anything else."""
    if not isinstance(value, str) or len(value) > 200:
        return None
    uri = _URI.fullmatch(value.strip())
    return _BY_LOWER.get((uri[1] if uri else value.strip()).lower())


def _active(manifests: Mapping[str, Any] | None) -> Mapping[str, Any]:
    store = _mapping((manifests or {}).get("manifests"))
    return _mapping(store.get(str((manifests or {}).get("active_manifest"))))


def _source_types(active: Mapping[str, Any], manifests: Mapping[str, Any] | None) -> list[object]:
    """Of the active manifest's actions; else of those that it builds on, which made what it only edited."""
    others = list(_mapping((manifests or {}).get("manifests")).values())[:MOST_MANIFESTS]
    found = []
    for manifest in [active, *others]:
        for assertion in _list(_mapping(manifest).get("assertions")):
            if str(_mapping(assertion).get("label")).startswith("c2pa.actions"):
                actions = _list(_mapping(_mapping(assertion).get("data")).get("actions"))
                found += [_mapping(action).get("digitalSourceType") for action in actions]
    return found


def _claimed(active: Mapping[str, Any]) -> str | None:
    info = _mapping(next(iter(_list(active.get("claim_generator_info"))), None))
    name, version = nouns.text(info.get("name"), 200), nouns.text(info.get("version"), 80)
    if name:
        return f"{name} {version}" if version else name
    return nouns.text(active.get("claim_generator"), nouns.MOST_NAME)


def _ingredients(active: Mapping[str, Any]) -> tuple[Ingredient, ...]:
    found = [_mapping(one) for one in _list(active.get("ingredients"))]
    return tuple(
        Ingredient(
            title=nouns.text(one.get("title"), nouns.MOST_NAME),
            relationship=nouns.text(one.get("relationship"), 80),
            instance_id=nouns.text(one.get("instance_id"), nouns.MOST_NAME),
        )
        for one in found
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value[:MOST_INGREDIENTS] if isinstance(value, list) else []
