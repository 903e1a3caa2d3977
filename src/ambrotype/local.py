"""`ambrotype.open()`: the library in this process, without a server."""

import asyncio
import builtins
import contextlib
import dataclasses
import datetime
import math
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, Unpack, overload

import structlog

from ambrotype import app as app_
from ambrotype import fields as fields_
from ambrotype import jobs, paging, verbs
from ambrotype import settings as settings_
from ambrotype.accounts import keys
from ambrotype.capture import request
from ambrotype.capture import rewrite as rewrites
from ambrotype.core import errors, ids, media, owners, rewriting
from ambrotype.core import keys as nouns
from ambrotype.core import shares as share_nouns
from ambrotype.core import usage as usage_nouns
from ambrotype.core.recipes import item as recipe_nouns
from ambrotype.fields import KeepFields
from ambrotype.library import filters as filters_
from ambrotype.library import listing
from ambrotype.library import recipe as recipes
from ambrotype.library import shares as shares_
from ambrotype.library import usage as usages

T = TypeVar("T")

BATCH = 500
"""Items accepted in one transaction."""
PAUSE = 1.0
"""Seconds until a worker that crashed begins anew."""

log = structlog.get_logger("ambrotype")


class Library:
    """What `open` gives: the verbs of `AsyncClient`, on the data folder itself."""

    def __init__(self, here: verbs.Context, who: owners.Principal) -> None:
        self._here = here
        self._who = who

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
        return (await verbs.keep(self._here, self._who, verbs.asked(_plain(wanted)))).media

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
        return await listing.get(self._here.app.data, self._who, self._here.app.addresses, _id(media_id))

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

        return _listed(fetch, limit=limit)

    async def facets(self, **filters: Unpack[fields_.ListFields]) -> dict[str, Any]:
        """How many items of the same list there are by kind, source, provider, model, project, tag and month."""
        return await listing.facets(self._here.app.data, self._who, _filters(filters))

    def at_risk(self, *, limit: int | None = None) -> paging.Listed[media.AtRisk]:
        """What is not kept yet, by deadline, soonest first, with the seconds left."""
        app = self._here.app

        async def fetch(cursor: str | None, most: int) -> listing.Page[media.AtRisk]:
            return await listing.at_risk(app.data, self._who, app.addresses, cursor=cursor, limit=most)

        return _listed(fetch, limit=limit)

    def events(self, media_id: uuid.UUID | str) -> paging.Listed[media.Event]:
        """What happened to an item, oldest first."""
        found = _id(media_id)

        async def fetch(cursor: str | None, most: int) -> listing.Page[media.Event]:
            return await listing.events(self._here.app.data, self._who, found, cursor=cursor, limit=most)

        return _listed(fetch)

    async def recipe(self, media_id: uuid.UUID | str) -> recipe_nouns.ItemRecipe:
        """How an item was made: as told, else as its file says; with all embedded text, and tags to suggest."""
        return await recipes.get(self._here.app.data, self._who, _id(media_id))

    async def judge_tags(
        self, media_id: uuid.UUID | str, *, accept: Iterable[str] = (), refuse: Iterable[str] = ()
    ) -> recipe_nouns.Tags:
        """Accepts suggested tags, which become the item's, and refuses others, which are not suggested again."""
        return await recipes.judge_tags(
            self._here.app.data, self._who, _id(media_id), accept=list(accept), refuse=list(refuse)
        )

    async def keep_again(self, media_id: uuid.UUID | str, *, url: str | None = None) -> media.Media:
        """Saves a temporary item; tries a lost or expired one again, from another `url` if one is given."""
        return (await verbs.keep_again(self._here, self._who, _id(media_id), url=url)).media

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
        found = await verbs.settled(self._here, self._who, _id(media_id), seconds=left)
        if not found.settled:
            raise TimeoutError(f"The media item {found.id} has not settled in time; its capture goes on.")
        return found

    async def create_key(self, name: str, *, role: nouns.KeyRole = "app", app: str = "default") -> nouns.NewKey:
        """Makes an API key; its `key` is shown here and never again."""
        wanted = request.parsed(verbs.KeyRequest, {"name": name, "role": role, "app": app})
        return await verbs.create_key(self._here, wanted)

    def keys(self) -> paging.Listed[nouns.Key]:
        """All API keys, newest first, without their secrets."""

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Key]:
            return await verbs.keys_page(self._here, cursor=cursor, limit=most)

        return _listed(fetch)

    async def revoke_key(self, key_id: uuid.UUID | str) -> nouns.Key:
        """Ends a key: the next request that shows it is refused."""
        return await keys.revoke(self._here.app.data, _id(key_id, "key"))

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

        return _listed(fetch)

    async def revoke_share(self, share_id: uuid.UUID | str) -> share_nouns.Share:
        """Ends a share at once: its page, and what the page has handed out."""
        return await shares_.revoke(self._here.app.data, self._who, self._here.app.addresses, _id(share_id, "share"))

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
        return await verbs.link(self._here, self._who, _id(media_id), request.parsed(verbs.LinkRequest, given))

    async def usage(self, group_by: usage_nouns.GroupBy = "kind") -> usage_nouns.Usage:
        """What is stored, delivered and paid for, and what a month will cost; by owner for the administrator alone."""
        return await verbs.usage(self._here, self._who, group_by)

    async def stats(self) -> usage_nouns.Stats:
        """The whole installation: items by state, the queue of captures, how they ended, what is at risk."""
        return await usages.stats(self._here.app.data)


