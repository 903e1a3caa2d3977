"""All that is known of how an item was made, as every face of Ambrotype shows it."""

import dataclasses
import uuid
from typing import Any

from ambrotype.core import media
from ambrotype.core.provenance import Ingredient
from ambrotype.core.recipes.recipe import Recipe


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecipe:
    """Prompt, model and settings as told when the item was made, else as its file has them; and all that the file says.

    `embedded` is the generator's own recipe, whatever was told. `raw_text` is every embedded text as it is,
    `raw_text_cut` if
    there was more than is kept. Ingredients are what Content Credentials name. Until `inspection.state` is done or
    failed the
    file has not been looked into.
    """

    media_id: uuid.UUID
    prompt: str | None
    negative_prompt: str | None
    model: str | None
    provider: str | None
    settings: dict[str, Any]
    generator: str | None
    inputs: list[str]
    embedded: Recipe | None
    raw_text: str | None
    raw_text_cut: bool
    provenance: media.Provenance
    ingredients: list[Ingredient]
    suggested_tags: list[str]
    inspection: media.Inspection


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """An item's tags, and those that are suggested to its owner."""

    tags: list[str]
    suggested_tags: list[str]
