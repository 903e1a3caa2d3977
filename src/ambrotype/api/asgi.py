"""The ASGI application."""

import contextlib
import functools
import importlib.metadata
from collections.abc import AsyncIterator, Callable
from typing import Any

import fastapi
from fastapi.middleware import cors

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
    generations,
    guests,
    health,
    keep,
    keys,
    links,
    media,
    permanent,
    projects,
    providers,
    recipe,
    remembered,
    requests,
    resumable,
    rewrite,
    session,
    shared,
    shares,
    shown,
    uploads,
    usage,
    webhooks,
    welcome,
)
from ambrotype.capture import request as fields

ROUTERS = (
    keep.router, uploads.router, resumable.router, rewrite.router, media.router, recipe.router,
    bulk.router, editing.router, projects.router, collections.router, shares.router, links.router, usage.router, events.router,
    generations.router, providers.router, webhooks.router, keys.router, guests.router,
    session.router, shared.router, health.router, error_table.router, welcome.router,
)  # fmt: skip
"""Every resource of the API; the permanent URLs are mounted beside them, as raw ASGI."""

EXPOSED = (
    "Location", "Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm", "Upload-Offset",
    "Upload-Length", "Upload-Metadata", "Upload-Expires", "Ambrotype-Media-Id",
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
    app.add_middleware(permanent.Door)
    if settings.cors_origins:
        app.add_middleware(
            cors.CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    app.add_middleware(projects.EncodedNames)
    app.add_middleware(resumable.Version)
    app.add_middleware(
        requests.Requests,
        most=requests.MOST_BODY,
        streamed=lambda scope: settings.upload_max_bytes + uploads.AROUND if uploads.streams(scope) else None,
    )
    app.openapi = functools.partial(_openapi, app, app.openapi)  # type: ignore[method-assign]
    return app


def _openapi(app: fastapi.FastAPI, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """FastAPI's document, with what it can't see: problems, the raw route, the items of a batch."""
    if app.openapi_schema is None:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for model in (
            documents.Problem,
            documents.FieldProblem,
            fields.KeepRequest,
            fields.UploadRequest,
            fields.ParentRequest,
        ):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        document["paths"]["/m/{id}/{name}"] = permanent.DOCUMENT
        documents.exact(document)
        app.openapi_schema = document
    return app.openapi_schema
