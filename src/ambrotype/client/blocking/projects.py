"""Projects: named places and their versions."""

from collections.abc import Iterator

from ambrotype.client.blocking import base
from ambrotype.core import projects as nouns


class Projects(base.Base):
    """Projects: named places and their versions."""

    def projects(self) -> Iterator[nouns.Project]:
        """The owner's projects by name."""
        return self._each(self._client.projects())

    def slots(self, project: str) -> Iterator[nouns.Slot]:
        """A project's slots by name, each with its current and its pending item; `slot` tells their versions."""
        return self._each(self._client.slots(project))

    def slot(self, project: str, name: str) -> nouns.Slot:
        """One slot with its versions, newest first; `errors.NotFound` where there is none such."""
        return self._background.run(self._client.slot(project, name))

    def show_version(self, project: str, slot: str, version: int) -> nouns.Slot:
        """Brings an old version back as the current one; what is kept later becomes current again by itself."""
        return self._background.run(self._client.show_version(project, slot, version))

    def prune(self, project: str, slot: str, *, keep: int) -> int:
        """Moves all kept versions but the newest `keep` to the trash, never the current one; how many."""
        return self._background.run(self._client.prune(project, slot, keep=keep))
