"""Shares and signed links."""

import datetime
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Unpack

from ambrotype import fields
from ambrotype.client.blocking import base
from ambrotype.core import shares as share_nouns


class Sharing(base.Base):
    """Shares and signed links."""

    def share(
        self,
        media_id: uuid.UUID | str | None = None,
        *,
        collection: uuid.UUID | str | None = None,
        project: str | None = None,
        slot: str | None = None,
        expires_at: datetime.datetime | None = None,
        password: str | None = None,
        allow_download: bool = True,
    ) -> share_nouns.Share:
        """Shares an item, a collection, or a slot of a project: the share's `url` opens a page for whoever has it."""
        return self._background.run(
            self._client.share(
                media_id,
                collection=collection,
                project=project,
                slot=slot,
                expires_at=expires_at,
                password=password,
                allow_download=allow_download,
            )
        )

    def shares(self) -> Iterator[share_nouns.Share]:
        """The owner's shares, newest first, revoked ones too."""
        return self._each(self._client.shares())

    def edit_share(self, share_id: uuid.UUID | str, **changes: Unpack[fields.ShareFields]) -> share_nouns.Share:
        """Changes a share: what is not named stays, None takes its end or its password away."""
        return self._background.run(self._client.edit_share(share_id, **changes))

    def revoke_share(self, share_id: uuid.UUID | str) -> share_nouns.Share:
        """Ends a share at once: its page, and what the page has handed out."""
        return self._background.run(self._client.revoke_share(share_id))

    def link(
        self,
        media_id: uuid.UUID | str,
        *,
        transform: Mapping[str, Any] | None = None,
        rendition: str | None = None,
        expires_in: int = 3600,
        download: bool = False,
    ) -> share_nouns.Link:
        """A signed URL of an item for an `<img>` or a mail; it ends with the hour after `expires_in` seconds."""
        return self._background.run(
            self._client.link(
                media_id, transform=transform, rendition=rendition, expires_in=expires_in, download=download
            )
        )
