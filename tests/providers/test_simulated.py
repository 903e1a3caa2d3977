"""The adapters against the simulator, which the vendors' own SDKs have found to tell the truth."""

import asyncio
import dataclasses
import datetime
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from ambrotype import providers
from ambrotype.capture import network
from ambrotype.generations import calling
from ambrotype.providers import contract
from ambrotype.simulator import server

BASES = {
    "fal": "/fal",
    "openai": "/openai/v1",
    "wavespeed": "/wavespeed/api/v3",
    "ark": "/ark/api/v3",
    "replicate": "/replicate/v1",
}
PNG = bytes.fromhex("89504e470d0a1a0a") + bytes(40)


@dataclasses.dataclass
class Stage:
    simulator: Any
    session: aiohttp.ClientSession
    caller: calling.Caller
    hooks: list[contract.Hook] = dataclasses.field(default_factory=list)
    receiver: str = ""

    def provider(self, name: str, **config: Any) -> contract.Provider:
        given = {"api_key": "sim-key", "base_url": self.simulator.url + BASES[name], **config}
        return providers.make(name, contract.Config(**given))

    async def run(self, provider: contract.Provider, conversation: contract.Conversation[Any]) -> Any:
        return await self.caller.run(provider, conversation)

    async def ended(self, provider: contract.Provider, now: contract.Progress) -> contract.Progress:
        """Looked at until it is over, as the engine does."""
        for _ in range(100):
            if now.status in ("completed", "failed", "cancelled"):
                return now
            self.simulator.travel(1)
            handle = now.handle
            now = await self.run(provider, provider.follow(now.job_id, handle))
            now = dataclasses.replace(now, handle={**handle, **now.handle})
        raise AssertionError(f"it does not end: {now.status}")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with server.running() as simulator, aiohttp.ClientSession() as session:
        caller = calling.Caller(allowed=network.Allowed(), user_agent="Ambrotype/test")
        there = Stage(simulator, session, caller)

        async def hear(request: web.Request) -> web.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            there.hooks.append(
                contract.Hook(headers=headers, body=await request.read(), now=datetime.datetime.now(datetime.UTC))
            )
            return web.Response()

        app = web.Application()
        app.router.add_post("/hook", hear)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        there.receiver = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield there
        await caller.close()
        await runner.cleanup()


