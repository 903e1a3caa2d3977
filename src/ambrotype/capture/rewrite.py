"""Rewriting: every media URL of a document that may die is accepted, and the document names the permanent ones.

Find, judge, accept, exchange. What is found and how it is written back is `core.rewriting`'s; which URLs count as
media, `core.candidates`'. Doing it again changes nothing: permanent URLs stay, and known sources are the same items.
"""

import asyncio
import dataclasses
import re
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import pydantic

from ambrotype.capture import accept, network, request
from ambrotype.core import candidates, errors, links, owners, pointers, quotas, rewriting
from ambrotype.records import accepting, database, media

MOST_BYTES = 16 * 2**20
"""Bytes of a document."""
MOST_URLS = 2_000
"""Different URLs to keep from one document."""
BATCH = 500
"""Items accepted in one transaction."""
MOST_SHOWN = 100
"""Characters of a data: URI in the report."""

Address = Callable[[uuid.UUID, str, str], str]
"""Composes a permanent URL from an item's id, name and visibility."""
Host = Annotated[str, pydantic.Field(pattern=r"^[^/?#@\s]{1,255}$")]

_Item = tuple[str, str | None]
"""What one item is made from: a URL, and the slot that it fills."""


class Asked(pydantic.BaseModel):
    """How a document is to be rewritten."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    relative: bool = pydantic.Field(default=False, description="write `/m/{id}/{name}`, without scheme and host")
    project: request.Short | None = None
    slots: Annotated[dict[str, str], pydantic.Field(max_length=100)] = pydantic.Field(
        default={},
        description="JSON pointer pattern → slot: `{1}` is what the first `*` stands for",
        examples=[{"/scenes/*/scene_start_frame": "{1}"}],
    )
    only_hosts: Annotated[list[Host], pydantic.Field(max_length=100)] | None = pydantic.Field(
        default=None, description="rewrite only URLs of these hosts (`host` or `host:port`) and of those below them"
    )
    dry_run: bool = pydantic.Field(default=False, description="only tell what would be rewritten")

    @pydantic.model_validator(mode="after")
    def _together(self) -> "Asked":
        if self.slots and self.project is None:
            raise ValueError("a slot lies in a project: give project too")
        return self

    def patterns(self) -> list[pointers.Slot]:
        """The slots' patterns, in their order. Raises `errors.InvalidRequest`."""
        return [pointers.slot(pattern, template) for pattern, template in self.slots.items()]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A URL of the document that is to be kept, and as which item."""

    found: rewriting.Found
    item: _Item


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be done with each URL, in the order of the document."""

    steps: list[_Place | rewriting.Left]
    items: Mapping[_Item, accepting.Acceptance]


async def rewrite(
    data: database.Database,
    who: owners.Principal,
    raw: str,
    asked: Asked,
    *,
    rules: accept.Rules,
    trusted: bool,
    permanent: Address,
) -> rewriting.Rewritten:
    """The JSON text `raw` with permanent URLs, as a JSON text. What it names is promised when this returns.

    Raises `errors.TooLarge`, `errors.InvalidRequest`.
    """
    plan = await asyncio.to_thread(_planned, raw, asked, rules=rules, trusted=trusted)
    if asked.dry_run:
        return await asyncio.to_thread(_reported, raw, plan, None)
    accepted = await _accepted(data, who, plan.items, quota=rules.quotas.of(who.owner))
    async with data.transaction(who) as tx:
        rows = await media.some(tx, [found.id for found in accepted.values() if found.id is not None])
    compose = _relative if asked.relative else permanent
    known: dict[_Item, tuple[uuid.UUID, str] | str] = {}
    for item, found in accepted.items():
        row = rows.get(found.id) if found.id is not None else None
        known[item] = (row["id"], compose(row["id"], row["name"], row["visibility"])) if row else _refused(found)
    return await asyncio.to_thread(_reported, raw, plan, known)


def _planned(raw: str, asked: Asked, *, rules: accept.Rules, trusted: bool) -> _Plan:
    if rewriting.size(raw) > MOST_BYTES:
        raise errors.TooLarge(f"The document has more than {MOST_BYTES} bytes; rewrite it in parts.")
    judge = _Judge(asked, rules.allowed(trusted=trusted))
    patterns = asked.patterns()
    steps: list[_Place | rewriting.Left] = []
    items: dict[_Item, accepting.Acceptance] = {}
    urls: set[str] = set()
    for one in rewriting.found(raw):
        why = judge.why_left(one.url)
        if why is None:
            continue
        place = _Place(found=one, item=(one.url, _slot(patterns, one)))
        if not why and place.item not in items:
            urls.add(one.url)
            if len(urls) > MOST_URLS:
                raise _too_many()
            try:
                items[place.item] = accept.acceptance(_request(place, asked), rules=rules, trusted=trusted)
            except errors.AmbrotypeError as problem:
                why = _why(problem)
        steps.append(_left(one, why) if why else place)
    return _Plan(steps=steps, items=items)


