"""OpenAI's webhook endpoints: they belong to the account, so a job does not name its receiver.

After the vendor's Python SDK (`resources/webhooks`).
"""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ambrotype.simulator.providers import book, courier, desk, ids, openai, seals
from ambrotype.simulator.state import Simulator

EVENTS = ["video.completed", "video.failed"]
"""Those that are told here."""


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """Under `/v1/webhook_endpoints`."""
    at = desk.Desk(simulator, openai.VENDOR)

    async def create(request: web.Request) -> web.StreamResponse:
        wish = await desk.document(request)
        url = openai.required(wish, "url")
        events = [str(event) for event in wish.get("event_types") or EVENTS]
        name = str(wish.get("name") or "")
        now = at.book.real()
        return desk.answer(
            at.account.listen(url, id=ids.short("we"), secret=seals.secret(), events=events, name=name, now=now)
        )

    async def page(request: web.Request) -> web.StreamResponse:
        shown = [_shown(endpoint) for endpoint in at.account.endpoints.values()]
        ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
        return desk.answer({"object": "list", "data": shown, "has_more": False, **ends})

    async def get(request: web.Request) -> web.StreamResponse:
        return desk.answer(_shown(_find(at, request)))

    async def delete(request: web.Request) -> web.StreamResponse:
        endpoint = _find(at, request)
        del at.account.endpoints[str(endpoint["id"])]
        return desk.answer({"id": endpoint["id"], "object": "webhook_endpoint.deleted", "deleted": True})

    path = "/v1/webhook_endpoints"
    one = f"{path}/{{id}}"
    return at.routes(("POST", path, create), ("GET", path, page), ("GET", one, get), ("DELETE", one, delete))


def _find(at: desk.Desk, request: web.Request) -> dict[str, Any]:
    found = at.account.endpoints.get(request.match_info["id"])
    if found is None:
        raise desk.Problem(404, "There is no such webhook endpoint.")
    return found


def _shown(endpoint: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in endpoint.items() if name != "signing_secret"}


def letters(at: desk.Desk, job: book.Job, type: str) -> list[courier.Letter]:
    """One to each endpoint that wants this type: the id of the object alone."""
    event = {"object": "event", "type": type, "created_at": int(at.book.real()), "data": {"id": job.id}}
    return [
        at.letter(endpoint["url"], {"id": ids.short("evt"), **event}, secret=endpoint["signing_secret"])
        for endpoint in at.account.endpoints.values()
        if type in endpoint["event_types"]
    ]
