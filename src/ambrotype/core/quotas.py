"""How much an owner may have."""

import dataclasses

from ambrotype.core import owners


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The most items and bytes of one owner; None = any number."""

    items: int | None = None
    bytes: int | None = None

    @property
    def limited(self) -> bool:
        """Whether anything is to be counted at all."""
        return self.items is not None or self.bytes is not None


NONE = Quota()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The quotas of users and of guests. The service itself has none."""

    users: Quota = NONE
    guests: Quota = NONE

    def of(self, owner: owners.Owner | None) -> Quota:
        """The quota that holds for items of this owner, whoever puts them in."""
        kind = owner.kind if owner is not None else "service"
        return {"user": self.users, "guest": self.guests, "service": NONE}[kind]
