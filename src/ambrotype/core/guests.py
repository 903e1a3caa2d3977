"""Guests, as they are shown to whom they belong."""

import dataclasses
import datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewGuest:
    """A guest's token, in the one reply that shows it."""

    token: str = dataclasses.field(repr=False)
    owner: str
    expires_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The user who has taken a guest over; `moved` is how many items the guest had."""

    owner: str
    linked: bool
    moved: int
