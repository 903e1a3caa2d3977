"""What a route works with: the app, its tools, who waits for what."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

import fastapi

from ambrotype import app as app_
from ambrotype import settings as settings_
from ambrotype import verbs
from ambrotype.delivery import signing
from ambrotype.records import database, instance

Context = verbs.Context


@contextlib.asynccontextmanager
async def opened(settings: settings_.Settings) -> AsyncIterator[Context]:
    """Opens the app for HTTP; one for the life of an API process."""
    async with app_.opened(settings) as app, verbs.opened(app) as context:
        await _tell_sql(app)
        yield context


async def _tell_sql(app: app_.App) -> None:
    """What `ambrotype.media_url` composes URLs from: where this server is reached, and its signing key."""
    key = app.signing_keys[0]
    inner, outer = signing.pads(key)
    async with app.data.transaction(database.WORKER) as tx:
        await instance.write(tx, public_url=app.addresses.public_url, kid=key.kid, inner=inner, outer=outer)


def of(request: fastapi.Request) -> Context:
    """The context of a request."""
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, fastapi.Depends(of)]