@contextlib.asynccontextmanager
async def open(  # noqa: A001  # `ambrotype.open`
    data: str | Path | None = None,
    *,
    owner: str | None = None,
    app: str | None = None,
    work: bool = True,
    **settings: Any,
) -> AsyncIterator[Library]:
    """The library in the folder `data` (AMBROTYPE_DATA, else `./ambrotype-data`), made if there is none.

    Any number of programs and a server may have it open at once. While it is open a worker captures, unless `work` is
    False; what is not done when it closes goes on at the next start. It acts for `owner` (`user:<id>`, `guest:<id>`) of
    `app` (`default`), without one as administrator: it sees all, and what it keeps belongs to the service. `settings`
    are those of `docs/settings.md` in lower case, stronger than the environment.

    Raises `errors.InvalidSetting` and `errors.Unavailable`.
    """
    _log_as_a_library()
    who = owners.Principal(
        role="service",
        app=owners.app_name(app or "default"),
        owner=owners.parse(owner) if owner is not None else None,
    )
    chosen = settings_.load(data=data, **settings)
    async with contextlib.AsyncExitStack() as stack:
        opened = await stack.enter_async_context(app_.opened(chosen, say=log.warning))
        here = await stack.enter_async_context(verbs.opened(opened))
        if work:
            await stack.enter_async_context(_working(opened))
        yield Library(here, who)


@contextlib.asynccontextmanager
async def _working(app: app_.App) -> AsyncIterator[None]:
    """A worker for the length of the block. It hands back what it has not finished."""
    stop = asyncio.Event()
    working = asyncio.create_task(_work(app, stop), name="ambrotype worker")
    try:
        yield
    finally:
        stop.set()
        await working


async def _work(app: app_.App, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await jobs.work(app, stop)
        except Exception:
            log.exception("worker crashed, begins anew")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)


def _log_as_a_library() -> None:
    """Through `logging`, whose settings are the program's; structlog by itself would print to standard output."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )


def _item(item: object, common: Mapping[str, Any]) -> Any:
    """An item of `keep_many` as fields; what is none stays as it is, to be refused in its place."""
    if isinstance(item, str):
        return {**common, "url": item}
    return _plain({**common, **item}) if isinstance(item, Mapping) else item


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Parents may be given as they are shown on other items."""
    parents = fields.get("parents")
    if not isinstance(parents, Iterable) or isinstance(parents, str | Mapping):
        return dict(fields)
    plain = [dataclasses.asdict(one) if isinstance(one, media.Parent) else one for one in parents]
    return {**fields, "parents": plain}


def _listed(
    fetch: Callable[[str | None, int], Awaitable[listing.Page[T]]], *, limit: int | None = None
) -> paging.Listed[T]:
    async def pages(cursor: str | None, most: int) -> tuple[list[T], str | None]:
        page = await fetch(cursor, most)
        return page.items, page.next_cursor

    return paging.Listed(pages, limit=limit)


def _filters(given: Mapping[str, Any]) -> filters_.Filters:
    """The filters of a list; one value of a filter that may repeat stands for a list of one."""
    lists = filters_.REPEATED
    named = {
        name: fields_.several(value) if name in lists else value for name, value in given.items() if value is not None
    }
    return request.parsed(filters_.Filters, named)


def _id(value: uuid.UUID | str, what: str = "media item") -> uuid.UUID:
    found = value if isinstance(value, uuid.UUID) else ids.parse(value)
    if found is None:
        raise errors.NotFound(f"There is no {what} {value!r}: that is no id.")
    return found
