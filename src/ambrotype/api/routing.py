"""Routes that know their caller before they read what was sent: 401 comes before 422, and nobody's body is parsed."""

from collections.abc import Callable, Coroutine
from typing import Any

import fastapi
from fastapi import routing
from fastapi.dependencies import models

from ambrotype.api import caller

Handler = Callable[[fastapi.Request], Coroutine[Any, Any, fastapi.Response]]


class Route(routing.APIRoute):
    """A route whose caller is checked first, as its own signature asks for one."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        asked = _dependencies(self.dependant)
        check = next((one for one in caller.CHECKS if one in asked), None)
        if check is None:
            return handle

        async def checked(request: fastapi.Request) -> fastapi.Response:
            await caller.check(request, check)
            return await handle(request)

        return checked


def router(*, tags: list[str | Any]) -> fastapi.APIRouter:
    """A router of such routes."""
    return fastapi.APIRouter(tags=tags, route_class=Route)


def _dependencies(dependant: models.Dependant) -> set[object]:
    found: set[object] = {dependant.call}
    for one in dependant.dependencies:
        found |= _dependencies(one)
    return found
