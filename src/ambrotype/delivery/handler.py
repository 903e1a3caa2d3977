"""One request for a permanent URL, from the row that was found to the last byte."""

import concurrent.futures
import dataclasses
import datetime
import pathlib
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol

from ambrotype.core import errors
from ambrotype.delivery import asgi, body, decision, deliverable, headers, request, signing
from ambrotype.storage import contract

Mode = Literal["auto", "proxy", "redirect"]
"""AMBROTYPE_DELIVERY. A store that can't hand out URLs of its own (the disk) is served from in every mode."""

Problem = Callable[[errors.AmbrotypeError, asgi.Scope, asgi.Send, asgi.Headers], Awaitable[int]]
"""Renders an error with these headers besides its own, without a body for HEAD; returns the HTTP status."""

WAIT = 15.0
"""Seconds that a request waits for a capture."""

HANDOVER = 3600
"""Seconds that a presigned URL works: players ask it for further ranges, and it can't be revoked."""

CLIENT_LEFT = 499
"""`Delivered.status` where the client went away before there was anything to answer, as nginx logs it."""

_THREADS = 4
"""Its own, so that hashing and decoding elsewhere in the process never keep a player waiting."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of a request, for counting views and egress."""

    status: int
    sent: int = 0
    """Body bytes of the item that were sent from here, or that the store will send."""
    estimated: bool = False
    """The store sends them, perhaps only some."""
    found: deliverable.Deliverable | None = None
    """The item, where the caller got an answer with its bytes."""
    began: bool = False
    """The answer holds the file's first byte."""


class Render(Protocol):
    """Finds or makes a rendition; `signed`: the parameters stand as a signature fixed them."""

    async def __call__(
        self, found: deliverable.Deliverable, asked: Mapping[str, str], *, accept: str, signed: bool
    ) -> deliverable.Content: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What delivery asks of the rest of the house."""

    hurry: Callable[[uuid.UUID], Awaitable[None]]
    """Moves the item's capture to the front of the queue."""
    wait: Callable[[uuid.UUID, float], Awaitable[deliverable.Deliverable | None]]
    """The item once it is no longer `keeping`, or as it is after so many seconds; None when it is gone. What depends on
    who asks (`mine` and the source) is ignored: it stays as it was found."""
    render: Render
    """The rendition that these transform parameters and this Accept header ask for, made if need be."""
    share_holds: Callable[[str, uuid.UUID], Awaitable[bool]]
    """Whether the share that a signed URL was made for still shows this item."""
    problem: Problem