JOBS = {
    "fal": contract.Job(model="fal-ai/flux/dev", prompt="a fox", settings={"num_images": 2}),
    "openai-images": contract.Job(model="gpt-image-1", prompt="a fox", settings={"n": 2}),
    "openai-videos": contract.Job(model="sora-2", prompt="a fox", settings={"seconds": 4}),
    "wavespeed": contract.Job(model="wavespeed-ai/flux-dev", prompt="a fox", settings={"num_images": 2}),
    "ark-images": contract.Job(
        model="seedream-4-5",
        prompt="a fox",
        settings={"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 2}},
    ),
    "ark-videos": contract.Job(model="seedance-2-0", prompt="a fox", settings={"return_last_frame": True}),
    "replicate": contract.Job(model="black-forest-labs/flux-schnell", prompt="a fox", settings={"num_outputs": 2}),
}
every = pytest.mark.parametrize("name", sorted(JOBS))


async def played(stage: Stage, name: str, plan: str = "", **changed: Any) -> contract.Progress | contract.Refused:
    stage.simulator.book.expect(f"run=1{',' if plan else ''}{plan}")
    provider = stage.provider(name.partition("-")[0])
    try:
        now = await stage.run(provider, provider.submit(dataclasses.replace(JOBS[name], **changed)))
        return await stage.ended(provider, now)
    except contract.Refused as refused:
        return refused


@every
async def test_all_goes_well(stage: Stage, name: str) -> None:
    now = await played(stage, name)
    assert isinstance(now, contract.Progress), now
    assert (now.status, now.failure) == ("completed", None)
    assert len(now.outputs) == {"openai-videos": 3}.get(name, 2)
    for output in now.outputs:
        assert output.kind
        if output.data is not None:
            continue
        provider = stage.provider(name.partition("-")[0])
        async with stage.session.get(
            output.url or "", headers=provider.credentials() if output.authenticated else {}
        ) as answer:
            assert answer.status == 200
            assert (await answer.read())[:4] not in (b"", b"{")


@every
@pytest.mark.parametrize(("plan", "code"), [("blocked", "blocked"), ("failed", None), ("invalid", None)])
async def test_it_fails(stage: Stage, name: str, plan: str, code: str | None) -> None:
    now = await played(stage, name, plan)
    failure = now.failure
    assert failure
    assert isinstance(now, contract.Refused) or now.status == "failed"
    assert failure.code == code or (code is None and failure.code != "blocked")


@every
async def test_a_batch_fails_in_part(stage: Stage, name: str) -> None:
    now = await played(stage, name, "partial")
    assert isinstance(now, contract.Progress), now
    assert now.status == "completed"
    assert now.outputs
    if name in ("fal", "wavespeed", "ark-images"):
        assert now.failure
        assert now.failure.code == "blocked"


@pytest.mark.parametrize("name", ["fal", "openai-videos", "ark-videos", "replicate", "wavespeed"])
async def test_it_is_cancelled_there(stage: Stage, name: str) -> None:
    now = await played(stage, name, "cancelled")
    assert isinstance(now, contract.Progress), now
    assert now.status == ("failed" if name == "openai-videos" else "cancelled")


@pytest.mark.parametrize("name", ["fal", "openai-videos", "ark-videos", "replicate"])
async def test_it_is_cancelled_from_here(stage: Stage, name: str) -> None:
    stage.simulator.book.expect("queue=50,run=50")
    provider = stage.provider(name.partition("-")[0])
    now = await stage.run(provider, provider.submit(JOBS[name]))
    stopped = await stage.run(provider, provider.cancel(now.job_id, now.handle))
    assert stopped is not None
    if stopped.status != "cancelled":
        assert (await stage.ended(provider, dataclasses.replace(stopped, handle=now.handle))).status == "cancelled"


@pytest.mark.parametrize(("name", "code"), [("ark-videos", "source_expired"), ("replicate", "data_removed")])
async def test_its_files_are_cleared(stage: Stage, name: str, code: str) -> None:
    provider = stage.provider(name.partition("-")[0])
    now = await played(stage, name, "life=5")
    assert isinstance(now, contract.Progress), now
    stage.simulator.travel(10)
    now = await stage.run(provider, provider.follow(now.job_id, now.handle))
    assert (now.status, now.failure and now.failure.code, now.outputs) == ("completed", code, ())


@every
@pytest.mark.parametrize(
    ("plan", "code", "unknown"), [("submit=429", "rate_limited", False), ("submit=500", "unavailable", True)]
)
async def test_a_submission_is_refused(stage: Stage, name: str, plan: str, code: str, unknown: bool) -> None:
    refused = await played(stage, name, plan)
    assert isinstance(refused, contract.Refused), refused
    assert (refused.failure.code, refused.again, refused.unknown) == (code, True, unknown)


@every
async def test_the_key_is_wrong(stage: Stage, name: str) -> None:
    provider = stage.provider(name.partition("-")[0], api_key="not-the-key-of-anybody")
    with pytest.raises(contract.Refused) as refused:
        await stage.run(provider, provider.submit(JOBS[name]))
    assert refused.value.failure.code == "unauthenticated"


@pytest.mark.parametrize("name", ["fal", "wavespeed", "replicate", "ark-videos"])
@pytest.mark.parametrize("wrong", ["", "forged", "old", "unsigned"])
async def test_it_reports(stage: Stage, name: str, wrong: str) -> None:
    stage.simulator.book.expect(f"run=0.1,webhook={wrong or 'normal'}")
    provider = stage.provider(name.partition("-")[0])
    now = await stage.run(provider, provider.submit(dataclasses.replace(JOBS[name], webhook=stage.receiver)))
    secrets = await stage.run(provider, provider.secrets())
    for _ in range(400):
        if [heard for heard in (provider.heard(hook, secrets) for hook in stage.hooks) if heard] or (
            wrong and stage.hooks
        ):
            break
        await asyncio.sleep(0.05)
    heard = [provider.heard(hook, secrets) for hook in stage.hooks]
    assert heard
    if wrong and provider.signs:
        assert heard == [None] * len(heard)
    else:
        assert all(told and told.job_id == now.job_id for told in heard)
        assert provider.signs or all(told and told.progress is None for told in heard)


@pytest.mark.parametrize("name", ["openai-images", "ark-images"])
async def test_previews_come_on_the_way(stage: Stage, name: str) -> None:
    now = await played(stage, name, partial=True)
    assert isinstance(now, contract.Progress), now
    assert now.status == "completed"
    assert now.outputs


@pytest.mark.parametrize(("name", "size"), [*((name, 200) for name in sorted(JOBS)), ("replicate", 300_000)])
async def test_bytes_are_taken(stage: Stage, name: str, size: int) -> None:
    given = contract.Input(role="base_image", kind="image", content_type="image/png", data=PNG + bytes(size))
    now = await played(stage, name, inputs=[given])
    assert isinstance(now, contract.Progress), now
    assert now.status == "completed"


@pytest.mark.parametrize("role", ["remix", "extend", "base_video"])
async def test_a_film_is_made_from_a_film(stage: Stage, role: str) -> None:
    first = await played(stage, "openai-videos")
    assert isinstance(first, contract.Progress)
    given = contract.Input(role=role, kind="video", content_type="video/mp4", job_id=first.job_id)
    now = await played(stage, "openai-videos", inputs=[given])
    assert isinstance(now, contract.Progress), now
    assert now.status == "completed"
    assert now.job_id != first.job_id


async def test_a_gateway_answers_the_download_with_json(stage: Stage) -> None:
    now = await played(stage, "openai-videos", "shape=url")
    assert isinstance(now, contract.Progress), now
    assert [output.authenticated for output in now.outputs if output.role == "primary"] == [False]
