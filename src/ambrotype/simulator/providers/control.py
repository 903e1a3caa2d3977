"""The control interface of the providers: plans set, jobs looked at, webhooks sent once more."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ambrotype.core import errors
from ambrotype.simulator import control
from ambrotype.simulator.providers import book, ids, seals
from ambrotype.simulator.state import Simulator


def routes(simulator: Simulator) -> Iterable[web.RouteDef]:
    """`/_sim/jobs`, `/_sim/plans`, `/_sim/providers`."""
    rows = [
        ("GET", "/_sim/jobs", _jobs),
        ("DELETE", "/_sim/jobs", _forget),
        ("GET", "/_sim/jobs/{id}", _job),
        ("POST", "/_sim/jobs/{id}/webhook", _tell),
        ("GET", "/_sim/submissions", _submissions),
        ("GET", "/_sim/plans", _plans),
        ("POST", "/_sim/plans", _expect),
        ("DELETE", "/_sim/plans", _no_plans),
        ("GET", "/_sim/providers", _providers),
        ("POST", "/_sim/providers/{name}", _configure),
    ]
    return [web.route(method, path, control.bound(simulator, handler)) for method, path, handler in rows]


async def _jobs(simulator: Simulator, request: web.Request) -> web.Response:
    query = request.query
    pace = float(query.get("pace", 0))
    return web.json_response(
        {"jobs": simulator.book.report(provider=query.get("provider"), tag=query.get("tag"), pace=pace)}
    )


async def _job(simulator: Simulator, request: web.Request) -> web.Response:
    pace = float(request.query.get("pace", 0))
    return web.json_response(simulator.book.describe(_find(simulator, request), pace=pace))


def _find(simulator: Simulator, request: web.Request) -> book.Job:
    job = simulator.book.jobs.get(request.match_info["id"])
    if job is None:
        raise errors.InvalidRequest("There is no such job.")
    return job


async def _forget(simulator: Simulator, request: web.Request) -> web.Response:
    simulator.book.forget()
    return web.json_response({"jobs": []})


async def _tell(simulator: Simulator, request: web.Request) -> web.Response:
    """Sends a job's last webhook, in the ways that `webhook` lists (`forged+old+normal`), and waits for the answers."""
    job = _find(simulator, request)
    given = (await control.object_of(request)).get("webhook", "normal")
    before = len(job.deliveries)
    await simulator.courier.repeat(job, given)
    return web.json_response({"deliveries": simulator.book.describe(job)["deliveries"][before:]})


async def _submissions(simulator: Simulator, request: web.Request) -> web.Response:
    return web.json_response({"submissions": [vars(one) for one in simulator.book.submissions]})


async def _plans(simulator: Simulator, request: web.Request) -> web.Response:
    return web.json_response({"plans": [vars(one) for one in simulator.book.defaults]})


async def _expect(simulator: Simulator, request: web.Request) -> web.Response:
    body = await control.object_of(request)
    given = body.pop("plan", None)
    unknown = set(body) - {"provider", "model", "times"}
    if unknown or not isinstance(given, str | dict):
        raise errors.InvalidRequest("Send a plan (text or object), and provider, model and times where wanted.")
    if body.get("provider"):
        simulator.book.account(body["provider"])
    simulator.book.expect(given, **body)
    return await _plans(simulator, request)


async def _no_plans(simulator: Simulator, request: web.Request) -> web.Response:
    simulator.book.defaults.clear()
    return await _plans(simulator, request)


async def _providers(simulator: Simulator, request: web.Request) -> web.Response:
    return web.json_response({name: _shown(simulator, name) for name in simulator.book.accounts})


def _shown(simulator: Simulator, name: str) -> dict[str, Any]:
    account = simulator.book.account(name)
    secret = seals.public(account.secret) if name == "fal" else account.secret
    return {
        "base_url": simulator.url + BASES[name],
        "keys": account.keys,
        "webhook_secret": secret,
        "webhook_urls": [endpoint["url"] for endpoint in account.endpoints.values()],
        "away": account.away,
    }


EVENTS = ["video.completed", "video.failed"]
"""Told to endpoints that are set here."""

BASES = {
    "fal": "/fal",
    "openai": "/openai/v1",
    "wavespeed": "/wavespeed/api/v3",
    "ark": "/ark/api/v3",
    "replicate": "/replicate/v1",
}
"""What each vendor's documents begin their paths with."""


async def _configure(simulator: Simulator, request: web.Request) -> web.Response:
    """`keys`, `webhook_secret`, `away` (a status, 0 = back), and for accounts with endpoints `webhook_urls`."""
    name = request.match_info["name"]
    account, body = simulator.book.account(name), await control.object_of(request)
    unknown = set(body) - {"keys", "webhook_secret", "webhook_urls", "away"}
    if unknown:
        raise errors.InvalidRequest(f"Unknown fields {', '.join(sorted(unknown))}.")
    if "keys" in body:
        account.keys = [str(key) for key in body["keys"]]
    if "webhook_secret" in body and name == "fal":
        raise errors.InvalidRequest("fal signs with a key pair: its public half is in /fal/.well-known/jwks.json.")
    if "webhook_secret" in body:
        account.secret = str(body["webhook_secret"])
    if "away" in body:
        account.away = int(body["away"])
    if "webhook_urls" in body:
        account.endpoints.clear()
        for url in map(str, body["webhook_urls"]):
            account.listen(url, id=ids.short("we"), secret=account.secret, events=EVENTS, name="", now=simulator.now())
    return web.json_response(_shown(simulator, name))
