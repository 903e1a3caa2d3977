"""A provider whose every move a test decides: a small server, and the adapter that speaks its words."""

import asyncio
import base64
import contextlib
import dataclasses
import hashlib
import hmac
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from ambrotype.providers import contract

KEY = "scripted-provider-key"
SECRET = b"scripted-webhook-secret"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scripted:
    """The adapter."""

    config: contract.Config
    base_url: str
    name: str = "scripted"
    kinds: frozenset[contract.Kind] = frozenset({"image", "video"})
    retention: int | None = 3600
    pace: float = 0.1
    signs: bool = True
    hooks: bool = True
    inputs_as: str = "url"
    remints: bool = True

    def credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.config.api_key}"}

    def submit(self, job: contract.Job) -> contract.Conversation[contract.Progress]:
        inputs = [
            {"role": one.role, "url": one.url, "data": base64.b64encode(one.data or b"").decode(), "job": one.job_id}
            for one in job.inputs
        ]
        body = {"model": job.model, "prompt": job.prompt, "settings": dict(job.settings), "webhook": job.webhook}
        reply = yield contract.Request(
            method="POST", url=f"{self.base_url}/jobs", json={**body, "inputs": inputs}, repeatable=False
        )
        return self._progress(reply, submitting=True)

    def follow(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress]:
        reply = yield contract.Request(method="GET", url=f"{self.base_url}/jobs/{job_id}")
        return self._progress(reply)

    def cancel(self, job_id: str, handle: Mapping[str, Any]) -> contract.Conversation[contract.Progress | None]:
        reply = yield contract.Request(method="POST", url=f"{self.base_url}/jobs/{job_id}/cancel")
        return None if reply.status == 409 else self._progress(reply)

    def secrets(self) -> contract.Conversation[Sequence[bytes]]:
        reply = yield contract.Request(method="GET", url=f"{self.base_url}/secret")
        return [reply.body]

    def heard(self, hook: contract.Hook, secrets: Sequence[bytes]) -> contract.Heard | None:
        told = orjson.loads(hook.body)
        if self.signs:
            sent = hook.headers.get("signature", "")
            if not any(hmac.compare_digest(sent, signed(hook.body, secret)) for secret in secrets):
                return None
        return contract.Heard(job_id=told["id"], delivery=told["delivery"])

    def _progress(self, reply: contract.Reply, *, submitting: bool = False) -> contract.Progress:
        told = reply.json()
        if reply.status >= 400:
            code = (told or {}).get("code", "unavailable")
            again = reply.status in (429, 500, 503)
            after = float(reply.headers["retry-after"]) if "retry-after" in reply.headers else None
            failure = contract.Failure(code=code, detail=f"It answered {reply.status}.", retryable=again)
            raise contract.Refused(failure, again=again, after=after, unknown=submitting and reply.status == 500)
        outputs = [
            contract.Output(
                **{**one, "data": base64.b64decode(one["data"]) if one.get("data") else None},
            )
            for one in told.get("outputs", ())
        ]
        failure = contract.Failure(**told["failure"]) if told.get("failure") else None
        cost = contract.Cost(**told["cost"]) if told.get("cost") else None
        return contract.Progress(
            job_id=told["id"], status=told["status"], progress=told.get("progress"), outputs=outputs, failure=failure,
            cost=cost, handle={"seen": told["id"]}, seed=told.get("seed"), raw=told,
        )  # fmt: skip


def signed(body: bytes, secret: bytes = SECRET) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


@dataclasses.dataclass
class Server:
    """What the provider does. `jobs` are its documents by id, changed by tests at will."""

    url: str = ""
    jobs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    asked: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    """Submissions as they came."""
    polls: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    submitting: list[str | int] = dataclasses.field(default_factory=list)
    """What the next submissions meet: a status, `hang` (taken, no answer), `drop` (taken, connection closed)."""
    polling: list[int] = dataclasses.field(default_factory=list)
    template: dict[str, Any] = dataclasses.field(default_factory=dict)
    """How a new job begins."""
    dead: set[str] = dataclasses.field(default_factory=set)
    """Paths that are expired."""
    authorized: list[str | None] = dataclasses.field(default_factory=list)
    """Credentials with which files were asked for."""
    cancels: bool = True
    release: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def picture(self, number: int, *, locked: bool = False) -> str:
        """Where a picture is."""
        return f"{self.url}/{'api/locked' if locked else 'files'}/{number}.png"

    def adapter(self, **changes: Any) -> Scripted:
        config = contract.Config(api_key=KEY)
        return Scripted(**{"config": config, "base_url": f"{self.url}/api", **changes})

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        body = await request.json()
        self.asked.append(body)
        meets = self.submitting.pop(0) if self.submitting else None
        if isinstance(meets, int) and meets != 500:
            return web.json_response({"code": "busy"}, status=meets)
        job_id = f"job-{uuid.uuid4()}"
        self.jobs[job_id] = {"id": job_id, "status": "queued", "webhook": body["webhook"], **self.template}
        if meets == 500:
            return web.json_response({}, status=500)
        if meets == "hang":
            await self.release.wait()
        if meets == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(self.jobs[job_id])

    async def _get(self, request: web.Request) -> web.StreamResponse:
        job_id = request.match_info["id"]
        self.polls.setdefault(job_id, []).append(time.monotonic())
        if self.polling:
            return web.json_response({}, status=self.polling.pop(0))
        if job_id not in self.jobs:
            return web.json_response({"code": "provider_gone"}, status=404)
        return web.json_response(self.jobs[job_id])

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        if not self.cancels:
            return web.json_response({}, status=409)
        job = self.jobs[request.match_info["id"]]
        job["status"] = "cancelled"
        return web.json_response(job)

    async def _secret(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=SECRET)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        sent = request.headers.get("Authorization")
        self.authorized.append(sent)
        if request.path in self.dead:
            return web.Response(status=403, text="Request has expired")
        if "locked" in request.path and sent != f"Bearer {KEY}":
            return web.Response(status=401)
        return web.Response(body=bytes_of(int(request.match_info["n"])), content_type="image/png")


def bytes_of(number: int) -> bytes:
    """The picture of this number."""
    return _PICTURES.setdefault(number, _drawn(number))


_PICTURES: dict[int, bytes] = {}


def _drawn(number: int) -> bytes:
    import pyvips

    image = pyvips.Image.black(16, 16).linear([1, 1, 1], [number % 256, number // 256 % 256, 7]).cast("uchar")
    drawn: bytes = image.write_to_buffer(".png")
    return drawn


def data_of(number: int) -> str:
    """The same as base64."""
    return base64.b64encode(bytes_of(number)).decode()


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """The provider for the length of the block."""
    server = Server()
    app = web.Application()
    app.add_routes(
        [
            web.post("/api/jobs", server._submit),
            web.get("/api/jobs/{id}", server._get),
            web.post("/api/jobs/{id}/cancel", server._cancel),
            web.get("/api/secret", server._secret),
            web.get(r"/files/{n:\d+}.png", server._file),
            web.get(r"/api/locked/{n:\d+}.png", server._file),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        server.release.set()
        await runner.cleanup()
