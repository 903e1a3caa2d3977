"""What lies in a server's store, apart from renditions, which are made whenever the worker finds the time."""

import dataclasses
from pathlib import Path

from tests.api import stack as stacks


@dataclasses.dataclass(frozen=True)
class Store:
    """Originals, and files on their way."""

    originals: frozenset[Path]
    drafts: frozenset[Path]


def at(stack: stacks.Stack) -> Store:
    found = stack.objects()
    drafts = {path for path in found if ".tmp" in path.parts}
    originals = {path for path in found - drafts if "renditions" not in str(path)}
    return Store(frozenset(originals), frozenset(drafts))


def unchanged(stack: stacks.Stack, before: Store) -> None:
    """No original came or went, and what else is written (renditions) ends."""
    assert at(stack).originals == before.originals
    stacks.until(lambda: at(stack).drafts <= before.drafts)
