"""`AsyncClient`: the verbs over HTTP, for programs with an event loop."""

import asyncio
import builtins
import datetime
import uuid
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

import orjson
import pydantic

from ambrotype import fields as fields_
from ambrotype import paging
from ambrotype.client import asking, http, problems
from ambrotype.client.asynchronous import (
    administration,
    answers,
    collections,
    editing,
    projects,
    sharing,
    transfers,
    webhooks,
)
from ambrotype.core import errors, jsontext, media, rewriting
from ambrotype.core.recipes import item as recipe_nouns
from ambrotype.fields import KeepFields

T = TypeVar("T")

FIRST_LOOK, LAST_LOOK = 0.1, 1.0
"""Seconds between two looks at an item that is being captured, at first and at last."""
REWRITING = 120
"""Seconds beyond the usual that a large document may take."""

_MEDIA = pydantic.TypeAdapter(media.Media)
_AT_RISK = pydantic.TypeAdapter(media.AtRisk)
_EVENT = pydantic.TypeAdapter(media.Event)
_REPLACED = pydantic.TypeAdapter(list[rewriting.Replaced])
_LEFT = pydantic.TypeAdapter(list[rewriting.Left])
_RECIPE = pydantic.TypeAdapter(recipe_nouns.ItemRecipe)
_TAGS = pydantic.TypeAdapter(recipe_nouns.Tags)


