"""Shares and signed links."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Unpack

import pydantic

from ambrotype import fields, paging
from ambrotype.client import asking, http
from ambrotype.client.asynchronous import answers, base
from ambrotype.core import shares as share_nouns

_SHARE = pydantic.TypeAdapter(share_nouns.Share)
_LINK = pydantic.TypeAdapter(share_nouns.Link)


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
        call = http.Call(
            method="POST",
            path="/v1/shares",
            body=asking.body_of({name: value for name, value in given.items() if value is not None}),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return answers.read(_SHARE, await self._http.send(call))

    def shares(self) -> paging.Listed[share_nouns.Share]:
        """The owner's shares, newest first, revoked ones too."""
        return self._listed(_SHARE, "/v1/shares")

    async def edit_share(self, share_id: uuid.UUID | str, **changes: Unpack[fields.ShareFields]) -> share_nouns.Share:
        """Changes a share: what is not named stays, None takes its end or its password away."""
        path = f"/v1/shares/{answers.identified(share_id, 'share')}"
        call = http.Call(method="PATCH", path=path, body=asking.body_of(changes))
        return answers.read(_SHARE, await self._http.send(call))

    async def revoke_share(self, share_id: uuid.UUID | str) -> share_nouns.Share:
        """Ends a share at once: its page, and what the page has handed out."""
        call = http.Call(method="DELETE", path=f"/v1/shares/{answers.identified(share_id, 'share')}")
        return answers.read(_SHARE, await self._http.send(call))

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
        body = asking.body_of({name: value for name, value in given.items() if value is not None})
        call = http.Call(method="POST", path=f"/v1/media/{answers.identified(media_id)}/links", body=body)
        return answers.read(_LINK, await self._http.send(call))
