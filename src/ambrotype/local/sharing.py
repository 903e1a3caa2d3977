"""Shares and signed links."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Unpack

from ambrotype import fields, paging, verbs
from ambrotype.capture import request
from ambrotype.core import shares as share_nouns
from ambrotype.library import listing
from ambrotype.library import shares as shares_
from ambrotype.local import base


class Sharing(base.Base):
    """Shares and signed links."""

    async def share(
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
        given = {
            "media_id": media_id,
            "collection_id": collection,
            "project": project,
            "slot": slot,
            "expires_at": expires_at,
            "password": password,
            "allow_download": allow_download,
        }
        wanted = request.parsed(shares_.NewShare, given)
        return await shares_.create(self._here.app.data, self._who, self._here.app.addresses, wanted)

    def shares(self) -> paging.Listed[share_nouns.Share]:
        """The owner's shares, newest first, revoked ones too."""
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[share_nouns.Share]:
            return await shares_.page(app.data, self._who, app.addresses, cursor=cursor, limit=most)

        return base.listed(fetch)

    async def edit_share(self, share_id: uuid.UUID | str, **changes: Unpack[fields.ShareFields]) -> share_nouns.Share:
        """Changes a share: what is not named stays, None takes its end or its password away."""
        wanted = request.parsed(shares_.ShareChanges, changes)
        app = self._here.app
        return await shares_.edit(app.data, self._who, app.addresses, base.identified(share_id, "share"), wanted)

    async def revoke_share(self, share_id: uuid.UUID | str) -> share_nouns.Share:
        """Ends a share at once: its page, and what the page has handed out."""
        return await shares_.revoke(
            self._here.app.data, self._who, self._here.app.addresses, base.identified(share_id, "share")
        )

    async def link(
        self,
        media_id: uuid.UUID | str,
        *,
        transform: Mapping[str, Any] | None = None,
        rendition: str | None = None,
        expires_in: int = 3600,
        download: bool = False,
    ) -> share_nouns.Link:
        """A signed URL of an item for an `<img>` or a mail; it ends with the hour after `expires_in` seconds."""
        given = {
            "transform": transform,
            "rendition": rendition,
            "expires_in": expires_in,
            "download": download,
        }
        return await verbs.link(
            self._here, self._who, base.identified(media_id), request.parsed(verbs.LinkRequest, given)
        )
