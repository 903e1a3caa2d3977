"""Owners and principals: whose a media item is, and who asks."""

import dataclasses
import re
import uuid
from typing import Literal

from ambrotype.core import errors

OwnerKind = Literal["user", "guest", "service"]
Role = Literal["service", "app", "read", "user", "guest"]

_APP = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom media belong to, within one app: `user:<sub>`, `guest:<id>` or `service`."""

    kind: OwnerKind
    subject: str

    def __str__(self) -> str:
        return "service" if self.kind == "service" else f"{self.kind}:{self.subject}"


SERVICE = Owner(kind="service", subject="service")


def parse(text: str) -> Owner:
    """The owner that `user:<sub>`, `guest:<id>` or `service` names; `errors.InvalidRequest` otherwise."""
    if text == "service":
        return SERVICE
    kind, colon, subject = text.partition(":")
    if colon and subject and len(subject) <= 255 and subject.isprintable():
        if kind == "user":
            return Owner(kind="user", subject=subject)
        if kind == "guest":
            return Owner(kind="guest", subject=subject)
    raise errors.InvalidRequest(f"{text[:80]!r} names no owner; write user:<id> or guest:<id>.")


def app_name(text: str) -> str:
    """`text` if it can be an app's name, else `errors.InvalidRequest`."""
    if _APP.fullmatch(text):
        return text
    raise errors.InvalidRequest(f"{text[:80]!r} is no app's name; use a-z, 0-9, - and _, at most 63 of them.")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: the role of their credentials, the app it belongs to, and whom they act for."""

    role: Role
    app: str = "default"
    owner: Owner | None = None
    """None only for a service key that names nobody: the administrator, who sees all and creates for `service`."""
    key_id: uuid.UUID | None = None

    @property
    def administrator(self) -> bool:
        """Sees every owner's media."""
        return self.role == "service" and self.owner is None

    @property
    def is_key(self) -> bool:
        """Asks with an API key, so is an application and not a person's browser."""
        return self.role in ("service", "app", "read")

    @property
    def may_write(self) -> bool:
        """Everyone but a `read` key."""
        return self.role != "read"

    @property
    def name(self) -> str:
        """Stable text for idempotency keys, limits and logs; holds no secret."""
        asks = f"key:{self.key_id}" if self.key_id else self.role
        return f"{self.app}/{asks}/{self.owner or '*'}"


ADMINISTRATOR = Principal(role="service")
