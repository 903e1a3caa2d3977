"""Who may do what: every route, asked by everybody. A route of the OpenAPI document without a row here fails a test.

A new route gets a row: how it is asked, and the status that each of seven callers gets, in the order of `CALLERS`. What
belongs to the owner is 404 to others, as if it were not there.
"""

import contextlib
import dataclasses
import functools
import http.client
import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.accounts import conftest
from tests.api import samples
from tests.api import stack as stacks
from tests.uploads import asking

CALLERS = ("nobody", "guest", "other user", "owner", "app key", "read key", "service")
OWNER = "owner-of-it"
_SEEDS = itertools.count(1_000)


@dataclasses.dataclass(frozen=True)
class Raw:
    """A body that is no JSON, and the headers that go with it."""

    body: bytes | None
    headers: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Things:
    """What a request is about. Each is made by the owner when a row asks for it."""

    house: conftest.House

    @property
    def owner(self) -> stacks.Caller:
        return self.house.user(OWNER)

    @functools.cached_property
    def data(self) -> str:
        return samples.base64_of(samples.picture(next(_SEEDS)))

    def item(self, **fields: Any) -> str:
        return str(self.owner.keep(data=self.data, **fields).json()["id"])

    def trashed(self) -> str:
        found = self.item()
        assert self.owner.send("DELETE", f"/v1/media/{found}").status in (200, 204)
        return found

    def slot(self) -> str:
        name = f"s{next(_SEEDS)}"
        self.item(project="film", slot=name)
        return f"/v1/projects/film/slots/{name}"

    def collection(self) -> str:
        return f"/v1/collections/{self.owner.post('/v1/collections', {'name': 'mood'}).json()['id']}"

    def filled(self) -> tuple[str, str]:
        """A collection's address and the item in it."""
        where, item = self.collection(), self.item()
        assert self.owner.post(f"{where}/items", {"media_id": item}).status == 201
        return where, item

    def webhook(self) -> str:
        made = self.owner.post("/v1/webhooks", {"url": "https://example.com/hook"}).json()
        return f"/v1/webhooks/{made['id']}"

    def share(self) -> str:
        return f"/v1/shares/{self.owner.post('/v1/shares', {'media_id': self.item()}).json()['id']}"

    def page(self) -> str:
        made = self.owner.post("/v1/shares", {"media_id": self.item()}).json()
        return str(made["url"]).split(str(self.house.stack.port), 1)[1]

    def generation(self) -> str:
        made = self.owner.post("/v1/generations", {"provider": "wavespeed", "model": "some/model"}).json()
        return f"/v1/generations/{made['id']}"

    def form(self) -> Raw:
        kind = {"Content-Type": f"multipart/form-data; boundary={asking.BOUNDARY}"}
        return Raw(asking.form(("file", "a.png", samples.picture(next(_SEEDS)))), kind)

    def resumable(self) -> str:
        return asking.begun(self.owner, 1000)

    def key_id(self) -> str:
        made = self.house.stack.service.post("/v1/keys", {"name": "to be seen", "role": "read"}).json()
        return str(made["id"])

    def permanent(self, **fields: Any) -> str:
        found = self.owner.keep(data=self.data, **fields).json()
        return str(found["url"]).split(str(self.house.stack.port), 1)[1]


Asked = tuple[str, Any]
"""Path and body: what goes as JSON, or `Raw`."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A route's requests, and the statuses in the order of `CALLERS`."""

    ask: Callable[[Things], Asked]
    expected: tuple[int, ...]


def row(*expected: int, ask: Callable[[Things], Asked]) -> Row:
    assert len(expected) == len(CALLERS)
    return Row(ask, expected)


def patched_item(t: Things) -> Asked:
    where, item = t.filled()
    return f"{where}/items?media_id={item}", {"media_id": item, "note": "x"}


def tus(body: bytes | None = None, **headers: str) -> Raw:
    return Raw(body, {"Tus-Resumable": "1.0.0", **{name.replace("_", "-"): value for name, value in headers.items()}})


def removed_item(t: Things) -> Asked:
    where, item = t.filled()
    return f"{where}/items?media_id={item}", None


