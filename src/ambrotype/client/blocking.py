"""`Client`: the verbs over HTTP, for programs without an event loop, and for notebooks that run one of their own."""

import asyncio
import builtins
import datetime
import threading
import uuid
import weakref
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

from ambrotype import fields as fields_
from ambrotype import paging
from ambrotype.client import asynchronous
from ambrotype.core import errors, media, rewriting
from ambrotype.core import keys as nouns
from ambrotype.core import shares as share_nouns
from ambrotype.core import usage as usage_nouns
from ambrotype.core.recipes import item as recipe_nouns
from ambrotype.fields import KeepFields

T = TypeVar("T")


class _Background:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="ambrotype client", daemon=True)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which is cancelled when the waiting is interrupted."""
        if self.loop.is_closed():
            work.close()
            raise RuntimeError("This client is closed.")
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def end(self) -> None:
        """Stops the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def _end(background: _Background, client: asynchronous.AsyncClient) -> None:
    background.run(client.close())
    background.end()


class Client:
    """A server of Ambrotype at `url`; the arguments and verbs are those of `AsyncClient`, without `await`.

    May be used from several threads at once. Close it, or use it in `with`; what is forgotten closes with the program.
    """

    def __init__(
        self, url: str, *, key: str | None = None, owner: str | None = None, app: str | None = None, timeout: float = 60
    ) -> None:
        self._client = asynchronous.AsyncClient(url, key=key, owner=owner, app=app, timeout=timeout)
        self._background = _Background()
        self._finalizer = weakref.finalize(self, _end, self._background, self._client)

    def __repr__(self) -> str:
        return repr(self._client).replace("AsyncClient", type(self).__name__, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections; harmless twice."""
        self._finalizer()

    def keep(
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
        return self._background.run(self._client.keep(url, data=data, wait=wait, **fields))

    def keep_many(
        self, items: Iterable[str | Mapping[str, Any]], **common: Any
    ) -> builtins.list[media.Media | errors.AmbrotypeError]:
        """Keeps any number of URLs, or mappings of `keep`'s arguments; `common` holds where they don't say otherwise.

        Answers in order, with the error in place of each item that could not be accepted.
        """
        # The list is made here: an iterable of the caller's may be slow, and belongs into the caller's thread.
        return self._background.run(self._client.keep_many([*items], **common))

    def get(self, media_id: uuid.UUID | str) -> media.Media:
        """One item. `errors.NotFound` where there is none such, or not the owner's; `errors.Gone` after a purge."""
        return self._background.run(self._client.get(media_id))

    def list(
        self, *, sort: str = "-created_at", limit: int | None = None, **filters: Unpack[fields_.ListFields]
    ) -> Iterator[media.Media]:
        """The owner's items, at most `limit` of them; those kept and keeping unless `status` says otherwise."""
        return self._each(self._client.list(sort=sort, limit=limit, **filters))

    def facets(self, **filters: Unpack[fields_.ListFields]) -> dict[str, Any]:
        """How many items of the same list there are by kind, source, provider, model, project, tag and month."""
        return self._background.run(self._client.facets(**filters))

    def at_risk(self, *, limit: int | None = None) -> Iterator[media.AtRisk]:
        """What is not kept yet, by deadline, soonest first, with the seconds left."""
        return self._each(self._client.at_risk(limit=limit))

    def events(self, media_id: uuid.UUID | str) -> Iterator[media.Event]:
        """What happened to an item, oldest first."""
        return self._each(self._client.events(media_id))

    def recipe(self, media_id: uuid.UUID | str) -> recipe_nouns.ItemRecipe:
        """How an item was made: as told, else as its file says; with all embedded text, and tags to suggest."""
        return self._background.run(self._client.recipe(media_id))

    def judge_tags(
        self, media_id: uuid.UUID | str, *, accept: Iterable[str] = (), refuse: Iterable[str] = ()
    ) -> recipe_nouns.Tags:
        """Accepts suggested tags, which become the item's, and refuses others, which are not suggested again."""
        return self._background.run(self._client.judge_tags(media_id, accept=[*accept], refuse=[*refuse]))

    def keep_again(self, media_id: uuid.UUID | str, *, url: str | None = None) -> media.Media:
        """Saves a temporary item; tries a lost or expired one again, from another `url` if one is given."""
        return self._background.run(self._client.keep_again(media_id, url=url))

    def rewrite(
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
        return self._background.run(
            self._client.rewrite(
                document, relative=relative, project=project, slots=slots, only_hosts=only_hosts, dry_run=dry_run
            )
        )

    @overload
    def settled(  # type: ignore[overload-overlap]  # a str is iterable too, but is one id
        self, media_id: uuid.UUID | str, *, timeout: float | None = None
    ) -> media.Media: ...
    @overload
    def settled(
        self, media_id: Iterable[uuid.UUID | str], *, timeout: float | None = None
    ) -> builtins.list[media.Media]: ...
    def settled(
        self, media_id: uuid.UUID | str | Iterable[uuid.UUID | str], *, timeout: float | None = None
    ) -> media.Media | builtins.list[media.Media]:
        """The item, or the items in order, once kept or known not to be. `TimeoutError` after `timeout` seconds."""
        if isinstance(media_id, uuid.UUID | str):
            return self._background.run(self._client.settled(media_id, timeout=timeout))
        return self._background.run(self._client.settled([*media_id], timeout=timeout))

    def create_key(self, name: str, *, role: nouns.KeyRole = "app", app: str = "default") -> nouns.NewKey:
        """Makes an API key; its `key` is shown here and never again. For service keys only."""
        return self._background.run(self._client.create_key(name, role=role, app=app))

    def keys(self) -> Iterator[nouns.Key]:
        """All API keys, newest first, without their secrets. For service keys only."""
        return self._each(self._client.keys())

    def revoke_key(self, key_id: uuid.UUID | str) -> nouns.Key:
        """Ends a key: the next request that shows it is refused."""
        return self._background.run(self._client.revoke_key(key_id))

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

    def usage(self, group_by: usage_nouns.GroupBy = "kind") -> usage_nouns.Usage:
        """What is stored, delivered and paid for, and what a month will cost; by owner for service keys alone."""
        return self._background.run(self._client.usage(group_by))

    def stats(self) -> usage_nouns.Stats:
        """The whole installation: items by state, the queue of captures, how they ended, what is at risk. For service
        keys only."""
        return self._background.run(self._client.stats())

    def _each(self, listed: paging.Listed[T]) -> Iterator[T]:
        while page := self._background.run(listed.page()):
            yield from page
