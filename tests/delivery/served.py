"""The app that the tests run on Granian: /{store}/m/{id}/{name}, over rows and files in a folder.

A row is a pickle at rows/{id}. What delivery asks of the rest of the house, and what became of each request,
is a line of JSON in `log`.
"""

import asyncio
import json
import os
import pickle
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from ambrotype.core import errors
from ambrotype.delivery import deliverable, handler
from ambrotype.storage import contract, local
from tests.delivery import samples

FOLDER = Path(os.environ["AMBROTYPE_TEST_FOLDER"])
STATUS = {
    "not_found": 404,
    "gone": 410,
    "unavailable": 503,
    "range_not_satisfiable": 416,
    "precondition_failed": 412,
    "invalid_signature": 403,
    "invalid_request": 422,
}


class Streams:
    """A store without files of its own on this machine; some of its objects break off."""

    def __init__(self, inner):
        self._inner = inner

    async def head(self, key):
        if key.path.startswith("down"):
            raise errors.StoreUnavailable("The store does not answer.")
        return await self._inner.head(key)

    async def open(self, key, *, start=0, length=None) -> AsyncIterator[bytes]:
        async for block in self._inner.open(key, start=start, length=length):
            yield block
            if key.path.startswith("breaks"):
                return


class Signs(Streams):
    """A store that hands out URLs of its own."""

    async def presign(self, key, *, expires_in, content_type, disposition):
        return f"https://store.example/{key}?{expires_in}&{content_type}&{disposition}"


def note(**what):
    with (FOLDER / "log").open("a") as file:
        file.write(json.dumps(what) + "\n")


def row(media_id):
    try:
        return pickle.loads((FOLDER / "rows" / str(media_id)).read_bytes())
    except FileNotFoundError:
        return None


async def hurry(media_id):
    note(hurry=str(media_id))


async def wait(media_id, seconds):
    for _ in range(int(seconds / 0.02)):
        found = row(media_id)
        if found is None or found.status != "keeping" or (FOLDER / "no-waiting").exists():
            return found
        await asyncio.sleep(0.02)
    return row(media_id)


async def render(found, transform, *, accept, signed):
    note(render=dict(transform), accept=accept, signed=signed)
    return deliverable.Content(
        key=contract.Key("renditions", f"{found.id}.webp"),
        size=9,
        sha256=b"r" * 32,
        content_type="image/webp",
        modified=samples.KEPT_AT,
        name="fox.webp",
    )


async def share_holds(share, media_id):
    return share == "open"


async def problem(error, scope, send, headers):
    body = json.dumps({"code": error.code, "detail": error.detail}).encode()
    about = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": STATUS[error.code], "headers": about + headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
    return STATUS[error.code]


DOORS = handler.Doors(hurry=hurry, wait=wait, render=render, share_holds=share_holds, problem=problem)
DISK = local.Local(FOLDER / "store", min_free=0)
PERMANENT = {
    name: handler.Permanent(store=store, keys=samples.KEYS, doors=DOORS, mode=mode)
    for name, store, mode in (
        ("disk", DISK, "auto"),
        ("disk-redirect", DISK, "redirect"),
        ("stream", Streams(DISK), "auto"),
        ("away", Signs(DISK), "auto"),
        ("proxy", Signs(DISK), "proxy"),
    )
}


async def app(scope, receive, send):
    _, store, _, media_id, *_ = scope["path"].split("/")
    if store == "plain":  # a server that can't send files by name
        scope, store = {**scope, "extensions": {}}, "disk"
    done = await PERMANENT[store].respond(scope, receive, send, media_id=uuid.UUID(media_id), found=row(media_id))
    note(
        asked=media_id,
        status=done.status,
        sent=done.sent,
        estimated=done.estimated,
        counted=done.found is not None and str(done.found.id) == media_id,
    )
