"""What all parts share: a folder, the source, how to start a server, and how much is asked."""

import dataclasses
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from bench import server, source


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One run. `rounds`: how often the two sides of a comparison take turns."""

    folder: Path
    source: source.Source
    command: Sequence[str]
    rounds: int
    seconds: float
    """Of each wrk run."""
    large: int
    """Bytes of the large file: 1 GiB in a real run."""

    def server(self, name: str) -> AbstractContextManager[server.Server]:
        """A server on a new folder."""
        return server.serving(self.folder / name, self.source, command=self.command)
