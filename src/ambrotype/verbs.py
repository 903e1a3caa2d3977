"""The verbs: what is done with what a caller asked for. HTTP, Python and the command line are thin over these."""

import asyncio
import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Literal

import pydantic

from ambrotype import app as app_
from ambrotype import tasks
from ambrotype.accounts import keys, vault
from ambrotype.capture import accept, network, pipeline, request, settling
from ambrotype.capture import bytes as handed_over
from ambrotype.capture import rewrite as rewrites
from ambrotype.capture.uploads import direct, finishing, placing, resumable, single
from ambrotype.core import errors, media, owners, renditions, rewriting
from ambrotype.core import keys as key_nouns
from ambrotype.core import shares as share_nouns
from ambrotype.core import usage as usage_nouns
from ambrotype.core import webhooks as webhook_nouns
from ambrotype.generations import adopting, ending
from ambrotype.library import changes, listing, view, webhooks
from ambrotype.library import cursor as cursors
from ambrotype.library import usage as usages
from ambrotype.records import accepting, captures, database, generations, listening
from ambrotype.records import media as rows
from ambrotype.renditions import rendering

MOST_DATA = 64 * 2**20
"""Bytes of `data` as text: it passes through memory whole. Larger files are uploaded, or kept from a URL."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the verbs work with; one for the life of an API process or an opened library."""

    app: app_.App
    tools: pipeline.Tools
    settling: settling.Settling
    uploads: resumable.Resumables
    rendering: rendering.Rendering
    directs: direct.Directs


@contextlib.asynccontextmanager
async def opened(app: app_.App) -> AsyncIterator[Context]:
    """Gets ready what captures need, and listens for what settles."""
    async with app_.tools(app) as tools, contextlib.AsyncExitStack() as stack:
        waits = settling.Settling(app.data)
        renders = await stack.enter_async_context(app_.rendering(app))

        def heard(channel: str, payload: str) -> None:
            if channel == app_.RENDITION_CHANNEL:
                renders.heard(payload)
            else:
                waits.heard(channel, payload)

        channels = [app_.MEDIA_CHANNEL, app_.KEY_CHANNEL, app_.RENDITION_CHANNEL]
        hearing = asyncio.create_task(listening.listen(app.direct, channels, heard))
        try:
            yield Context(
                app=app,
                tools=tools,
                settling=waits,
                uploads=resumable.Resumables(tools, app.rules, most=app.settings.upload_max_bytes),
                rendering=renders,
                directs=direct.Directs(tools, app.rules, most=app.settings.upload_max_bytes),
            )
        finally:
            await tasks.ended(hearing)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, with its bytes where the caller is in this process and has them."""

    request: request.KeepRequest
    content: bytes | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An item that is promised or there already, as it is now."""

    media: media.Media
    known: bool
    """It was there before, and nothing has been begun."""