class AsyncClient(
    editing.Editing,
    projects.Projects,
    collections.Collections,
    sharing.Sharing,
    webhooks.Webhooks,
    administration.Administration,
    transfers.Transfers,
):
    """A server of Ambrotype at `url`.

    `key` is an API key. An `app` or `read` key names by `owner` (`user:<id>`, `guest:<id>`) whom it acts for; a
    `service` key may, and may name another `app` than its own. `timeout` is how many seconds an answer may take; what
    can be repeated without harm is tried again when a connection breaks or the server asks for patience. Close it, or
    use it in `async with`. Errors are those of `ambrotype.errors`, as the server raised them.
    """

    def __init__(
        self, url: str, *, key: str | None = None, owner: str | None = None, app: str | None = None, timeout: float = 60
    ) -> None:
        super().__init__(http.Connection(url, key=key, owner=owner, app=app, timeout=timeout))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._http.address!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections; harmless twice."""
        await self._http.close()

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
        given = {"url": url, "data": data, "wait": wait or None}
        asked = {**fields, **{name: value for name, value in given.items() if value is not None}}
        content = await self._http.send(
            http.Call(
                method="POST",
                path="/v1/keep",
                body=asking.body_of(asked),
                repeatable=not fields.get("again"),
                patience=wait,
            )
        )
        return answers.read(_MEDIA, content)

    async def keep_many(
        self, items: Iterable[str | Mapping[str, Any]], **common: Any
    ) -> builtins.list[media.Media | errors.AmbrotypeError]:
        """Keeps any number of URLs, or mappings of `keep`'s arguments; `common` holds where they don't say otherwise.

        Answers in order, with the error in place of each item that could not be accepted.
        """
        results: builtins.list[media.Media | errors.AmbrotypeError | None] = []
        bodies: builtins.list[bytes] = []
        again, wait = bool(common.get("again")), 0.0
        for item in items:
            try:
                fields = asking.fields_of(item, common)
                bodies.append(asking.body_of(fields))
                results.append(None)
                again, wait = again or bool(fields.get("again")), max(wait, _number(fields.get("wait")))
            except errors.InvalidRequest as error:
                results.append(error)
        answers: builtins.list[media.Media | errors.AmbrotypeError] = []
        for batch in asking.batches(bodies):
            answers += await self._batch(batch, repeatable=not again, patience=wait)
        left = iter(answers)
        return [next(left) if result is None else result for result in results]

    async def _batch(
        self, batch: builtins.list[bytes], *, repeatable: bool, patience: float
    ) -> builtins.list[media.Media | errors.AmbrotypeError]:
        body = orjson.dumps({"items": [orjson.Fragment(one) for one in batch]})
        content = await self._http.send(
            http.Call(method="POST", path="/v1/keep/batch", body=body, repeatable=repeatable, patience=patience)
        )
        found: builtins.list[Any] = answers.document(content)["results"]
        return [
            problems.of_document(one["problem"]) if one.get("problem") else answers.read(_MEDIA, one["media"])
            for one in found
        ]

    async def get(self, media_id: uuid.UUID | str) -> media.Media:
        """One item. `errors.NotFound` where there is none such, or not the owner's; `errors.Gone` after a purge."""
        return answers.read(
            _MEDIA, await self._http.send(http.Call(method="GET", path=f"/v1/media/{answers.identified(media_id)}"))
        )

    def list(
        self, *, sort: str = "-created_at", limit: int | None = None, **filters: Unpack[fields_.ListFields]
    ) -> paging.Listed[media.Media]:
        """The owner's items, at most `limit` of them; those kept and keeping unless `status` says otherwise."""
        return self._listed(_MEDIA, "/v1/media", (*_query(filters), ("sort", sort)), limit=limit)

    async def facets(self, **filters: Unpack[fields_.ListFields]) -> dict[str, Any]:
        """How many items of the same list there are by kind, source, provider, model, project, tag and month."""
        call = http.Call(method="GET", path="/v1/media/facets", query=_query(filters))
        found: dict[str, Any] = orjson.loads(await self._http.send(call))
        return found

    def at_risk(self, *, limit: int | None = None) -> paging.Listed[media.AtRisk]:
        """What is not kept yet, by deadline, soonest first, with the seconds left."""
        return self._listed(_AT_RISK, "/v1/at-risk", limit=limit)

    def events(self, media_id: uuid.UUID | str) -> paging.Listed[media.Event]:
        """What happened to an item, oldest first."""
        return self._listed(_EVENT, f"/v1/media/{answers.identified(media_id)}/events")

    async def recipe(self, media_id: uuid.UUID | str) -> recipe_nouns.ItemRecipe:
        """How an item was made: as told, else as its file says; with all embedded text, and tags to suggest."""
        call = http.Call(method="GET", path=f"/v1/media/{answers.identified(media_id)}/recipe")
        return answers.read(_RECIPE, await self._http.send(call))

    async def judge_tags(
        self, media_id: uuid.UUID | str, *, accept: Iterable[str] = (), refuse: Iterable[str] = ()
    ) -> recipe_nouns.Tags:
        """Accepts suggested tags, which become the item's, and refuses others, which are not suggested again."""
        body = orjson.dumps({"accept": list(accept), "refuse": list(refuse)})
        call = http.Call(method="POST", path=f"/v1/media/{answers.identified(media_id)}/suggested-tags", body=body)
        return answers.read(_TAGS, await self._http.send(call))

    async def keep_again(self, media_id: uuid.UUID | str, *, url: str | None = None) -> media.Media:
        """Saves a temporary item; tries a lost or expired one again, from another `url` if one is given."""
        body = orjson.dumps({"url": url}) if url is not None else None
        return answers.read(
            _MEDIA,
            await self._http.send(
                http.Call(method="POST", path=f"/v1/media/{answers.identified(media_id)}/keep", body=body)
            ),
        )

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
        body = await asyncio.to_thread(asking.rewriting_of, document, options)
        content = await self._http.send(http.Call(method="POST", path="/v1/rewrite", body=body, patience=REWRITING))
        return await asyncio.to_thread(_rewritten, content)

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
        try:
            async with asyncio.timeout(timeout):
                if isinstance(media_id, uuid.UUID | str):
                    return await self._settled(media_id)
                return [await self._settled(one) for one in media_id]
        except TimeoutError:
            raise TimeoutError(f"Not settled after {timeout} seconds; it goes on at the server.") from None

    async def _settled(self, media_id: uuid.UUID | str) -> media.Media:
        pause = FIRST_LOOK
        while not (found := await self.get(media_id)).settled:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LAST_LOOK)
        return found


def _rewritten(content: bytes) -> rewriting.Rewritten:
    """Read by its text: a document may hold numbers and halves of characters that fast readers refuse."""
    try:
        text = content.decode()
        spans = jsontext.members(text)
        document, replaced, left = (text[slice(*spans[name])] for name in ("document", "replaced", "left"))
    except (UnicodeDecodeError, jsontext.NotJson, KeyError):
        raise errors.AmbrotypeError("The server's answer is no rewritten document; is there an Ambrotype?") from None
    return rewriting.Rewritten(
        document=rewriting.read(document),
        replaced=answers.read(_REPLACED, [{**one, "from_": one.pop("from", None)} for one in orjson.loads(replaced)]),
        left=answers.read(_LEFT, orjson.loads(left)),
    )


def _query(filters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The query of a list; what repeats is written once for each value."""
    return tuple(
        (name, str(one).lower() if isinstance(one, bool) else _moment(one))
        for name, value in filters.items()
        if value is not None
        for one in fields_.several(value)
    )


def _moment(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
