"""The ASGI application."""

import contextlib
import functools
import importlib.metadata
from collections.abc import AsyncIterator, Callable
from typing import Any

import fastapi
from fastapi.middleware import cors
from starlette import routing

from ambrotype import logs
from ambrotype import settings as settings_
from ambrotype.accounts import rates
from ambrotype.api import (
    bulk,
    collections,
    context,
    documents,
    editing,
    error_table,
    errors,
    events,
    guests,
    health,
    keep,
    keys,
    links,
    media,
    permanent,
    projects,
    recipe,
    remembered,
    requests,
    rewrite,
    session,
    shared,
    shares,
    shown,
    usage,
    webhooks,
    welcome,
)
from ambrotype.capture import request as fields

ROUTERS = (
    keep.router, rewrite.router, media.router, recipe.router,
    bulk.router, editing.router, projects.router, collections.router, shares.router, links.router, usage.router, events.router,
    webhooks.router, keys.router, guests.router,
    session.router, shared.router, health.router, error_table.router, welcome.router,
)  # fmt: skip
"""Every resource of the API; the permanent URLs are mounted beside them, as raw ASGI."""

EXPOSED = (
    "X-Request-Id", "ETag", "Content-Range", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"
)  # fmt: skip
"""Headers that a page of another origin may read."""


def create() -> fastapi.FastAPI:
    """The application with the settings of the environment; what Granian's processes call."""
    settings = settings_.load()
    logs.configure(settings.log)
    return build(settings)


def build(settings: settings_.Settings) -> fastapi.FastAPI:
    """The application with these settings."""

    @contextlib.asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> AsyncIterator[None]:
        async with context.opened(settings) as here, permanent.counting(here) as app.state.counting:
            app.state.context = here
            app.state.limiter = rates.Limiter(
                rates.Rates(
                    keys=settings.rate_keys,
                    users=settings.rate_users,
                    guests=settings.rate_guests,
                    nobody=settings.rate_nobody,
                    new_guests=settings.rate_new_guests,
                )
            )
            app.state.permanent = permanent.handlers(here)
            app.state.remembered = remembered.Remembered()
            app.state.shown = shown.Shown()
            here.settling.tell(app.state.remembered.heard)
            try:
                yield
            finally:
                app.state.permanent.close()

    app = fastapi.FastAPI(
        title="Ambrotype",
        version=importlib.metadata.version("ambrotype"),
        description="The permanent home of generated media.",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    # Before all others: looking through them would cost each file's request more than finding its row.
    app.router.routes.insert(0, routing.Route("/m/{id}/{name:path}", permanent.Endpoint()))
    app.router.routes.insert(1, routing.Route("/m/{id}", permanent.Endpoint()))
    if settings.cors_origins:
        app.add_middleware(
            cors.CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    app.add_middleware(projects.EncodedNames)
    app.add_middleware(requests.Requests, most=requests.MOST_BODY)
    app.openapi = functools.partial(_openapi, app, app.openapi)  # type: ignore[method-assign]
    return app


def _openapi(app: fastapi.FastAPI, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """FastAPI's document, with what it can't see: problems, the raw route, the items of a batch."""
    if app.openapi_schema is None:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for model in (documents.Problem, documents.FieldProblem, fields.KeepRequest, fields.ParentRequest):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        document["paths"]["/m/{id}/{name}"] = permanent.DOCUMENT
        documents.exact(document)
        app.openapi_schema = document
    return app.openapi_schema
