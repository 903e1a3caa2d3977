"""The built-in adapters with the engine, against the providers' protocols as the vendors' own SDKs speak them."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ambrotype import app as app_
from ambrotype import generating, providers, tasks, verbs
from ambrotype.core import errors, generation
from ambrotype.providers import adapter, contract
from ambrotype.simulator import server
from ambrotype.simulator.providers import control
from tests.generations import house as houses
from tests.generations.house import House, until

JOBS: dict[str, dict[str, Any]] = {
    "fal": {"provider": "fal", "model": "fal-ai/flux/dev", "settings": {"num_images": 2}},
    "openai-images": {"provider": "openai", "model": "gpt-image-1", "settings": {"n": 2}},
    "openai-videos": {"provider": "openai", "model": "sora-2", "settings": {"seconds": 4}},
    "wavespeed": {"provider": "wavespeed", "model": "wavespeed-ai/flux-dev", "settings": {"num_images": 2}},
    "ark-images": {
        "provider": "ark", "model": "seedream-4-5",
        "settings": {
            "sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 2},
        },
    },
    "ark-videos": {"provider": "ark", "model": "seedance-2-0", "settings": {"return_last_frame": True}},
    "replicate": {
        "provider": "replicate", "model": "black-forest-labs/flux-schnell", "settings": {"num_outputs": 2},
    },
}  # fmt: skip
every = pytest.mark.parametrize("name", sorted(JOBS))
jobs = pytest.mark.parametrize("name", sorted({*JOBS} - {"openai-images", "ark-images"}))
"""Those that answer later."""
reporting = pytest.mark.parametrize("name", ["fal", "wavespeed", "ark-videos", "replicate"])


@dataclasses.dataclass
class Stage:
    """A house whose providers are simulated, with a door for their webhooks."""

    house: House
    simulator: Any
    hooks: list[int]
    """What webhooks were answered."""

    async def generate(self, name: str, plan: str = "", **fields: Any) -> generation.Generation:
        self.simulator.book.expect(f"run=0.2,{plan}".rstrip(","), provider=JOBS[name]["provider"])
        return await self.house.generate(**{**JOBS[name], **fields})

    async def ended(self, name: str, plan: str = "", **fields: Any) -> generation.Generation:
        made = await self.generate(name, plan, **fields)
        async with self.house.working():
            return await self.house.ended(made.id)

    def submitted(self) -> int:
        """Jobs that the providers have taken."""
        return len(self.simulator.book.jobs)


@pytest.fixture
async def stage(admin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(adapter.Adapter, "pace", 0.2)
    hooks: list[int] = []
    hearing: list[Any] = []

    async def hear(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            await hearing[0].hear(
                request.match_info["name"], token=request.match_info.get("token"), headers=headers,
                body=await request.read(),
            )  # fmt: skip
        except errors.AmbrotypeError as problem:
            hooks.append(401 if isinstance(problem, errors.ForgedWebhook) else 503)
            return web.Response(status=hooks[-1])
        hooks.append(204)
        return web.Response(status=204)

    door = web.Application()
    door.router.add_post("/v1/providers/{name}/webhook", hear)
    door.router.add_post("/v1/providers/{name}/webhook/{token}", hear)
    runner = web.AppRunner(door, access_log=None, shutdown_timeout=0.5)
    async with contextlib.AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(server.running())
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made = [
            providers.make(name, contract.Config(api_key="sim-key", base_url=simulator.url + base))
            for name, base in control.BASES.items()
        ]
        public_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        house = await stack.enter_async_context(houses.opened(admin, tmp_path / "data", *made, public_url=public_url))
        hearing.append(house.here.app.hearing)
        yield Stage(house, simulator, hooks)


@every
async def test_success(stage: Stage, name: str) -> None:
    done = await stage.ended(name, tags=["x"])
    assert (done.status, done.error) == ("completed", None)
    assert {one.status for one in done.outputs} == {"kept"}
    assert len(done.outputs) == {"openai-videos": 3}.get(name, 2)
    assert len({one.id for one in done.outputs}) == len(done.outputs)
    assert stage.submitted() == 1


@every
@pytest.mark.parametrize(("plan", "code"), [("failed", None), ("blocked", "blocked")])
async def test_failure_and_blocked_content(stage: Stage, name: str, plan: str, code: str | None) -> None:
    done = await stage.ended(name, plan)
    assert done.error is not None
    if name.endswith("images") and plan == "failed":
        # A synchronous job's failure is the answer to the submission: it may have been taken.
        assert done.status == "failed"
        return
    assert (done.status, done.outputs) == ("failed", [])
    assert done.error.detail
    assert (done.error.code == "blocked") is (code == "blocked")


@pytest.mark.parametrize("name", ["ark-images", "wavespeed", "replicate"])
async def test_a_partial_batch(stage: Stage, name: str) -> None:
    done = await stage.ended(name, "partial")
    assert done.status == "completed"
    assert [one.status for one in done.outputs] == ["kept"]


@jobs
async def test_cancelled(stage: Stage, name: str) -> None:
    made = await stage.generate(name, "queue=30,run=30")
    async with stage.house.working():
        await until(lambda: _submitted(stage, made))
        await generating.cancel(stage.house.here, stage.house.who, made.id)
        done = await stage.house.ended(made.id)
    assert done.status == "cancelled"


async def _submitted(stage: Stage, made: generation.Generation) -> bool:
    return (await stage.house.get(made.id)).provider_job_id is not None


@pytest.mark.parametrize("name", ["wavespeed"])
async def test_an_expired_output_is_minted_anew(stage: Stage, name: str) -> None:
    done = await stage.ended(name, "ttl=1,remint=1,webhook=lost", keep="manual")
    await asyncio.sleep(1.2)
    async with stage.house.working():
        await generating.keep(stage.house.here, stage.house.who, done.id)
        found = await stage.house.ended(done.id)
    assert {one.status for one in found.outputs} == {"kept"}
    assert [one.id for one in found.outputs] == [one.id for one in done.outputs]


@pytest.mark.parametrize("name", ["ark-videos", "replicate", "fal"])
async def test_an_output_that_the_provider_has_cleared_is_lost_with_the_reason(stage: Stage, name: str) -> None:
    done = await stage.ended(name, "life=60", keep="manual")
    assert {one.status for one in done.outputs} == {"temporary"}
    stage.simulator.travel(120)
    async with stage.house.working():
        await generating.keep(stage.house.here, stage.house.who, done.id)
        found = await stage.house.ended(done.id)
    codes = {one.lost.code for one in found.outputs if one.lost is not None}
    assert len([one for one in found.outputs if one.status == "lost"]) == len(done.outputs)
    assert codes <= {"source_expired", "data_removed", "source_not_found", "provider_gone"}


@reporting
async def test_the_webhook_is_what_ends_it(stage: Stage, name: str) -> None:
    made = await stage.generate(name, "run=0.6")
    async with stage.house.working():
        done = await stage.house.ended(made.id)
    assert done.status == "completed"
    await until(lambda: stage.hooks)
    assert set(stage.hooks) == {204}


@jobs
async def test_a_lost_webhook(stage: Stage, name: str) -> None:
    done = await stage.ended(name, "webhook=lost")
    assert (done.status, {one.status for one in done.outputs}) == ("completed", {"kept"})
    assert stage.hooks == []


@reporting
async def test_forged_repeated_and_old_webhooks(stage: Stage, name: str) -> None:
    made = await stage.generate(name, "webhook=forged+old+normal+normal")
    async with stage.house.working():
        done = await stage.house.ended(made.id)
        await until(lambda: stage.hooks.count(204) >= 2)
    assert (done.status, {one.status for one in done.outputs}) == ("completed", {"kept"})
    if name != "ark-videos":  # which does not sign: a lie only leads to one more look
        assert 401 in stage.hooks


@reporting
async def test_a_webhook_before_the_answer_of_the_submission(stage: Stage, name: str) -> None:
    done = await stage.ended(name, "early")
    assert (done.status, {one.status for one in done.outputs}) == ("completed", {"kept"})
    assert stage.submitted() == 1


@jobs
async def test_a_restart_in_the_middle(stage: Stage, name: str) -> None:
    made = await stage.generate(name, "run=1.5,webhook=lost")
    task = asyncio.create_task(app_.work(stage.house.here.app, asyncio.Event()))
    await until(lambda: _submitted(stage, made))
    await tasks.ended(task)
    async with stage.house.working():
        done = await stage.house.ended(made.id)
    assert (done.status, {one.status for one in done.outputs}) == ("completed", {"kept"})
    assert stage.submitted() == 1


@reporting
async def test_an_answer_that_never_came_is_brought_back_by_the_webhook(stage: Stage, name: str) -> None:
    made = await stage.generate(name, "submit=lost,run=0.5")
    async with stage.house.working():
        await until(lambda: _kept(stage, made))
    assert stage.submitted() == 1, "it went out once"


async def _kept(stage: Stage, made: generation.Generation) -> bool:
    found = await stage.house.get(made.id)
    return found.status == "completed" and {one.status for one in found.outputs} == {"kept"}


@every
async def test_a_wrong_key_is_told(stage: Stage, name: str) -> None:
    stage.simulator.book.account(JOBS[name]["provider"]).keys = ["another"]
    done = await stage.ended(name)
    assert done.error is not None
    assert (done.status, done.error.code) == ("failed", "unauthenticated")
    check = await generating.check(stage.house.here, JOBS[name]["provider"])
    assert (check.reachable, check.accepted) == (True, False)


async def test_each_provider_can_be_checked(stage: Stage) -> None:
    for name in control.BASES:
        found = await generating.check(stage.house.here, name)
        assert (name, found.reachable, found.accepted) == (name, True, True), found.detail


async def test_a_job_of_elsewhere_at_a_real_protocol(stage: Stage) -> None:
    done = await stage.ended("replicate")
    assert done.provider_job_id is not None
    theirs = House(stage.house.here, dataclasses.replace(stage.house.who, owner=None, role="service"))
    fields = {"provider": "replicate", "request_id": done.provider_job_id}
    kept = await verbs.keep(theirs.here, theirs.who, verbs.asked(fields))
    assert (kept.known, kept.media.request_id) == (True, done.provider_job_id), "the administrator sees all"
