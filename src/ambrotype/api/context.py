"""What a route works with: the app, its tools, who waits for what."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import fastapi

from ambrotype import app as app_
from ambrotype import settings as settings_
from ambrotype import verbs

Context = verbs.Context


@contextlib.asynccontextmanager
async def opened(settings: settings_.Settings) -> AsyncIterator[Context]:
    """Opens the app for HTTP; one for the life of an API process."""
    async with app_.opened(settings) as app, verbs.opened(app) as context:
        yield context


def of(request: fastapi.Request) -> Context:
    """The context of a request."""
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, fastapi.Depends(of)]
