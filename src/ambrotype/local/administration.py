"""Keys, guests, usage, and how the installation is doing."""

import uuid

from ambrotype import paging, verbs
from ambrotype.accounts import guests, keys
from ambrotype.capture import request
from ambrotype.core import guests as guest_nouns
from ambrotype.core import keys as nouns
from ambrotype.core import usage as usage_nouns
from ambrotype.library import listing
from ambrotype.library import usage as usages
from ambrotype.local import base


class Administration(base.Base):
    """Keys, guests, usage, and how the installation is doing."""

    async def create_key(self, name: str, *, role: nouns.KeyRole = "app", app: str = "default") -> nouns.NewKey:
        """Makes an API key; its `key` is shown here and never again."""
        wanted = request.parsed(verbs.KeyRequest, {"name": name, "role": role, "app": app})
        return await verbs.create_key(self._here, wanted)

    def keys(self) -> paging.Listed[nouns.Key]:
        """All API keys, newest first, without their secrets."""

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Key]:
            return await verbs.keys_page(self._here, cursor=cursor, limit=most)

        return base.listed(fetch)

    async def revoke_key(self, key_id: uuid.UUID | str) -> nouns.Key:
        """Ends a key: the next request that shows it is refused."""
        return await keys.revoke(self._here.app.data, base.identified(key_id, "key"))

    async def create_guest(self, *, session_id: str | None = None) -> guest_nouns.NewGuest:
        """Makes a guest, or a new token for that of an old session id; its `token` is shown here and never again. For keys."""
        return await guests.create(self._here.app.data, app=self._who.app, session_id=session_id)

    async def link_guest(self, guest_token: str) -> guest_nouns.Linked:
        """Makes the library of this token's guest the owner's, a user's, and ends the token. Again it is the same answer."""
        return await guests.link(self._here.app.data, self._who, guest_token)

    async def usage(self, group_by: usage_nouns.GroupBy = "kind") -> usage_nouns.Usage:
        """What is stored, delivered and paid for, and what a month will cost; by owner for the administrator alone."""
        return await verbs.usage(self._here, self._who, group_by)

    async def stats(self) -> usage_nouns.Stats:
        """The whole installation: items by state, the queue of captures, how they ended, what is at risk."""
        return await usages.stats(self._here.app.data)
