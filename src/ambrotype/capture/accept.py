"""Accepting: the first step of every item. The row is written, and with it the promise; bytes come later."""

import dataclasses
import datetime
import hashlib
import uuid
from collections.abc import Mapping, Sequence

from ambrotype.capture import network, request
from ambrotype.core import errors, expiry, owners, sources, types, words
from ambrotype.core import layout as layouts_
from ambrotype.core import quotas as quotas_
from ambrotype.records import accepting, claims, database

NEVER = datetime.timedelta(days=30)
"""How long a source is tried that its provider says never dies."""
AT_LEAST = datetime.timedelta(hours=24)
"""How long a source is tried where its end is only a policy's guess."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What accepting depends on, from the settings."""

    allowed_for_keys: network.Allowed
    allowed_for_all: network.Allowed
    visibility: str
    layout: str
    layouts: Mapping[str, layouts_.Layout]
    retention: Mapping[str, int]
    quotas: quotas_.Quotas = dataclasses.field(default_factory=quotas_.Quotas)

    def allowed(self, *, trusted: bool) -> network.Allowed:
        """The private networks that this source may reach after all."""
        return self.allowed_for_keys if trusted else self.allowed_for_all


def origin(
    url: str,
    *,
    rules: Rules,
    trusted: bool,
    provider: str | None = None,
    told: datetime.datetime | None = None,
    completed_at: datetime.datetime | None = None,
) -> accepting.Origin:
    """Checks the URL's form and literal address, and reads when it dies. Raises the `CaptureFailed` that describes it.

    `completed_at` is when its job ended, where that is known: what only a policy says counts from there.
    """
    network.check_url(url, rules.allowed(trusted=trusted))
    now = datetime.datetime.now(datetime.UTC)
    end = expiry.read(url, now=now, provider=provider, told=told, completed_at=completed_at, retention=rules.retention)
    return accepting.Origin(
        url=url,
        host=sources.host(url),
        hash=sources.key(url),
        expires_at=end.at,
        deadline=end.at or now + NEVER,
        rule=end.rule,
        assumed=end.assumed,
        trusted=trusted,
    )


def gives_up_at(claim: claims.Claim) -> datetime.datetime:
    """Until when a source is tried: its deadline, or a day where that is only a policy's guess."""
    return max(claim.deadline, claim.accepted_at + AT_LEAST) if claim.assumed else claim.deadline


def acceptance(asked: request.KeepRequest, *, rules: Rules, trusted: bool) -> accepting.Acceptance:
    """The row that a request asks for. Raises the error that describes what is wrong with it."""
    if asked.layout is not None and asked.layout not in rules.layouts:
        raise errors.InvalidRequest(
            f"There is no layout {asked.layout!r}; there are {', '.join(sorted(rules.layouts))}.",
            pointer="/layout",
        )
    if asked.url is None and asked.data is None:
        raise errors.NotSupported(
            f"{asked.provider!r} can't be asked for a job's outputs by this version; give their url or data."
        )
    source = None
    if asked.url is not None:
        source = origin(asked.url, rules=rules, trusted=trusted, provider=asked.provider, told=asked.source_expires_at)
    guess = types.guess(sources.name_of(asked.url) if asked.url else asked.name, None)
    kind = asked.kind or (guess.kind if guess else "image")
    fields = asked.fields()
    fields |= {
        "kind": kind,
        "name": _name(asked, kind=kind, ext=guess.ext if guess and guess.kind == kind else None),
        "content_type": guess.content_type if guess and guess.kind == kind else None,
        "visibility": asked.visibility or rules.visibility,
        "layout": asked.layout or rules.layout,
    }
    fields["search"] = words.of_media(
        name=fields["name"], title=asked.title, tags=asked.tags, prompt=asked.prompt, description=asked.description
    )
    parents = tuple(
        (
            parent.id if parent.id is not None else _parent(parent, asked, rules=rules, trusted=trusted),
            parent.role,
        )
        for parent in asked.parents
    )
    return accepting.Acceptance(
        status="temporary" if asked.mode == "temporary" else "keeping",
        origin=source,
        again=asked.again,
        fields=fields,
        parents=parents,
    )


def upload(
    asked: request.UploadRequest, media: types.MediaType, *, filename: str | None, rules: Rules, trusted: bool
) -> accepting.Acceptance:
    """The row of bytes that are there, and of which the type is known. Raises the error that says what is wrong with it."""
    item = acceptance(asked.with_bytes(kind=media.kind, filename=filename), rules=rules, trusted=trusted)
    fields = item.fields | {"content_type": media.content_type}
    if asked.name is None and not filename:
        stem = asked.slot.rsplit("/", 1)[-1] if asked.slot is not None else media.kind
        fields["name"] = f"{layouts_.safe(stem)}.{media.ext}"
    return dataclasses.replace(item, fields=fields)


def of_bytes(item: accepting.Acceptance, digest: bytes, size: int) -> accepting.Acceptance:
    """The same item, known by its bytes (their SHA-256) instead of a URL."""
    known_by = hashlib.sha256(b"data:" + digest).hexdigest()
    return dataclasses.replace(item, fields=item.fields | {"source_hash": known_by, "incoming": size})


def _parent(
    parent: request.ParentRequest, child: request.KeepRequest, *, rules: Rules, trusted: bool
) -> accepting.Acceptance:
    """A parent given by its URL is an item of its own, kept even where its child is not."""
    assert parent.url is not None
    asked = request.KeepRequest(url=parent.url, project=child.project, visibility=child.visibility, layout=child.layout)
    return acceptance(asked, rules=rules, trusted=trusted)


def _name(asked: request.KeepRequest, *, kind: str, ext: str | None) -> str:
    """The last part of the permanent URL; it never changes, so it must not promise too much."""
    ext = ext or {"image": "jpeg", "video": "mp4", "audio": "mp3"}[kind]
    if asked.name is not None:
        return layouts_.safe(asked.name)
    if asked.slot is not None:
        return f"{layouts_.safe(asked.slot.rsplit('/', 1)[-1])}.{ext}"
    found = sources.name_of(asked.url) if asked.url else None
    return layouts_.safe(found) if found else f"{kind}.{ext}"


async def accept(
    data: database.Database,
    who: owners.Principal,
    items: Sequence[accepting.Acceptance],
    *,
    quota: quotas_.Quota = quotas_.NONE,
) -> list[accepting.Accepted]:
    """Writes the promises, all of them in one transaction; they are scheduled when this returns."""

    async def work(tx: database.Transaction) -> list[accepting.Accepted]:
        return await accepting.accept(tx, items, quota=quota)

    accepted: list[accepting.Accepted] = await data.retrying(who, work)
    return accepted


async def keep_again(
    data: database.Database,
    who: owners.Principal,
    media_id: uuid.UUID,
    source: accepting.Origin,
    *,
    quota: quotas_.Quota = quotas_.NONE,
) -> str | None:
    """Saves a temporary item, or tries a lost or expired one again; its former status, None if there is none such."""
    async with data.transaction(who) as tx:
        return await accepting.resume(tx, media_id, source, quota=quota)
