"""Uploading and downloading, for programs without an event loop."""

import os
import uuid
from pathlib import Path
from typing import Unpack

from ambrotype.client.blocking import base
from ambrotype.client.sources import Progress, Source
from ambrotype.core import media
from ambrotype.fields import UploadFields


class Transfers(base.Base):
    """Files in, files out. `progress` is called in another thread."""

    def upload(
        self,
        file: Source,
        *,
        filename: str | None = None,
        progress: Progress | None = None,
        state: str | os.PathLike[str] | None = None,
        **fields: Unpack[UploadFields],
    ) -> media.Media:
        """Keeps a file: a path, bytes, or an open binary file from where it is. It is kept when this returns.

        The same bytes at the same place are the same item. Large files go on where they were when a connection broke;
        `state` names a small file that remembers them for another run. `progress` is called with the bytes that are
        there and the bytes there are.
        """
        return self._background.run(
            self._client.upload(file, filename=filename, progress=progress, state=state, **fields)
        )

    def download(
        self,
        media_id: uuid.UUID | str,
        path: str | os.PathLike[str] | None = None,
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Writes a kept file's bytes to `path`, or under its name into that folder (the current one by default).

        Goes on where an earlier try ended; the bytes are checked before the file gets its name.
        """
        return self._background.run(self._client.download(media_id, path, progress=progress))
