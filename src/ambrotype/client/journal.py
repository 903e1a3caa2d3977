"""Uploads that were begun and not finished, in a small file, so that another run goes on with them."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

MOST = 1000


class Journal:
    """What is known by what was uploaded → where it is gone on with. A file that can't be used is as if empty."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def get(self, key: str | None) -> str | None:
        """Where it is gone on with."""
        return self._all().get(key) if key is not None else None

    def put(self, key: str | None, where: str | None) -> None:
        """Remembers it, or with None forgets it."""
        if self._path is None or key is None:
            return
        known = self._all()
        if known.pop(key, None) is None and where is None:
            return
        if where is not None:
            known[key] = where
        with contextlib.suppress(OSError):
            self._write(dict(list(known.items())[-MOST:]))

    def _all(self) -> dict[str, str]:
        if self._path is None:
            return {}
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._path.read_text())
            if isinstance(found, dict):
                return {str(key): str(value) for key, value in found.items()}
        return {}

    def _write(self, known: dict[str, str]) -> None:
        assert self._path is not None
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.")
        with os.fdopen(descriptor, "w") as out:
            json.dump(known, out)
        Path(name).replace(self._path)
