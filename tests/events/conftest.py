"""The API's fixtures, and a receiver of webhooks."""

import dataclasses
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.api.conftest import app_key, me, other, sim, stack

__all__ = ["app_key", "me", "other", "sim", "stack"]


@dataclasses.dataclass(kw_only=True)
class Receiver:
    """A server that takes what is told, and answers with the statuses that are left, then with 204."""

    url: str
    answers: list[int] = dataclasses.field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = dataclasses.field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return self.url.removeprefix("http://").partition("/")[0]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async def take(request: web.Request) -> web.Response:
        made.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=made.answers.pop(0) if made.answers else 204)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made = Receiver(url=f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
    try:
        yield made
    finally:
        await runner.cleanup()
