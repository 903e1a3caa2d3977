"""`/v1/webhooks`: where an owner's events are told, Standard Webhooks 1.0."""

import uuid
from typing import Annotated, Literal

import fastapi
import pydantic
from fastapi import responses

from ambrotype.accounts import vault
from ambrotype.api import caller, context, documents
from ambrotype.api import idempotency as idempotency_
from ambrotype.api.media import Cursor, Limit
from ambrotype.capture import network
from ambrotype.core import owners
from ambrotype.library import listing, webhooks

router = fastapi.APIRouter(tags=["events"])

EventType = Literal[
    "media.temporary", "media.keeping", "media.kept", "media.lost", "media.expired", "media.edited", "media.trashed",
    "media.restored", "media.purged", "media.at_risk", "media.rendition", "generation.queued", "generation.processing",
    "generation.completed", "generation.failed", "generation.cancelled", "slot.current",
]  # fmt: skip
Url = Annotated[str, pydantic.Field(min_length=8, max_length=2000)]
Types = Annotated[list[EventType], pydantic.Field(max_length=50, description="empty: all types")]

_NEW = pydantic.TypeAdapter(webhooks.NewWebhook)
_ONE = pydantic.TypeAdapter(webhooks.Webhook)
_PAGE = pydantic.TypeAdapter(listing.Page[webhooks.Webhook])
_DELIVERY = pydantic.TypeAdapter(webhooks.Delivery)
_LOG = pydantic.TypeAdapter(listing.Page[webhooks.Delivery])


class NewWebhook(pydantic.BaseModel):
    """A webhook to make."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: Url
    events: Types = []


class WebhookChanges(pydantic.BaseModel):
    """What is absent stays."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: Url = ""
    events: Types = []
    active: bool = True


def _json(content: bytes, status: int = 200) -> fastapi.Response:
    return responses.Response(
        content, status_code=status, media_type="application/json", headers={"Cache-Control": "private, no-store"}
    )


def _check(here: context.Context, who: owners.Principal, url: str) -> None:
    """Form and literal address, as for captures; names are checked when the connection is made."""
    network.check_url(url, here.app.rules.allowed_for_keys if who.is_key else network.NOTHING)


@router.post(
    "/v1/webhooks",
    response_model=webhooks.NewWebhook,
    status_code=201,
    responses={**documents.WRITING, **documents.problems(409)},
)
async def create(
    here: context.Here,
    who: caller.Writer,
    asked: NewWebhook,
    request: fastapi.Request,
    key: idempotency_.Header = None,
) -> fastapi.Response:
    """Makes a webhook. The reply is the only one that shows its secret."""
    _check(here, who, asked.url)
    box = vault.box([one.secret for one in here.app.signing_keys], purpose="webhooks")

    async def make() -> fastapi.Response:
        made = await webhooks.create(
            here.app.data, who, url=asked.url, events=list(dict.fromkeys(asked.events)), seal=box.encrypt
        )
        return _json(_NEW.dump_json(made), 201)

    return await idempotency_.once(here, who, request, key, make)


@router.get("/v1/webhooks", response_model=documents.Page[webhooks.Webhook], responses=documents.LISTING)
async def page(
    here: context.Here,
    who: caller.Reader,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """The caller's webhooks, newest first."""
    return _json(_PAGE.dump_json(await webhooks.page(here.app.data, who, cursor=cursor, limit=limit)))


@router.get("/v1/webhooks/{id}", response_model=webhooks.Webhook, responses=documents.READING)
async def get(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """One webhook, without its secret."""
    return _json(_ONE.dump_json(await webhooks.get(here.app.data, who, id)))


@router.patch("/v1/webhooks/{id}", response_model=webhooks.Webhook, responses=documents.WRITING)
async def edit(here: context.Here, who: caller.Writer, id: uuid.UUID, asked: WebhookChanges) -> fastapi.Response:
    """Changes a webhook; an inactive one is told later what happened meanwhile, when it is active again."""
    given = asked.model_dump(exclude_unset=True)
    if "url" in given:
        _check(here, who, given["url"])
    return _json(_ONE.dump_json(await webhooks.edit(here.app.data, who, id, given)))


@router.delete("/v1/webhooks/{id}", status_code=204, responses=documents.WRITING)
async def delete(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Removes a webhook with its log."""
    await webhooks.delete(here.app.data, who, id)
    return responses.Response(status_code=204)


@router.get(
    "/v1/webhooks/{id}/deliveries", response_model=documents.Page[webhooks.Delivery], responses=documents.READING
)
async def deliveries(
    here: context.Here,
    who: caller.Reader,
    id: uuid.UUID,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """What was told and what is to be, newest first."""
    return _json(_LOG.dump_json(await webhooks.deliveries(here.app.data, who, id, cursor=cursor, limit=limit)))


@router.post(
    "/v1/webhooks/{id}/deliveries/{delivery}/replay",
    response_model=webhooks.Delivery,
    status_code=202,
    responses=documents.WRITING,
)
async def replay(here: context.Here, who: caller.Writer, id: uuid.UUID, delivery: uuid.UUID) -> fastapi.Response:
    """Tells it again, under the same `webhook-id`."""
    return _json(_DELIVERY.dump_json(await webhooks.replay(here.app.data, who, id, delivery)), 202)


@router.post("/v1/webhooks/{id}/test", response_model=webhooks.Delivery, status_code=202, responses=documents.WRITING)
async def test(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Sends a `webhook.test`."""
    return _json(_DELIVERY.dump_json(await webhooks.test(here.app.data, who, id)), 202)
