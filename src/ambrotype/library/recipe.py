"""How an item was made, and the tags that are suggested from it."""

import uuid
from collections.abc import Sequence
from typing import Any

from ambrotype.core import errors, media, owners, provenance, recipes, words
from ambrotype.core.recipes.item import ItemRecipe, Tags
from ambrotype.library import listing
from ambrotype.records import database, editing, inspections

MOST_TAGS = 100


async def get(data: database.Database, who: owners.Principal, media_id: uuid.UUID) -> ItemRecipe:
    """What is known of how the caller's item was made; `errors.NotFound` where it is not theirs."""
    async with data.transaction(who) as tx:
        row = await inspections.recipe(tx, media_id)
    if row is None:
        raise listing.missing(media_id)
    embedded = _embedded(row["recipe"])
    return ItemRecipe(
        media_id=row["id"],
        prompt=row["prompt"],
        negative_prompt=embedded.negative_prompt if embedded else None,
        model=row["model"],
        provider=row["provider"],
        settings=row["settings"],
        generator=embedded.generator if embedded else None,
        inputs=list(embedded.inputs) if embedded else [],
        embedded=embedded,
        raw_text=row["raw_text"],
        raw_text_cut=row["raw_text_cut"],
        provenance=media.Provenance(**row["provenance"]),
        ingredients=[provenance.Ingredient(**one) for one in row["ingredients"]],
        suggested_tags=row["suggested_tags"],
        inspection=media.Inspection(state=row["inspection"], detail=row["inspection_detail"]),
    )


async def judge_tags(
    data: database.Database,
    who: owners.Principal,
    media_id: uuid.UUID,
    *,
    accept: Sequence[str] = (),
    refuse: Sequence[str] = (),
) -> Tags:
    """Makes suggestions tags of the item, or drops them for good. May be said twice.

    Raises `errors.InvalidRequest` for what was never suggested: tags of one's own are set by editing the item.
    """
    async with data.transaction(who) as tx:
        locked = await editing.locked(tx, media_id)
        row = await inspections.recipe(tx, media_id)
        if locked is None or row is None:
            raise listing.missing(media_id)
        both = set(accept) & set(refuse)
        if both:
            raise errors.InvalidRequest(f"{min(both)!r} is both accepted and refused.", pointer="/refuse")
        _known(accept, {*row["suggested_tags"], *row["tags"]}, "/accept")
        _known(refuse, {*row["suggested_tags"], *row["refused_tags"]}, "/refuse")
        tags = list(dict.fromkeys([*row["tags"], *accept]))
        if len(tags) > MOST_TAGS:
            raise errors.InvalidRequest(f"An item has at most {MOST_TAGS} tags.", pointer="/accept")
        if tags != row["tags"]:
            search = words.of_media(
                name=locked["name"],
                title=locked["title"],
                tags=tags,
                prompt=locked["prompt"],
                description=locked["description"],
                raw=locked["raw_text"],
            )
            await editing.update(tx, media_id, {"tags": tags, "search": search})
        left = [tag for tag in row["suggested_tags"] if tag not in {*accept, *refuse}]
        refused = list(dict.fromkeys([*row["refused_tags"], *refuse]))
        await inspections.suggest(tx, media_id, suggested=left, refused=refused)
    return Tags(tags=tags, suggested_tags=left)


def _known(asked: Sequence[str], known: set[str], pointer: str) -> None:
    for tag in asked:
        if tag not in known:
            raise errors.InvalidRequest(f"The tag {tag!r} was not suggested for this item.", pointer=pointer)


def _embedded(raw: dict[str, Any] | None) -> recipes.Recipe | None:
    if raw is None:
        return None
    inputs = raw.get("inputs")
    # Written by `inspections.record` from a Recipe; JSON has no tuples.
    return recipes.Recipe(**{**raw, "inputs": tuple(inputs) if isinstance(inputs, list) else ()})
