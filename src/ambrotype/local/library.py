"""The verbs on a data folder: keeping and lists here, the rest by what it is about."""

import asyncio
import builtins
import dataclasses
import math
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, Unpack, overload

from ambrotype import fields as fields_
from ambrotype import paging, verbs
from ambrotype.capture import request
from ambrotype.capture import rewrite as rewrites
from ambrotype.core import errors, media, rewriting
from ambrotype.core.recipes import item as recipe_nouns
from ambrotype.fields import KeepFields
from ambrotype.library import filters as filters_
from ambrotype.library import listing
from ambrotype.library import recipe as recipes
from ambrotype.local import administration, base, collections, editing, projects, sharing, transfers, webhooks

T = TypeVar("T")

BATCH = 500
"""Items accepted in one transaction."""


class Library(
    editing.Editing,
    projects.Projects,
    collections.Collections,
    sharing.Sharing,
    webhooks.Webhooks,
    administration.Administration,
    transfers.Transfers,
):
    """What `open` gives: the verbs of `AsyncClient`, on the data folder itself."""

    async def keep(
        self,
        url: str | None = None,
        *,
        data: bytes | str | None = None,
        wait: float = 0,
        **fields: Unpack[KeepFields],
    ) -> media.Media:
        """Keeps what a URL holds, or `data` (bytes, base64 or a data URI). The item has its permanent URL at once.

        A URL's bytes follow: `wait` up to 60 seconds for them here, or as long as you like with `settled`. What is
        known already is the same item again. `data` is kept when this returns.
        """
        given = {"url": url, "data": data, "wait": wait}
        wanted = {**fields, **{name: value for name, value in given.items() if value is not None}}
        return (await verbs.keep(self._here, self._who, verbs.asked(base.plain(wanted)))).media

    async def keep_many(
        self, items: Iterable[str | Mapping[str, Any]], **common: Any
    ) -> builtins.list[media.Media | errors.AmbrotypeError]:
        """Keeps any number of URLs, or mappings of `keep`'s arguments; `common` holds where they don't say otherwise.

        Answers in order, with the error in place of each item that could not be accepted.
        """
        every = [_item(item, common) for item in items]
        found: builtins.list[media.Media | errors.AmbrotypeError] = []
        for start in range(0, len(every), BATCH):
            found += await verbs.keep_many(self._here, self._who, every[start : start + BATCH])
        return found

    async def get(self, media_id: uuid.UUID | str) -> media.Media:
        """One item. `errors.NotFound` where there is none such, or not the owner's; `errors.Gone` after a purge."""
        return await listing.get(self._here.app.data, self._who, self._here.app.addresses, base.identified(media_id))

    def list(
        self, *, sort: str = "-created_at", limit: int | None = None, **filters: Unpack[fields_.ListFields]
    ) -> paging.Listed[media.Media]:
        """The owner's items, at most `limit` of them; those kept and keeping unless `status` says otherwise."""
        wanted = _filters(filters)
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[media.Media]:
            return await listing.page(
                app.data, self._who, app.addresses, filters=wanted, sort=sort, cursor=cursor, limit=most
            )

        return base.listed(fetch, limit=limit)

    async def facets(self, **filters: Unpack[fields_.ListFields]) -> dict[str, Any]:
        """How many items of the same list there are by kind, source, provider, model, project, tag and month."""
        return await listing.facets(self._here.app.data, self._who, _filters(filters))

    def at_risk(self, *, limit: int | None = None) -> paging.Listed[media.AtRisk]:
        """What is not kept yet, by deadline, soonest first, with the seconds left."""
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[media.AtRisk]:
            return await listing.at_risk(app.data, self._who, app.addresses, cursor=cursor, limit=most)

        return base.listed(fetch, limit=limit)

    def events(self, media_id: uuid.UUID | str) -> paging.Listed[media.Event]:
        """What happened to an item, oldest first."""
        found = base.identified(media_id)

        async def fetch(cursor: str | None, most: int) -> listing.Page[media.Event]:
            return await listing.events(self._here.app.data, self._who, found, cursor=cursor, limit=most)

        return base.listed(fetch)

    async def recipe(self, media_id: uuid.UUID | str) -> recipe_nouns.ItemRecipe:
        """How an item was made: as told, else as its file says; with all embedded text, and tags to suggest."""
        return await recipes.get(self._here.app.data, self._who, base.identified(media_id))

    async def judge_tags(
        self, media_id: uuid.UUID | str, *, accept: Iterable[str] = (), refuse: Iterable[str] = ()
    ) -> recipe_nouns.Tags:
        """Accepts suggested tags, which become the item's, and refuses others, which are not suggested again."""
        return await recipes.judge_tags(
            self._here.app.data, self._who, base.identified(media_id), accept=list(accept), refuse=list(refuse)
        )

    async def keep_again(self, media_id: uuid.UUID | str, *, url: str | None = None) -> media.Media:
        """Saves a temporary item; tries a lost or expired one again, from another `url` if one is given."""
        return (await verbs.keep_again(self._here, self._who, base.identified(media_id), url=url)).media

    async def rewrite(
        self,
        document: Any,
        *,
        relative: bool = False,
        project: str | None = None,
        slots: Mapping[str, str] | None = None,
        only_hosts: Iterable[str] | None = None,
        dry_run: bool = False,
    ) -> rewriting.Rewritten:
        """The document with a permanent URL for each media URL in it that may die; those are kept, each once.

        `document` is whatever JSON can hold, or a str: JSON, Markdown, HTML or any text, which stays equal byte for
        byte elsewhere. `slots` says what fills a slot of `project`: `{"/scenes/*/image": "{1}"}`. `relative` writes
        `/m/{id}/{name}`; `only_hosts` leaves URLs of other hosts; `dry_run` keeps and changes nothing.
        """
        options = rewriting.options(
            relative=relative, project=project, slots=slots, only_hosts=only_hosts, dry_run=dry_run
        )
        raw = await asyncio.to_thread(rewriting.written, document)
        done = await verbs.rewrite(self._here, self._who, raw, request.parsed(rewrites.Asked, options))
        return dataclasses.replace(done, document=await asyncio.to_thread(rewriting.read, done.document))

    @overload
    async def settled(  # type: ignore[overload-overlap]  # a str is iterable too, but is one id
        self,
        media_id: uuid.UUID | str,
        *,
        timeout: float | None = None,  # the same verb in blocking programs
    ) -> media.Media: ...
    @overload
    async def settled(
        self,
        media_id: Iterable[uuid.UUID | str],
        *,
        timeout: float | None = None,
    ) -> builtins.list[media.Media]: ...
    async def settled(
        self,
        media_id: uuid.UUID | str | Iterable[uuid.UUID | str],
        *,
        timeout: float | None = None,
    ) -> media.Media | builtins.list[media.Media]:
        """The item, or the items in order, once kept or known not to be. `TimeoutError` after `timeout` seconds."""
        end = math.inf if timeout is None else asyncio.get_running_loop().time() + timeout
        if isinstance(media_id, uuid.UUID | str):
            return await self._settled(media_id, end)
        return [await self._settled(one, end) for one in media_id]

    async def _settled(self, media_id: uuid.UUID | str, end: float) -> media.Media:
        left = max(end - asyncio.get_running_loop().time(), 0)
        found = await verbs.settled(self._here, self._who, base.identified(media_id), seconds=left)
        if not found.settled:
            raise TimeoutError(f"The media item {found.id} has not settled in time; its capture goes on.")
        return found


def _item(item: object, common: Mapping[str, Any]) -> Any:
    """An item of `keep_many` as fields; what is none stays as it is, to be refused in its place."""
    if isinstance(item, str):
        return {**common, "url": item}
    return base.plain({**common, **item}) if isinstance(item, Mapping) else item


def _filters(given: Mapping[str, Any]) -> filters_.Filters:
    """The filters of a list."""
    return request.parsed(filters_.Filters, fields_.narrowing(given))
