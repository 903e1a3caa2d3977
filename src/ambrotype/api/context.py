"""What a route works with: the app, its tools, who waits for what."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Annotated

import fastapi

from ambrotype import app as app_
from ambrotype import settings as settings_
from ambrotype.capture import pipeline, settling
from ambrotype.records import listening


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One for the life of an API process."""

    app: app_.App
    tools: pipeline.Tools
    settling: settling.Settling


@contextlib.asynccontextmanager
async def opened(settings: settings_.Settings) -> AsyncIterator[Context]:
    """Opens the app for HTTP and listens for what settles."""
    async with app_.opened(settings) as app, app_.tools(app) as tools:
        waits = settling.Settling(app.data)
        hearing = asyncio.create_task(listening.listen(app.direct, [app_.MEDIA_CHANNEL], waits.heard))
        try:
            yield Context(app=app, tools=tools, settling=waits)
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


def of(request: fastapi.Request) -> Context:
    """The context of a request."""
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, fastapi.Depends(of)]
