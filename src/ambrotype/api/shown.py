"""Pages of media as JSON. An item's JSON is remembered by its revision, which is another one after every change.

So a page that was shown before costs one look at which items it shows, under the caller's policies, and no reading,
composing or signing of what is the same as then (docs/decisions/lists.md).
"""

from collections import OrderedDict

import orjson
import pydantic

from ambrotype.api import context
from ambrotype.core import media, owners
from ambrotype.library import filters as filters_
from ambrotype.library import listing

MOST = 32 * 2**20
"""Bytes of JSON that an API process remembers."""

_MEDIA = pydantic.TypeAdapter(media.Media)


class Shown:
    """Items' JSON by revision, the least lately asked for forgotten first. One for an API process."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._held = 0
        self._until = 0
        self._items: OrderedDict[str, bytes] = OrderedDict()

    def get(self, revision: str, *, until: int) -> bytes | None:
        """The JSON of this revision whose signed URLs end at `until`."""
        if until != self._until:
            self._items.clear()
            self._held, self._until = 0, until
            return None
        found = self._items.get(revision)
        if found is not None:
            self._items.move_to_end(revision)
        return found

    def put(self, revision: str, content: bytes, *, until: int) -> None:
        """Remembers it, unless the hour has changed since it was made."""
        if until != self._until or revision in self._items:
            return
        self._items[revision] = content
        self._held += len(content)
        while self._held > self._most:
            _, dropped = self._items.popitem(last=False)
            self._held -= len(dropped)


async def page(
    here: context.Context,
    who: owners.Principal,
    memory: Shown,
    *,
    filters: filters_.Filters,
    sort: str,
    cursor: str | None,
    limit: int,
) -> bytes:
    """A page of the caller's media, as `listing.page` has it, in JSON."""
    found = await listing.heads(here.app.data, who, filters=filters, sort=sort, cursor=cursor, limit=limit)
    until = here.app.addresses.access_until()
    content = {revision: memory.get(revision, until=until) for revision in found.revisions}
    missing = [revision for revision, known in content.items() if known is None]
    if missing:
        fresh = await listing.by_revision(here.app.data, who, here.app.addresses, missing)
        for revision, (now, item) in fresh.items():
            content[revision] = _MEDIA.dump_json(item)
            memory.put(now, content[revision] or b"", until=until)
    shown = b",".join(one for one in content.values() if one is not None)
    return b'{"items":[' + shown + b'],"next_cursor":' + orjson.dumps(found.next_cursor) + b"}"