def _too_many() -> errors.InvalidRequest:
    return errors.InvalidRequest(
        f"The document holds more than {MOST_URLS} different media URLs: rewrite it in parts, or name only_hosts.",
        pointer="/document",
    )


class _Judge:
    """What is to be done with URLs; each is looked at once, however often it occurs."""

    def __init__(self, asked: Asked, allowed: network.Allowed) -> None:
        self._hosts = None if asked.only_hosts is None else [host.lower() for host in asked.only_hosts]
        self._allowed = allowed
        self._seen: dict[str, str | None] = {}

    def why_left(self, url: str) -> str | None:
        """Why it stays although it looks like media; empty to have it kept, None for a link to something else."""
        if url not in self._seen:
            self._seen[url] = self._look(url)
        return self._seen[url]

    def _look(self, url: str) -> str | None:
        if not _http(url):
            return _UNFETCHABLE[url.partition(":")[0].lower()]
        if candidates.permanent(url):
            return _SIGNED if _SIGNATURE.search(url) else _PERMANENT
        if not candidates.is_media(url):
            return None
        if self._hosts is not None and not _within(url, self._hosts):
            return "not_asked: Its host is not one of only_hosts."
        try:
            network.check_url(url, self._allowed)
        except errors.CaptureFailed as problem:
            return _why(problem)
        return ""


_UNFETCHABLE = {
    "data": "unsupported_scheme: A data: URI holds its bytes itself and does not expire; keep it as data.",
    "blob": "unsupported_scheme: A blob: URL lives in one tab of one browser; upload what it shows.",
}
_PERMANENT = "already_permanent: It is a permanent URL."
_SIGNED = "already_permanent: It is a permanent URL whose signature runs out; write the item's url, without a query."
_SIGNATURE = re.compile(r"[?&]sig=")


def _http(url: str) -> bool:
    return url[:4].lower() == "http"


def _why(problem: errors.AmbrotypeError) -> str:
    return f"{problem.code}: {problem.detail}"


def _within(url: str, hosts: Sequence[str]) -> bool:
    link = links.parse(url)
    return link is not None and any(link.within(host) or link.authority == host for host in hosts)


def _left(one: rewriting.Found, why: str) -> rewriting.Left:
    shown = one.url if _http(one.url) or len(one.url) <= MOST_SHOWN else f"{one.url[:MOST_SHOWN]}…"
    return rewriting.Left(pointer=one.pointer, url=shown, why=why)


def _request(place: _Place, asked: Asked) -> request.KeepRequest:
    url, slot = place.item
    fields: dict[str, Any] = {
        "url": url,
        "kind": candidates.kind(url, place.found.steps),
        "project": asked.project,
        "slot": slot,
    }
    return request.parsed(request.KeepRequest, fields)


def _slot(patterns: Sequence[pointers.Slot], one: rewriting.Found) -> str | None:
    """By the first pattern that describes the place."""
    return next((name for pattern in patterns if (name := pattern.name(one.steps)) is not None), None)


async def _accepted(
    data: database.Database, who: owners.Principal, items: Mapping[_Item, accepting.Acceptance], *, quota: quotas.Quota
) -> dict[_Item, accepting.Accepted]:
    done: dict[_Item, accepting.Accepted] = {}
    for names in _batches(list(items)):
        outcomes = await accept.accept(data, who, [items[name] for name in names], quota=quota)
        done |= zip(names, outcomes, strict=True)
    return done


def _refused(outcome: accepting.Accepted) -> str:
    if outcome.outcome == "over_quota":
        return f"quota_exceeded: {outcome.detail or 'This would be more than the quota.'}"
    return "not_found: Its item has been deleted meanwhile; try again."


def _batches(names: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]


def _reported(raw: str, plan: _Plan, known: Mapping[_Item, tuple[uuid.UUID, str] | str] | None) -> rewriting.Rewritten:
    """The document with the items' URLs, or why there is none; as it was where `known` is None, in a dry run."""
    replaced: list[rewriting.Replaced] = []
    left: list[rewriting.Left] = []
    by: list[tuple[rewriting.Found, str]] = []
    for step in plan.steps:
        if isinstance(step, rewriting.Left):
            left.append(step)
            continue
        outcome = known[step.item] if known is not None else (None, None)
        if isinstance(outcome, str):
            left.append(_left(step.found, outcome))
        else:
            media_id, url = outcome
            if url is not None:
                by.append((step.found, url))
            replaced.append(
                rewriting.Replaced(pointer=step.found.pointer, from_=step.found.url, to=url, media_id=media_id)
            )
    return rewriting.Rewritten(document=rewriting.exchanged(raw, by), replaced=replaced, left=left)


def _relative(media_id: uuid.UUID, name: str, _visibility: str) -> str:
    return f"/m/{media_id}/{urllib.parse.quote(name, safe='')}"
