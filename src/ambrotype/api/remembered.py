"""What permanent URLs were answered with a moment ago.

A page with a hundred pictures, a player that seeks: the same caller asks for the same item again and again, and two
lookups cost more than the bytes. So what was found is remembered for a second, for kept items only, and forgotten at
once when the database says that the item or any key has changed, or that something may have been missed. A key revoked
through this process is forgotten before the reply; through another one, as fast as a notification travels.
"""

import time
import uuid
from collections import OrderedDict

from ambrotype import app as app_
from ambrotype.core import owners
from ambrotype.delivery import asgi, deliverable

SECONDS = 1.0
MOST = 2000

Asked = tuple[uuid.UUID, bytes | None, bytes | None, bytes | None]
"""The item, and the headers that say who asks."""

AskedKey = tuple[str, owners.Owner | None, str | None]
"""A key, and whom and which app it names."""

_WHO = (b"authorization", b"ambrotype-owner", b"ambrotype-app")


def asked(scope: asgi.Scope, media_id: uuid.UUID) -> Asked | None:
    """What an answer depends on; None where it depends on more: cookies, or tokens that run out."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    authorization = headers.get(b"authorization")
    if b"cookie" in headers or (authorization is not None and not authorization.startswith(b"Bearer amb_")):
        return None
    return (media_id, *(headers.get(name) for name in _WHO))  # type: ignore[return-value]


class Remembered:
    """Deliverables by who asked for what. One for an API process."""

    def __init__(self) -> None:
        self._found: OrderedDict[Asked, tuple[float, deliverable.Deliverable]] = OrderedDict()
        self._keys: OrderedDict[AskedKey, tuple[float, owners.Principal]] = OrderedDict()
        self._changed = 0.0
        self._changed_keys = 0.0

    def get(self, key: Asked | None) -> deliverable.Deliverable | None:
        """What was found a moment ago, if nothing is known to have changed since."""
        entry = self._found.get(key) if key is not None else None
        return entry[1] if entry is not None and entry[0] > time.monotonic() else None

    def put(self, key: Asked | None, found: deliverable.Deliverable | None, *, began: float) -> None:
        """Remembers what a lookup that began at `began` (monotonic) has found."""
        if key is None or found is None or found.status != "kept" or found.deleted_at is not None:
            return
        if began <= self._changed:  # it may have been read before what changed
            return
        self._found[key] = (began + SECONDS, found)
        self._found.move_to_end(key)
        if len(self._found) > MOST:
            self._found.popitem(last=False)

    def key(self, asked: AskedKey) -> owners.Principal | None:
        """Who a key was a moment ago."""
        entry = self._keys.get(asked)
        return entry[1] if entry is not None and entry[0] > time.monotonic() else None

    def put_key(self, asked: AskedKey, who: owners.Principal, *, began: float) -> None:
        """Remembers who a key is, as a lookup that began at `began` (monotonic) has found."""
        if began <= self._changed_keys:
            return
        self._keys[asked] = (began + SECONDS, who)
        self._keys.move_to_end(asked)
        if len(self._keys) > MOST:
            self._keys.popitem(last=False)

    def heard(self, channel: str, payload: str) -> None:
        """A notification of the database."""
        self._changed = time.monotonic()
        if channel == app_.MEDIA_CHANNEL and payload:
            for key in [key for key in self._found if str(key[0]) == payload]:
                del self._found[key]
        else:
            self.forget()

    def forget(self) -> None:
        """Nothing is certain any more."""
        self._changed = self._changed_keys = time.monotonic()
        self._found.clear()
        self._keys.clear()