ROUTES: dict[str, Row] = {
    # the owner's things
    "POST /v1/keep": row(401, 201, 201, 201, 201, 403, 201, ask=lambda t: ("/v1/keep", {"data": t.data})),
    "POST /v1/keep/batch": row(
        401, 200, 200, 200, 200, 403, 200, ask=lambda t: ("/v1/keep/batch", {"items": [{"data": t.data}]})
    ),
    "POST /v1/uploads": row(401, 201, 201, 201, 201, 403, 201, ask=lambda t: ("/v1/uploads", t.form())),
    "OPTIONS /v1/uploads/resumable": row(
        204, 204, 204, 204, 204, 204, 204, ask=lambda t: ("/v1/uploads/resumable", None)
    ),
    "POST /v1/uploads/resumable": row(
        401, 201, 201, 201, 201, 403, 201, ask=lambda t: ("/v1/uploads/resumable", tus(Upload_Length="9"))
    ),
    "HEAD /v1/uploads/resumable/{id}": row(401, 404, 404, 200, 200, 403, 200, ask=lambda t: (t.resumable(), tus())),
    "PATCH /v1/uploads/resumable/{id}": row(
        401, 404, 404, 204, 204, 403, 204,
        ask=lambda t: (t.resumable(), tus(b"\x89PNG", Upload_Offset="0", Content_Type=asking.BODY)),
    ),
    "DELETE /v1/uploads/resumable/{id}": row(401, 404, 404, 204, 204, 403, 204, ask=lambda t: (t.resumable(), tus())),
    "POST /v1/uploads/direct": row(
        401, 501, 501, 501, 501, 403, 501,
        ask=lambda t: ("/v1/uploads/direct", {"size": 9, "content_type": "image/png"}),
    ),
    "POST /v1/uploads/direct/{id}/complete": row(
        401, 501, 501, 501, 501, 403, 501, ask=lambda t: (f"/v1/uploads/direct/{uuid.uuid4()}/complete", None)
    ),
    "POST /v1/rewrite": row(
        401, 200, 200, 200, 200, 403, 200, ask=lambda t: ("/v1/rewrite", {"document": {}, "relative": True})
    ),
    "GET /v1/media": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/media", None)),
    "GET /v1/media/facets": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/media/facets", None)),
    "GET /v1/at-risk": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/at-risk", None)),
    "GET /v1/media/{id}": row(401, 404, 404, 200, 200, 200, 200, ask=lambda t: (f"/v1/media/{t.item()}", None)),
    "PATCH /v1/media/{id}": row(
        401, 404, 404, 200, 200, 403, 200, ask=lambda t: (f"/v1/media/{t.item()}", {"title": "x"})
    ),
    "DELETE /v1/media/{id}": row(401, 404, 404, 200, 200, 403, 200, ask=lambda t: (f"/v1/media/{t.item()}", None)),
    "POST /v1/media/{id}/keep": row(
        401, 404, 404, 200, 200, 403, 200, ask=lambda t: (f"/v1/media/{t.item()}/keep", None)
    ),
    "POST /v1/media/{id}/restore": row(
        401, 404, 404, 200, 200, 403, 200, ask=lambda t: (f"/v1/media/{t.trashed()}/restore", None)
    ),
    "GET /v1/media/{id}/events": row(
        401, 404, 404, 200, 200, 200, 200, ask=lambda t: (f"/v1/media/{t.item()}/events", None)
    ),
    "GET /v1/media/{id}/lineage": row(
        401, 404, 404, 200, 200, 200, 200, ask=lambda t: (f"/v1/media/{t.item()}/lineage", None)
    ),
    "GET /v1/media/{id}/recipe": row(
        401, 404, 404, 200, 200, 200, 200, ask=lambda t: (f"/v1/media/{t.item()}/recipe", None)
    ),
    "POST /v1/media/{id}/suggested-tags": row(
        401, 404, 404, 200, 200, 403, 200, ask=lambda t: (f"/v1/media/{t.item()}/suggested-tags", {})
    ),
    "POST /v1/media/bulk": row(
        401, 200, 200, 200, 200, 403, 200, ask=lambda t: ("/v1/media/bulk", {"ids": [t.item()], "action": "favorite"})
    ),
    "GET /v1/operations/{id}": row(
        401, 404, 404, 404, 404, 404, 404, ask=lambda t: (f"/v1/operations/{uuid.uuid4()}", None)
    ),
    "GET /v1/projects": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/projects", None)),
    "GET /v1/projects/{p}/slots": row(
        401, 200, 200, 200, 200, 200, 200, ask=lambda t: (t.slot().rpartition("/")[0], None)
    ),
    # Names are an owner's: the administrator, who names nobody, means the service's own slots.
    "GET /v1/projects/{p}/slots/{s}": row(401, 404, 404, 200, 200, 200, 404, ask=lambda t: (t.slot(), None)),
    "PUT /v1/projects/{p}/slots/{s}/current": row(
        401, 404, 404, 200, 200, 403, 404, ask=lambda t: (f"{t.slot()}/current", {"version": 1})
    ),
    "POST /v1/projects/{p}/slots/{s}/prune": row(
        401, 404, 404, 200, 200, 403, 404, ask=lambda t: (f"{t.slot()}/prune", {"keep": 1})
    ),
    "POST /v1/collections": row(
        401, 201, 201, 201, 201, 403, 201, ask=lambda t: ("/v1/collections", {"name": "mine"})
    ),
    "GET /v1/collections": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/collections", None)),
    "GET /v1/collections/{id}": row(401, 404, 404, 200, 200, 200, 200, ask=lambda t: (t.collection(), None)),
    "PATCH /v1/collections/{id}": row(
        401, 404, 404, 200, 200, 403, 200, ask=lambda t: (t.collection(), {"name": "new"})
    ),
    "DELETE /v1/collections/{id}": row(401, 404, 404, 204, 204, 403, 204, ask=lambda t: (t.collection(), None)),
    "GET /v1/collections/{id}/items": row(
        401, 404, 404, 200, 200, 200, 200, ask=lambda t: (f"{t.collection()}/items", None)
    ),
    "POST /v1/collections/{id}/items": row(
        401, 404, 404, 201, 201, 403, 201, ask=lambda t: (f"{t.collection()}/items", {"media_id": t.item()})
    ),
    "PATCH /v1/collections/{id}/items": row(401, 404, 404, 200, 200, 403, 200, ask=patched_item),
    "DELETE /v1/collections/{id}/items": row(401, 404, 404, 204, 204, 403, 204, ask=removed_item),
    "POST /v1/shares": row(
        401, 404, 404, 201, 201, 403, 201, ask=lambda t: ("/v1/shares", {"media_id": t.item()})
    ),
    "GET /v1/shares": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/shares", None)),
    "GET /v1/shares/{id}": row(401, 404, 404, 200, 200, 200, 200, ask=lambda t: (t.share(), None)),
    "PATCH /v1/shares/{id}": row(401, 404, 404, 200, 200, 403, 200, ask=lambda t: (t.share(), {"password": "x"})),
    "DELETE /v1/shares/{id}": row(401, 404, 404, 200, 200, 403, 200, ask=lambda t: (t.share(), None)),
    "POST /v1/media/{id}/links": row(
        401, 404, 404, 200, 200, 403, 200, ask=lambda t: (f"/v1/media/{t.item()}/links", {})
    ),
    "GET /v1/usage": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/usage", None)),
    # what providers are asked for
    "POST /v1/generations": row(
        401, 202, 202, 202, 202, 403, 202, ask=lambda t: ("/v1/generations", {"provider": "wavespeed", "model": "a/b"})
    ),
    "GET /v1/generations": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/generations", None)),
    "GET /v1/generations/{id}": row(401, 404, 404, 200, 200, 200, 200, ask=lambda t: (t.generation(), None)),
    "POST /v1/generations/{id}/cancel": row(
        401, 404, 404, 202, 202, 403, 202, ask=lambda t: (f"{t.generation()}/cancel", None)
    ),
    "POST /v1/generations/{id}/keep": row(
        401, 404, 404, 202, 202, 403, 202, ask=lambda t: (f"{t.generation()}/keep", None)
    ),
    "GET /v1/providers": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/providers", None)),
    "POST /v1/providers/{name}/check": row(
        401, 403, 403, 403, 403, 403, 200, ask=lambda t: ("/v1/providers/wavespeed/check", None)
    ),
    # signed by nobody
    "POST /v1/providers/{name}/webhook": row(
        401, 401, 401, 401, 401, 401, 401, ask=lambda t: ("/v1/providers/wavespeed/webhook", {"id": "x"})
    ),
    "POST /v1/providers/{name}/webhook/{token}": row(
        401, 401, 401, 401, 401, 401, 401, ask=lambda t: ("/v1/providers/wavespeed/webhook/guessed", {"id": "x"})
    ),
    # what is told to whom
    "POST /v1/webhooks": row(
        401, 201, 201, 201, 201, 403, 201, ask=lambda t: ("/v1/webhooks", {"url": "https://example.com/hook"})
    ),
    "GET /v1/webhooks": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/webhooks", None)),
    "GET /v1/webhooks/{id}": row(401, 404, 404, 200, 200, 200, 200, ask=lambda t: (t.webhook(), None)),
    "PATCH /v1/webhooks/{id}": row(401, 404, 404, 200, 200, 403, 200, ask=lambda t: (t.webhook(), {"active": False})),
    "DELETE /v1/webhooks/{id}": row(401, 404, 404, 204, 204, 403, 204, ask=lambda t: (t.webhook(), None)),
    "GET /v1/webhooks/{id}/deliveries": row(
        401, 404, 404, 200, 200, 200, 200, ask=lambda t: (f"{t.webhook()}/deliveries", None)
    ),
    "POST /v1/webhooks/{id}/deliveries/{delivery}/replay": row(
        401, 404, 404, 404, 404, 403, 404, ask=lambda t: (f"{t.webhook()}/deliveries/{uuid.uuid4()}/replay", None)
    ),
    "POST /v1/webhooks/{id}/test": row(
        401, 404, 404, 202, 202, 403, 202, ask=lambda t: (f"{t.webhook()}/test", None)
    ),
    "GET /v1/events": row(401, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/v1/events", None)),
    # what is administrated
    "POST /v1/keys": row(401, 403, 403, 403, 403, 403, 201, ask=lambda t: ("/v1/keys", {"name": "x", "role": "read"})),
    "GET /v1/keys": row(401, 403, 403, 403, 403, 403, 200, ask=lambda t: ("/v1/keys", None)),
    "GET /v1/keys/{id}": row(401, 403, 403, 403, 403, 403, 200, ask=lambda t: (f"/v1/keys/{t.key_id()}", None)),
    "DELETE /v1/keys/{id}": row(401, 403, 403, 403, 403, 403, 200, ask=lambda t: (f"/v1/keys/{t.key_id()}", None)),
    "GET /v1/stats": row(401, 403, 403, 403, 403, 403, 200, ask=lambda t: ("/v1/stats", None)),
    "GET /metrics": row(401, 403, 403, 403, 403, 403, 200, ask=lambda t: ("/metrics", None)),
    # who one is
    "POST /v1/guests": row(401, 403, 403, 403, 201, 403, 201, ask=lambda t: ("/v1/guests", None)),
    "POST /v1/guests/link": row(
        401, 403, 200, 200, 200, 403, 403,
        ask=lambda t: ("/v1/guests/link", {"guest_token": t.house.app_key.post("/v1/guests").json()["token"]}),
    ),
    "POST /v1/session": row(401, 401, 401, 401, 401, 401, 401, ask=lambda t: ("/v1/session", {"key": "amb_unknown"})),
    "DELETE /v1/session": row(204, 204, 204, 204, 204, 204, 204, ask=lambda t: ("/v1/session", None)),
    # what is reached by address
    "GET /m/{id}/{name}": row(404, 404, 404, 200, 200, 200, 200, ask=lambda t: (t.permanent(), None)),
    "HEAD /m/{id}/{name}": row(404, 404, 404, 200, 200, 200, 200, ask=lambda t: (t.permanent(), None)),
    "GET /s/{token}": row(200, 200, 200, 200, 200, 200, 200, ask=lambda t: (t.page(), None)),
    "POST /s/{token}": row(303, 303, 303, 303, 303, 303, 303, ask=lambda t: (t.page(), {})),
    "GET /healthz": row(200, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/healthz", None)),
    "GET /readyz": row(200, 200, 200, 200, 200, 200, 200, ask=lambda t: ("/readyz", None)),
}  # fmt: skip


def caller(house: conftest.House, name: str) -> stacks.Caller:
    """One of `CALLERS`. Keys act for the owner; the service is the administrator."""
    named = {"Ambrotype_Owner": f"user:{OWNER}"}
    return {
        "nobody": lambda: house.stack.nobody,
        "guest": lambda: house.guest(),
        "other user": lambda: house.user("somebody-else"),
        "owner": lambda: house.user(OWNER),
        "app key": lambda: house.app_key.with_(**named),
        "read key": lambda: house.read_key.with_(**named),
        "service": lambda: house.stack.service,
    }[name]()


def status(who: stacks.Caller, method: str, path: str, body: Any) -> int:
    """The status alone: some replies are streams that do not end."""
    if isinstance(body, Raw):
        headers, content = {**who.headers, **body.headers}, body.body
    else:
        headers = {**who.headers, **({"Content-Type": "application/json"} if body is not None else {})}
        content = json.dumps(body).encode() if body is not None else None
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", who.port, timeout=stacks.PATIENCE)) as connection:
        connection.request(method, path, body=content, headers=headers)
        return connection.getresponse().status


def test_every_route_has_a_row_and_every_row_a_route(house: conftest.House) -> None:
    document = house.stack.nobody.get("/openapi.json").json()
    routes = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert routes == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_answers_each_caller_as_it_must(house: conftest.House, route: str) -> None:
    found = []
    for name in CALLERS:
        path, body = ROUTES[route].ask(Things(house))
        found.append(status(caller(house, name), route.partition(" ")[0], path, body))
    assert dict(zip(CALLERS, found, strict=True)) == dict(zip(CALLERS, ROUTES[route].expected, strict=True))


def test_lists_show_the_callers_own_alone(house: conftest.House) -> None:
    things = Things(house)
    item, slot, collection = things.item(), things.slot(), things.collection()
    for name in ("guest", "other user"):
        who = caller(house, name)
        for path in ("/v1/media?limit=200", "/v1/at-risk", "/v1/projects", "/v1/collections", "/v1/media/facets",
                     slot.rpartition("/")[0]):  # fmt: skip
            body = who.get(path).body.decode()
            assert item not in body, path
            assert OWNER not in body, path
            assert collection.rpartition("/")[2] not in body, path
            assert slot.rpartition("/")[2] not in body, path


def test_others_items_in_ones_own_requests_are_as_if_missing(house: conftest.House) -> None:
    theirs = Things(house).item()
    me = house.user("somebody-else")
    child = me.keep(data=Things(house).data, parents=[{"id": theirs, "role": "reference"}])
    assert child.status == 404
    bulk = me.post("/v1/media/bulk", {"ids": [theirs], "action": "delete"}).json()
    assert (bulk["done"], [one["id"] for one in bulk["failed"]]) == (0, [theirs])
    mine = me.post("/v1/collections", {"name": "mine"}).json()["id"]
    assert me.post(f"/v1/collections/{mine}/items", {"media_id": theirs}).status == 404


def test_whom_nobody_names_nobody_sees(house: conftest.House) -> None:
    for key in (house.app_key, house.read_key):
        assert key.get("/v1/media").problem()["code"] == "owner_required"


@pytest.mark.parametrize("name", ["guest", "owner"])
def test_who_signs_in_as_themselves_acts_for_nobody_else(house: conftest.House, name: str) -> None:
    who = caller(house, name)
    assert who.get("/v1/media", Ambrotype_Owner="user:somebody-else").status == 403
    assert who.get("/v1/media", Ambrotype_Owner="service").status == 403
    assert who.get("/v1/media", Ambrotype_App="other").status == 403


def test_apps_are_apart(house: conftest.House) -> None:
    other = house.stack.key("app", app="other").with_(Ambrotype_Owner=f"user:{OWNER}")
    item = Things(house).item()
    assert other.get(f"/v1/media/{item}").status == 404
    assert item not in other.get("/v1/media?limit=200").body.decode()


@pytest.mark.parametrize(("visibility", "status"), [("private", 404), ("unlisted", 200), ("public", 200)])
def test_whoever_has_the_url_of_what_is_not_private_gets_it(
    house: conftest.House, visibility: str, status: int
) -> None:
    assert house.stack.nobody.get(Things(house).permanent(visibility=visibility)).status == status
