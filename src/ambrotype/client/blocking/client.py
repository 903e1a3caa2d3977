"""`Client`: the verbs over HTTP, for programs without an event loop, and for notebooks that run one of their own."""

import builtins
import uuid
import weakref
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

from ambrotype import fields as fields_
from ambrotype.client import asynchronous
from ambrotype.client.blocking import administration, base, collections, editing, projects, sharing, transfers, webhooks
from ambrotype.core import errors, media, rewriting
from ambrotype.core.recipes import item as recipe_nouns
from ambrotype.fields import KeepFields

T = TypeVar("T")


def _end(background: base.Background, client: asynchronous.AsyncClient) -> None:
    background.run(client.close())
    background.end()


class Client(
    editing.Editing,
    projects.Projects,
    collections.Collections,
    sharing.Sharing,
    webhooks.Webhooks,
    administration.Administration,
    transfers.Transfers,
):
    """A server of Ambrotype at `url`; the arguments and verbs are those of `AsyncClient`, without `await`.

    May be used from several threads at once. Close it, or use it in `with`; what is forgotten closes with the program.
    """

    def __init__(
        self, url: str, *, key: str | None = None, owner: str | None = None, app: str | None = None, timeout: float = 60
    ) -> None:
        super().__init__(asynchronous.AsyncClient(url, key=key, owner=owner, app=app, timeout=timeout))
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
