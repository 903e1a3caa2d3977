"""Projects and their slots, as they are shown."""

import dataclasses

from ambrotype.core import media


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, and how much is in it."""

    name: str
    items: int
    slots: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A named place: what it shows, what is on its way into it, and all that was there, newest first."""

    project: str
    slot: str
    current: media.Media | None
    pending: media.Media | None
    versions: list[media.Media]
    url: str | None
    """The current item's, else the pending one's."""
