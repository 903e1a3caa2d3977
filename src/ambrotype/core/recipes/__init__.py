"""How a file was made, from the texts in it: one file for each generator, a visible list, the first that understands
wins.

Nothing here raises for what a text holds, follows what it names, or takes longer than in proportion to its length.
"""

import dataclasses
from collections.abc import Callable, Sequence

from ambrotype.core.recipes import (
    a1111,
    comfyui,
    drawthings,
    easydiffusion,
    fooocus,
    invokeai,
    iptc,
    json_text,
    midjourney,
    novelai,
    swarmui,
    xmp,
)
from ambrotype.core.recipes.recipe import Recipe, Text

__all__ = ["READERS", "Recipe", "Text", "expanded", "read"]

READERS: tuple[Callable[[Sequence[Text]], Recipe | None], ...] = (
    swarmui.read,
    fooocus.read,
    invokeai.read,
    novelai.read,
    comfyui.read,
    drawthings.read,
    easydiffusion.read,
    a1111.read,
    midjourney.read,
    iptc.read,
)
"""Those that know themselves by names of their own come first; A1111's plain text could be anybody's."""


def read(texts: Sequence[Text]) -> Recipe | None:
    """The recipe in these texts, or None."""
    whole = expanded(texts)
    return next((recipe for reader in READERS if (recipe := reader(whole)) is not None), None)


def expanded(texts: Sequence[Text]) -> list[Text]:
    """The texts, with those inside of them: properties of XMP packets, fields of hidden JSON."""
    whole = list(texts)
    for one in texts:
        if one.where == "xmp":
            whole += [Text(where="xmp", key=key, text=value) for key, value in xmp.properties(one.text)]
        elif one.where == "stealth":
            fields = json_text.mapping(one.text) or {}
            whole += [
                dataclasses.replace(one, key=str(key)[:80], text=value)
                for key, value in list(fields.items())[:64]
                if isinstance(value, str)
            ]
    return whole