class Permanent:
    """Answers permanent URLs. One for the life of a process; `close` it at the end."""

    def __init__(
        self, *, store: contract.Store, keys: Sequence[signing.Key], doors: Doors, mode: Mode = "auto"
    ) -> None:
        self._store = store
        self._keys = keys
        self._doors = doors
        self._presigns = _presigner(store, mode)
        self._threads = concurrent.futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="delivery")

    def close(self) -> None:
        """Waits for reads in flight."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def respond(
        self,
        scope: asgi.Scope,
        receive: asgi.Receive,
        send: asgi.Send,
        *,
        media_id: uuid.UUID,
        found: deliverable.Deliverable | None,
    ) -> Delivered:
        """Answers a GET or HEAD of the item `media_id`, which is `found` for this caller, or None: there is
        no such row.

        Expected errors are answered with the `problem` door. One that comes when the reply has begun is
        raised: the server then breaks the connection.
        """
        size: int | None = None
        try:
            asked = request.read(scope)
            access = await self._access(media_id, asked)
            admitted = await self._admit(found, asked, access, receive)
            if admitted is None:
                return Delivered(status=CLIENT_LEFT)
            if isinstance(admitted, decision.Redirect):
                return await _redirect(admitted, send)
            serve = await self._rendered(admitted, asked, access, receive)
            if serve is None:
                return Delivered(status=CLIENT_LEFT)
            if _shared(access):
                serve = _anonymous(serve)
            size = serve.content.size
            plan = decision.answer(serve, asked, access, now=_now())
            if self._presigns is not None and asked.method == "GET" and plan.status != 304 and not _shared(access):
                url = await self._presigned(self._presigns, serve.content, asked, access)
                done = await _redirect(decision.Redirect(url), send)
                # Only a range that begins a file may want all of it: players ask for the others besides.
                sent = size if plan.begins else 0
                return dataclasses.replace(done, sent=sent, estimated=True, found=serve.found, began=plan.begins)
            opened = await body.prepare(plan, store=self._store, threads=self._threads, scope=scope)
        except errors.AmbrotypeError as error:
            refused = _outward(error)
            status = await self._doors.problem(refused, scope, send, headers.refusal(refused, size=size))
            return Delivered(status=status)
        return await _deliver(opened, plan, serve.found, receive, send)

    async def _access(self, media_id: uuid.UUID, asked: request.Request) -> decision.Access:
        try:
            grant = signing.verify(media_id, asked.query, keys=self._keys, now=_now())
        except errors.InvalidSignature as refused:
            return decision.Access(refused=refused)
        share = grant.share if grant is not None else None
        if share is not None and not await self._doors.share_holds(share, media_id):
            ended = errors.InvalidSignature("The share that this URL was made for has ended; ask for a new one.")
            return decision.Access(refused=ended)
        return decision.Access(grant=grant)

    async def _admit(
        self,
        found: deliverable.Deliverable | None,
        asked: request.Request,
        access: decision.Access,
        receive: asgi.Receive,
    ) -> decision.Serve | decision.Redirect | None:
        """What is decided, after waiting for the capture where that is due; None when the client left
        meanwhile."""
        first = decision.admit(found, asked, access, waited=False)
        if not isinstance(first, decision.Wait):
            return first
        settled: list[deliverable.Deliverable | None] = []

        async def wait() -> None:
            await self._doors.hurry(first.found.id)
            settled.append(await self._doors.wait(first.found.id, WAIT))

        if not await body.while_connected(receive, wait()):
            return None
        later = settled[0] and dataclasses.replace(
            settled[0],
            mine=first.found.mine,
            source_url=first.found.source_url,
            source_allowed=first.found.source_allowed,
        )
        second = decision.admit(later, asked, access, waited=True)
        return None if isinstance(second, decision.Wait) else second

    async def _rendered(
        self, serve: decision.Serve, asked: request.Request, access: decision.Access, receive: asgi.Receive
    ) -> decision.Serve | None:
        """With the bytes that were asked for; None when the client left while they were made."""
        if not asked.transform:
            return serve
        made: list[deliverable.Content] = []

        async def render() -> None:
            made.append(
                await self._doors.render(
                    serve.found,
                    asked.transform,
                    accept=asked.headers.get("accept", ""),
                    signed=access.grant is not None,
                )
            )

        if not await body.while_connected(receive, render()):
            return None
        return decision.Serve(serve.found, made[0])

    async def _presigned(
        self,
        store: contract.Presigns,
        content: deliverable.Content,
        asked: request.Request,
        access: decision.Access,
    ) -> str:
        lasting = HANDOVER
        if access.grant is not None:
            lasting = max(60, min(lasting, int((access.grant.expires_at - _now()).total_seconds())))
        return await store.presign(
            content.key,
            expires_in=lasting,
            content_type=headers.content_type(content),
            disposition=headers.disposition(content.name, download=asked.download),
        )


def _presigner(store: contract.Store, mode: Mode) -> contract.Presigns | None:
    if mode == "proxy" or not isinstance(store, contract.Presigns):
        return None
    return None if mode == "auto" and isinstance(store, contract.OnDisk) else store


def _shared(access: decision.Access) -> bool:
    """Asked for by a share: a URL of the store's own would outlive it, so its bytes go through here in every mode."""
    return access.grant is not None and access.grant.share is not None


def _anonymous(serve: decision.Serve) -> decision.Serve:
    """Under a name that says nothing: an item is called after its slot or its source unless somebody named it."""
    suffix = pathlib.PurePath(serve.content.name).suffix
    name = f"{serve.found.kind}-{str(serve.found.id)[-12:]}{suffix}"
    return decision.Serve(serve.found, dataclasses.replace(serve.content, name=name))


def _outward(error: errors.AmbrotypeError) -> errors.AmbrotypeError:
    """A store that is down is a capture's failure elsewhere; here it is a reply."""
    if isinstance(error, errors.StoreUnavailable):
        return errors.Unavailable("The store can't be reached just now; try again soon.", retry_after=error.retry_after)
    return error


async def _redirect(away: decision.Redirect, send: asgi.Send) -> Delivered:
    await send({"type": "http.response.start", "status": 307, "headers": away.headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return Delivered(status=307)


async def _deliver(
    opened: body.Body,
    plan: decision.Plan,
    found: deliverable.Deliverable,
    receive: asgi.Receive,
    send: asgi.Send,
) -> Delivered:
    try:
        await send({"type": "http.response.start", "status": plan.status, "headers": plan.headers})
        await opened.send(receive, send)
    finally:
        await opened.close()
    return Delivered(status=plan.status, sent=opened.sent, found=found, began=plan.begins)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
