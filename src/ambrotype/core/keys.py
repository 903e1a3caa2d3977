"""API keys, as they are shown."""

import dataclasses
import datetime
import uuid
from typing import Literal

KeyRole = Literal["service", "app", "read"]
ROLES: tuple[KeyRole, ...] = ("service", "app", "read")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is shown after its first moment; `prefix` is how to recognise it."""

    id: uuid.UUID
    name: str
    role: KeyRole
    app: str
    prefix: str
    created_at: datetime.datetime
    last_used_at: datetime.datetime | None
    revoked_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewKey(Key):
    """A key in the one reply that holds its secret."""

    key: str = dataclasses.field(repr=False)
