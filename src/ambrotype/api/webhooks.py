"""`/v1/webhooks`: where an owner's events are told, Standard Webhooks 1.0."""

import uuid
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ambrotype import verbs
from ambrotype.api import caller, context, documents, routing
from ambrotype.api import idempotency as idempotency_
from ambrotype.api.media import Cursor, Limit
from ambrotype.core import webhooks as nouns
from ambrotype.library import changes, listing, webhooks

router = routing.router(tags=["events"])

_NEW = pydantic.TypeAdapter(nouns.NewWebhook)
_ONE = pydantic.TypeAdapter(nouns.Webhook)
_PAGE = pydantic.TypeAdapter(listing.Page[nouns.Webhook])
_DELIVERY = pydantic.TypeAdapter(nouns.Delivery)
_LOG = pydantic.TypeAdapter(listing.Page[nouns.Delivery])


def _json(content: bytes, status: int = 200) -> fastapi.Response:
    return responses.Response(
        content, status_code=status, media_type="application/json", headers={"Cache-Control": "private, no-store"}
    )


@router.post(
    "/v1/webhooks",
    response_model=nouns.NewWebhook,
    status_code=201,
    responses={**documents.WRITING, **documents.problems(409)},
)
async def create(
    here: context.Here,
    who: caller.Writer,
    asked: changes.WebhookRequest,
    request: fastapi.Request,
    key: idempotency_.Header = None,
) -> fastapi.Response:
    """Makes a webhook. The reply is the only one that shows its secret."""

    async def make() -> fastapi.Response:
        return _json(_NEW.dump_json(await verbs.create_webhook(here, who, asked)), 201)

    return await idempotency_.once(here, who, request, key, make)


@router.get("/v1/webhooks", response_model=documents.Page[nouns.Webhook], responses=documents.LISTING)
async def page(
    here: context.Here,
    who: caller.Reader,
    limit: Annotated[Limit, fastapi.Query()] = 50,
    cursor: Annotated[Cursor, fastapi.Query()] = None,
) -> fastapi.Response:
    """The caller's webhooks, newest first."""
    return _json(_PAGE.dump_json(await webhooks.page(here.app.data, who, cursor=cursor, limit=limit)))


@router.get("/v1/webhooks/{id}", response_model=nouns.Webhook, responses=documents.READING)
async def get(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """One webhook, without its secret."""
    return _json(_ONE.dump_json(await webhooks.get(here.app.data, who, id)))


@router.patch("/v1/webhooks/{id}", response_model=nouns.Webhook, responses=documents.WRITING)
async def edit(
    here: context.Here, who: caller.Writer, id: uuid.UUID, asked: changes.WebhookChanges
) -> fastapi.Response:
    """Changes a webhook; an inactive one is told later what happened meanwhile, when it is active again."""
    return _json(_ONE.dump_json(await verbs.edit_webhook(here, who, id, asked)))


@router.delete("/v1/webhooks/{id}", status_code=204, responses=documents.WRITING)
async def delete(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Removes a webhook with its log."""
    await webhooks.delete(here.app.data, who, id)
    return responses.Response(status_code=204)


@router.get("/v1/webhooks/{id}/deliveries", response_model=documents.Page[nouns.Delivery], responses=documents.READING)
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
    response_model=nouns.Delivery,
    status_code=202,
    responses=documents.WRITING,
)
async def replay(here: context.Here, who: caller.Writer, id: uuid.UUID, delivery: uuid.UUID) -> fastapi.Response:
    """Tells it again, under the same `webhook-id`."""
    return _json(_DELIVERY.dump_json(await webhooks.replay(here.app.data, who, id, delivery)), 202)


@router.post("/v1/webhooks/{id}/test", response_model=nouns.Delivery, status_code=202, responses=documents.WRITING)
async def test(here: context.Here, who: caller.Writer, id: uuid.UUID) -> fastapi.Response:
    """Sends a `webhook.test`."""
    return _json(_DELIVERY.dump_json(await webhooks.test(here.app.data, who, id)), 202)