class KeyRequest(pydantic.BaseModel):
    """A key to make."""

    model_config = pydantic.ConfigDict(extra="forbid")

    name: request.Short
    role: key_nouns.KeyRole = "app"
    app: Annotated[str, pydantic.Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "default"


Pixels = Annotated[int, pydantic.Field(ge=1, le=renditions.MOST_SIDE)]


class Transform(pydantic.BaseModel):
    """A picture derived from an original."""

    model_config = pydantic.ConfigDict(extra="forbid")

    w: Pixels | None = None
    h: Pixels | None = None
    fit: Literal["cover", "contain", "inside"] | None = None
    format: Literal["webp", "avif", "jpeg", "png", "auto"] | None = None
    q: Annotated[int, pydantic.Field(ge=1, le=100)] | None = None


class LinkRequest(pydantic.BaseModel):
    """A signed URL to make: of the original, unless a transform or a rendition is named."""

    model_config = pydantic.ConfigDict(extra="forbid")

    transform: Transform | None = None
    rendition: Literal["thumb", "poster", "preview", "480p", "720p", "1080p"] | None = None
    expires_in: Annotated[int, pydantic.Field(ge=1, le=366 * 86_400, description="seconds; ends with an hour")] = 3600
    download: bool = False

    @pydantic.model_validator(mode="after")
    def _one(self) -> "LinkRequest":
        if self.transform is not None and self.rendition is not None:
            raise ValueError("give transform or rendition, not both")
        return self


def asked(fields: object) -> Asked:
    """What a mapping of fields asks for; its `data` may be bytes. Raises `errors.InvalidRequest`."""
    if not isinstance(fields, Mapping):
        raise errors.InvalidRequest(f"An item is a URL or a mapping of fields, not {type(fields).__name__}.")
    data = fields.get("data")
    if not isinstance(data, bytes | bytearray | memoryview):
        return Asked(request=request.parsed(request.KeepRequest, fields))
    if not data:
        raise errors.InvalidRequest("data holds no bytes.", pointer="/data")
    return Asked(request=request.parsed(request.KeepRequest, {**fields, "data": ""}), content=bytes(data))


async def keep(here: Context, who: owners.Principal, wanted: Asked) -> Kept:
    """Keeps what a URL, base64, a data URI or bytes hold. Waits for `wait` seconds at the most until a URL's are in."""
    if wanted.request.url is None and wanted.request.data is None:
        return await _keep_job(here, who, wanted.request)
    item = accept.acceptance(wanted.request, rules=here.app.rules, trusted=who.is_key)
    quota = here.app.rules.quotas.of(who.owner)
    if wanted.request.data is not None:
        accepted = await handed_over.keep(who, item, _content(here, wanted), here.tools, quota=quota)
    else:
        (accepted,) = await accept.accept(here.app.data, who, [item], quota=quota)
    media_id = _accepted(accepted)
    if wanted.request.mode == "keep":
        await _wait(here, {media_id: wanted.request.wait})
    found = await listing.get(here.app.data, who, here.app.addresses, media_id)
    return Kept(media=found, known=accepted.outcome == "known")


async def keep_many(
    here: Context, who: owners.Principal, items: Sequence[object]
) -> list[media.Media | errors.AmbrotypeError]:
    """Keeps each, in order. Each fails alone; those with a URL are accepted in one transaction."""
    failed: dict[int, errors.AmbrotypeError] = {}
    done: dict[int, uuid.UUID] = {}
    acceptances: dict[int, accepting.Acceptance] = {}
    waits: dict[int, float] = {}
    quota = here.app.rules.quotas.of(who.owner)
    for n, one in enumerate(items):
        try:
            wanted = asked(one)
            if wanted.request.url is None and wanted.request.data is None:
                done[n] = (await _keep_job(here, who, wanted.request)).media.id
                continue
            acceptance = accept.acceptance(wanted.request, rules=here.app.rules, trusted=who.is_key)
            if wanted.request.data is not None:
                content = _content(here, wanted)
                done[n] = _accepted(await handed_over.keep(who, acceptance, content, here.tools, quota=quota))
            else:
                acceptances[n] = acceptance
                waits[n] = wanted.request.wait if wanted.request.mode == "keep" else 0
        except errors.AmbrotypeError as error:
            failed[n] = error
    accepted = await accept.accept(here.app.data, who, list(acceptances.values()), quota=quota) if acceptances else []
    for n, outcome in zip(acceptances, accepted, strict=True):
        try:
            done[n] = _accepted(outcome)
        except (errors.NotFound, errors.QuotaExceeded) as error:
            failed[n] = error
    await _wait(here, {media_id: waits.get(n, 0) for n, media_id in done.items()})
    shown = await _shown(here, who, list(done.values()))
    return [failed[n] if n in failed else shown.get(done[n], listing.missing(done[n])) for n in range(len(items))]


def uploading(here: Context, who: owners.Principal) -> single.Single:
    """A file that comes in at once."""
    return single.Single(
        who,
        here.tools,
        here.app.rules,
        quota=here.app.rules.quotas.of(who.owner),
        most=here.app.settings.upload_max_bytes,
    )


async def upload(
    here: Context,
    who: owners.Principal,
    chunks: AsyncIterator[bytes],
    wanted: request.UploadRequest,
    *,
    filename: str | None,
    incoming: int | None = None,
) -> Kept:
    """Keeps a file that is in reach of this process."""
    one, name = uploading(here, who), placing.file_name(filename)
    async with one.received(chunks, asked=wanted, filename=name, incoming=incoming) as checked:
        kept = await one.keep(checked, asked=wanted, filename=name)
    return await uploaded(here, who, kept)


async def uploaded(here: Context, who: owners.Principal, kept: finishing.Kept) -> Kept:
    """The item of a finished upload, as it is now."""
    return Kept(media=await listing.get(here.app.data, who, here.app.addresses, kept.id), known=kept.known)


async def keep_again(here: Context, who: owners.Principal, media_id: uuid.UUID, *, url: str | None = None) -> Kept:
    """Saves a temporary item; tries a lost or expired one again, from another URL if one is given."""
    before = await listing.get(here.app.data, who, here.app.addresses, media_id)
    if before.status == "kept" or (before.status == "keeping" and url is None):
        return Kept(media=before, known=True)
    if before.status == "temporary" and before.path is not None and url is None and before.deleted_at is None:
        return await _keep_staged(here, who, media_id)
    source_url = url or before.source_url
    if before.deleted_at is not None or source_url is None:
        raise errors.Conflict(f"The media item {media_id} is in the trash or has no source; restore it, or give a url.")
    told = before.source_expires_at if before.source_expiry_rule == "told" and url is None else None
    source = accept.origin(source_url, rules=here.app.rules, trusted=who.is_key, provider=before.provider, told=told)
    async with here.app.data.transaction(who) as tx:
        clash = await rows.other_with_source(tx, media_id, source.hash)
    if clash is not None:
        raise errors.Conflict(f"That URL is already the source of the media item {clash}.")
    quota = here.app.rules.quotas.of(who.owner)
    if await accept.keep_again(here.app.data, who, media_id, source, quota=quota) is None:
        raise listing.missing(media_id)
    return Kept(media=await listing.get(here.app.data, who, here.app.addresses, media_id), known=False)


async def _keep_staged(here: Context, who: owners.Principal, media_id: uuid.UUID) -> Kept:
    """The bytes lie in the store already, whole and checked."""
    async with here.app.data.transaction(who) as tx:
        if not await generations.save_staged(tx, media_id):
            raise errors.Conflict(f"The media item {media_id} has just ended; its bytes are gone.")
        await tx.become(database.WORKER)
        stored = await captures.staged_bytes(tx, media_id)
        assert stored is not None
        await captures.kept(tx, media_id, stored)
    return Kept(media=await listing.get(here.app.data, who, here.app.addresses, media_id), known=False)


async def _keep_job(here: Context, who: owners.Principal, asked: request.KeepRequest) -> Kept:
    """A job that was started elsewhere, by the provider's name for it."""
    outputs = ending.Tools(capture=here.tools, rules=here.app.rules)
    tools = adopting.Tools(providers=here.app.providers, caller=here.app.caller, outputs=outputs)
    adopted = await adopting.adopt(tools, who, asked)
    if asked.mode == "keep":
        await _wait(here, {adopted.media_id: asked.wait})
    found = await listing.get(here.app.data, who, here.app.addresses, adopted.media_id)
    return Kept(media=found, known=adopted.known)


async def settled(here: Context, who: owners.Principal, media_id: uuid.UUID, *, seconds: float) -> media.Media:
    """The item once it is not `keeping` any more, or as it is after so many seconds."""
    await listing.get(here.app.data, who, here.app.addresses, media_id)
    await here.settling.wait(media_id, seconds)
    return await listing.get(here.app.data, who, here.app.addresses, media_id)


async def rewrite(here: Context, who: owners.Principal, document: str, asked: rewrites.Asked) -> rewriting.Rewritten:
    """A document's JSON text with permanent URLs in place of those that die; what it names is promised."""
    if here.app.settings.public_url is None and not asked.relative:
        raise errors.PublicUrlRequired(
            "Permanent URLs are to be written down, and AMBROTYPE_PUBLIC_URL does not say what they begin with:"
            " set it, or ask for relative URLs."
        )
    return await rewrites.rewrite(
        here.app.data,
        who,
        document,
        asked,
        rules=here.app.rules,
        trusted=who.is_key,
        permanent=here.app.addresses.permanent,
    )


async def link(here: Context, who: owners.Principal, media_id: uuid.UUID, wanted: LinkRequest) -> share_nouns.Link:
    """A signed URL of the caller's item: it opens this form of it for whoever has it, until it runs out."""
    item = await listing.get(here.app.data, who, here.app.addresses, media_id)
    given = wanted.transform.model_dump(exclude_none=True) if wanted.transform is not None else {}
    params = {name: str(value) for name, value in given.items()}
    if wanted.rendition is not None:
        params["rendition"] = wanted.rendition
    if params and item.status == "kept":
        renditions.require(renditions.parse(params, accept="", exact=True), item.kind)
    if wanted.download:
        params["download"] = "1"
    url, until = here.app.addresses.signed(
        item.id, item.name, item.visibility, params=params, lives=datetime.timedelta(seconds=wanted.expires_in)
    )
    return share_nouns.Link(url=url, expires_at=until)


async def usage(here: Context, who: owners.Principal, group_by: usage_nouns.GroupBy) -> usage_nouns.Usage:
    """What the caller's library uses, and what it will cost at the prices of the settings."""
    settings = here.app.settings
    prices = usages.Prices(storage=settings.price_storage_gb_month, egress=settings.price_egress_gb)
    return await usages.read(here.app.data, who, group_by=group_by, prices=prices)


async def create_key(here: Context, wanted: KeyRequest) -> key_nouns.NewKey:
    """Makes an API key; what is answered is the only thing that shows it."""
    made = await keys.create(here.app.data, name=wanted.name, role=wanted.role, app=wanted.app)
    if made is None:
        raise errors.Conflict("Such a key is known already; try again.")
    return made


async def keys_page(here: Context, *, cursor: str | None = None, limit: int = 50) -> listing.Page[key_nouns.Key]:
    """Keys, newest first, without their secrets."""
    position = cursors.decode("keys", cursor)
    found = await keys.listed(here.app.data, after=position[1] if position else None, most=limit + 1)
    more = cursors.encode("keys", (None, found[limit - 1].id)) if len(found) > limit else None
    return listing.Page(items=found[:limit], next_cursor=more)


async def create_webhook(
    here: Context, who: owners.Principal, wanted: changes.WebhookRequest
) -> webhook_nouns.NewWebhook:
    """Makes a webhook; what is answered is the only thing that shows its secret."""
    _check_receiver(here, who, wanted.url)
    box = vault.box([one.secret for one in here.app.signing_keys], purpose="webhooks")
    types: list[str] = list(dict.fromkeys(wanted.events))
    return await webhooks.create(here.app.data, who, url=wanted.url, events=types, seal=box.encrypt)


async def edit_webhook(
    here: Context, who: owners.Principal, webhook_id: uuid.UUID, wanted: changes.WebhookChanges
) -> webhook_nouns.Webhook:
    """Changes where, what and whether a webhook is told."""
    given = wanted.model_dump(exclude_unset=True)
    if "url" in given:
        _check_receiver(here, who, given["url"])
    return await webhooks.edit(here.app.data, who, webhook_id, given)


def _check_receiver(here: Context, who: owners.Principal, url: str) -> None:
    """Form and literal address, as for captures; names are checked when the connection is made."""
    network.check_url(url, here.app.rules.allowed_for_keys if who.is_key else network.NOTHING)


def _content(here: Context, wanted: Asked) -> bytes:
    most = here.app.settings.upload_max_bytes
    if wanted.content is None:
        return handed_over.decoded(wanted.request.data or "", most=min(MOST_DATA, most))
    if len(wanted.content) > most:
        raise errors.TooLarge(f"data holds {len(wanted.content)} bytes; at most {most} are taken.")
    return wanted.content


def _accepted(outcome: accepting.Accepted) -> uuid.UUID:
    if outcome.outcome == "over_quota":
        raise errors.QuotaExceeded(outcome.detail or "This would be more than the quota.")
    if outcome.id is None:
        raise errors.NotFound(outcome.detail or "There is no such parent.")
    return outcome.id


async def _wait(here: Context, seconds: Mapping[uuid.UUID, float]) -> None:
    """Until each item has settled, or its seconds are over; all of them count from now."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for media_id, most in seconds.items():
        if (left := began + most - loop.time()) > 0:
            await here.settling.wait(media_id, left)


async def _shown(here: Context, who: owners.Principal, wanted: Sequence[uuid.UUID]) -> dict[uuid.UUID, media.Media]:
    """The items as they are now."""
    async with here.app.data.transaction(who) as tx:
        found = await rows.some(tx, list(wanted))
    return {media_id: view.media_of(row, here.app.addresses) for media_id, row in found.items()}
