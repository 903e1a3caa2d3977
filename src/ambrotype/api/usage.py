"""`/v1/usage`, `/v1/stats` and `/metrics`: what is stored, delivered and paid for, and how all of it is doing."""

from typing import Annotated

import fastapi
import prometheus_client
import pydantic
from fastapi import responses
from prometheus_client import core as metrics_

from ambrotype import verbs
from ambrotype.api import caller, context, documents, routing
from ambrotype.core import usage as nouns
from ambrotype.library import usage

router = routing.router(tags=["usage"])

_USAGE = pydantic.TypeAdapter(nouns.Usage)
_STATS = pydantic.TypeAdapter(nouns.Stats)
_ADMINISTRATOR = documents.problems(401, 403, 422, 429, 503)


@router.get("/v1/usage", response_model=nouns.Usage, responses={**documents.LISTING, **documents.problems(403)})
async def read(
    here: context.Here, who: caller.Reader, group_by: Annotated[nouns.GroupBy, fastapi.Query()] = "kind"
) -> fastapi.Response:
    """What the caller's library uses and costs, in groups; by owner for service keys alone."""
    return _json(_USAGE.dump_json(await verbs.usage(here, who, group_by)))


@router.get("/v1/stats", response_model=nouns.Stats, responses=_ADMINISTRATOR)
async def stats(here: context.Here, who: caller.Administrator) -> fastapi.Response:
    """The whole installation: items by state, the queue of captures, how they ended, what is at risk."""
    return _json(_STATS.dump_json(await usage.stats(here.app.data)))


@router.get(
    "/metrics",
    dependencies=[fastapi.Depends(caller.scraper)],
    response_class=responses.PlainTextResponse,
    responses={200: {"description": "Prometheus text"}, **_ADMINISTRATOR},
)
async def metrics(here: context.Here) -> fastapi.Response:
    """The same for Prometheus. Read from the database, so every API process tells the same."""
    found, sent = await usage.stats(here.app.data), await usage.delivered(here.app.data)
    families = [
        _labelled("ambrotype_media", "Items by state.", "status", found.by_status),
        _labelled("ambrotype_captures", "How captures ended, of what is still there.", "code", found.outcomes),
        metrics_.GaugeMetricFamily("ambrotype_queue_depth", "Captures that have not ended.", found.queue.depth),
        metrics_.GaugeMetricFamily(
            "ambrotype_queue_oldest_seconds", "Age of the oldest of them.", found.queue.oldest_seconds or 0.0
        ),
        metrics_.GaugeMetricFamily("ambrotype_at_risk", "Items that live at their provider only.", found.at_risk),
        metrics_.CounterMetricFamily("ambrotype_views", "Files that were begun to be delivered.", sent["views"]),
        metrics_.CounterMetricFamily("ambrotype_egress_bytes", "Bytes of files delivered.", sent["bytes"]),
    ]
    registry = prometheus_client.CollectorRegistry()
    registry.register(_Told(families))
    return responses.Response(
        prometheus_client.generate_latest(registry),
        headers={"Cache-Control": "no-store", "Content-Type": prometheus_client.CONTENT_TYPE_LATEST},
    )


class _Told:
    """What a registry asks for its metrics."""

    def __init__(self, families: list[metrics_.Metric]) -> None:
        self._families = families

    def collect(self) -> list[metrics_.Metric]:
        return self._families


def _labelled(name: str, text: str, label: str, values: dict[str, int]) -> metrics_.Metric:
    family = metrics_.GaugeMetricFamily(name, text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _json(content: bytes) -> fastapi.Response:
    return responses.Response(content, media_type="application/json", headers={"Cache-Control": "private, no-store"})
