"""How items came of each other, as it is shown."""

import dataclasses
import uuid

from ambrotype.core import media


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`to` was made from `from_`, which served as `role`."""

    from_: uuid.UUID
    to: uuid.UUID
    role: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Items and how they came of each other."""

    nodes: list[media.Media]
    edges: list[Edge]
