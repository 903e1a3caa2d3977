"""What became of an action on many items, as it is shown."""

import dataclasses
import uuid
from typing import Literal

Action = Literal[
    "delete", "restore", "purge", "tag", "untag", "favorite", "unfavorite", "visibility", "collect", "uncollect", "keep"
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An item for which it failed, and why."""

    id: uuid.UUID
    code: str
    detail: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of it: how many it was done for and those for which it failed, or the operation that goes on behind."""

    done: int = 0
    failed: list[Failure] = dataclasses.field(default_factory=list)
    operation_id: uuid.UUID | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How far an operation is. Of its failures the first thousand are told."""

    id: uuid.UUID
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int
    failures: list[Failure]
