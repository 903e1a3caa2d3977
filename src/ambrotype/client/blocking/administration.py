"""Keys, guests, usage, and how the installation is doing."""

import uuid
from collections.abc import Iterator

from ambrotype.client.blocking import base
from ambrotype.core import guests as guest_nouns
from ambrotype.core import keys as nouns
from ambrotype.core import usage as usage_nouns


class Administration(base.Base):
    """Keys, guests, usage, and how the installation is doing."""

    def create_key(self, name: str, *, role: nouns.KeyRole = "app", app: str = "default") -> nouns.NewKey:
        """Makes an API key; its `key` is shown here and never again. For service keys only."""
        return self._background.run(self._client.create_key(name, role=role, app=app))

    def keys(self) -> Iterator[nouns.Key]:
        """All API keys, newest first, without their secrets. For service keys only."""
        return self._each(self._client.keys())

    def revoke_key(self, key_id: uuid.UUID | str) -> nouns.Key:
        """Ends a key: the next request that shows it is refused."""
        return self._background.run(self._client.revoke_key(key_id))

    def create_guest(self, *, session_id: str | None = None) -> guest_nouns.NewGuest:
        """Makes a guest, or a new token for that of an old session id; its `token` is shown here and never again. For keys."""
        return self._background.run(self._client.create_guest(session_id=session_id))

    def link_guest(self, guest_token: str) -> guest_nouns.Linked:
        """Makes the library of this token's guest the owner's, a user's, and ends the token. Again it is the same answer."""
        return self._background.run(self._client.link_guest(guest_token))

    def usage(self, group_by: usage_nouns.GroupBy = "kind") -> usage_nouns.Usage:
        """What is stored, delivered and paid for, and what a month will cost; by owner for service keys alone."""
        return self._background.run(self._client.usage(group_by))

    def stats(self) -> usage_nouns.Stats:
        """The whole installation: items by state, the queue of captures, how they ended, what is at risk. For service
        keys only."""
        return self._background.run(self._client.stats())
