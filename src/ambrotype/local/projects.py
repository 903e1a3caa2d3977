"""Projects: named places and their versions."""

from ambrotype import paging
from ambrotype.capture import request
from ambrotype.core import projects as nouns
from ambrotype.library import changes as requests
from ambrotype.library import listing, versions
from ambrotype.local import base


class Projects(base.Base):
    """Projects: named places and their versions."""

    def projects(self) -> paging.Listed[nouns.Project]:
        """The owner's projects by name."""
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Project]:
            return await versions.projects(app.data, self._who, cursor=cursor, limit=most)

        return base.listed(fetch)

    def slots(self, project: str) -> paging.Listed[nouns.Slot]:
        """A project's slots by name, each with its current and its pending item; `slot` tells their versions."""
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Slot]:
            return await versions.slots(app.data, self._who, app.addresses, project, cursor=cursor, limit=most)

        return base.listed(fetch)

    async def slot(self, project: str, name: str) -> nouns.Slot:
        """One slot with its versions, newest first; `errors.NotFound` where there is none such."""
        app = self._here.app
        return await versions.slot(app.data, self._who, app.addresses, project, name)

    async def show_version(self, project: str, slot: str, version: int) -> nouns.Slot:
        """Brings an old version back as the current one; what is kept later becomes current again by itself."""
        app = self._here.app
        await versions.show(app.data, self._who, project, slot, version)
        return await versions.slot(app.data, self._who, app.addresses, project, slot)

    async def prune(self, project: str, slot: str, *, keep: int) -> int:
        """Moves all kept versions but the newest `keep` to the trash, never the current one; how many."""
        wanted = request.parsed(requests.Prune, {"keep": keep})
        return await versions.prune(self._here.app.data, self._who, project, slot, keep=wanted.keep)
