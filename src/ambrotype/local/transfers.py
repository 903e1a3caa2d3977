"""Uploading into a data folder, and downloading from it."""

import contextlib
import os
import uuid
from pathlib import Path
from typing import Unpack

from ambrotype import verbs
from ambrotype.capture import request
from ambrotype.client import receiving
from ambrotype.client.sources import Opened, Progress, Source
from ambrotype.core import errors, media
from ambrotype.fields import UploadFields
from ambrotype.library import listing
from ambrotype.local import base
from ambrotype.records import media as rows
from ambrotype.storage import contract


class Transfers(base.Base):
    """Files in, files out."""

    async def upload(
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
        opened = Opened(file, filename)
        try:
            wanted = request.parsed(request.UploadRequest, base.plain(fields))
            kept = await verbs.upload(
                self._here,
                self._who,
                opened.pieces(progress=progress),
                wanted,
                filename=opened.filename,
                incoming=opened.size,
            )
        finally:
            opened.close()
        return kept.media

    async def download(
        self,
        media_id: uuid.UUID | str,
        path: str | os.PathLike[str] | None = None,
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Writes a kept file's bytes to `path`, or under its name into that folder (the current one by default).

        Goes on where an earlier try ended; the bytes are checked before the file gets its name.
        """
        app = self._here.app
        item = await listing.get(app.data, self._who, app.addresses, base.identified(media_id))
        file = receiving.Receiving(item, path, progress=progress)
        await file.begin()
        async with app.data.transaction(self._who) as tx:
            found = await rows.deliverable(tx, item.id)
        if found is None or found["path"] is None:
            raise errors.NotFound(f"There is no media item {item.id}.")
        key = contract.Key(found["bucket"], found["path"])
        async with contextlib.aclosing(app.store.open(key, start=file.offset)) as pieces:
            await file.take(pieces)
        return await file.end()
