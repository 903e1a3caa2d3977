"""Keys, guests, usage, and how the installation is doing."""

import uuid

import orjson
import pydantic

from ambrotype import paging
from ambrotype.client import http
from ambrotype.client.asynchronous import answers, base
from ambrotype.core import guests as guest_nouns
from ambrotype.core import keys as nouns
from ambrotype.core import usage as usage_nouns

_KEY = pydantic.TypeAdapter(nouns.Key)
_NEW_KEY = pydantic.TypeAdapter(nouns.NewKey)
_GUEST = pydantic.TypeAdapter(guest_nouns.NewGuest)
_LINKED = pydantic.TypeAdapter(guest_nouns.Linked)
_USAGE = pydantic.TypeAdapter(usage_nouns.Usage)
_STATS = pydantic.TypeAdapter(usage_nouns.Stats)


class Administration(base.Base):
    """Keys, guests, usage, and how the installation is doing."""

    async def create_key(self, name: str, *, role: nouns.KeyRole = "app", app: str = "default") -> nouns.NewKey:
        """Makes an API key; its `key` is shown here and never again. For service keys only."""
        call = http.Call(
            method="POST",
            path="/v1/keys",
            body=orjson.dumps({"name": name, "role": role, "app": app}),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return answers.read(_NEW_KEY, await self._http.send(call))

    def keys(self) -> paging.Listed[nouns.Key]:
        """All API keys, newest first, without their secrets. For service keys only."""
        return self._listed(_KEY, "/v1/keys")

    async def revoke_key(self, key_id: uuid.UUID | str) -> nouns.Key:
        """Ends a key: the next request that shows it is refused."""
        return answers.read(
            _KEY,
            await self._http.send(http.Call(method="DELETE", path=f"/v1/keys/{answers.identified(key_id, 'key')}")),
        )

    async def create_guest(self, *, session_id: str | None = None) -> guest_nouns.NewGuest:
        """Makes a guest, or a new token for that of an old session id; its `token` is shown here and never again. For keys."""
        call = http.Call(
            method="POST",
            path="/v1/guests",
            body=orjson.dumps({"session_id": session_id} if session_id is not None else {}),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return answers.read(_GUEST, await self._http.send(call))

    async def link_guest(self, guest_token: str) -> guest_nouns.Linked:
        """Makes the library of this token's guest the owner's, a user's, and ends the token. Again it is the same answer."""
        body = orjson.dumps({"guest_token": guest_token})
        return answers.read(_LINKED, await self._http.send(http.Call(method="POST", path="/v1/guests/link", body=body)))

    async def usage(self, group_by: usage_nouns.GroupBy = "kind") -> usage_nouns.Usage:
        """What is stored, delivered and paid for, and what a month will cost; by owner for service keys alone."""
        call = http.Call(method="GET", path="/v1/usage", query=(("group_by", group_by),))
        return answers.read(_USAGE, await self._http.send(call))

    async def stats(self) -> usage_nouns.Stats:
        """The whole installation: items by state, the queue of captures, how they ended, what is at risk. For service
        keys only."""
        return answers.read(_STATS, await self._http.send(http.Call(method="GET", path="/v1/stats")))
