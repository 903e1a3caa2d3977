"""kill -9 while jobs are submitted, followed and captured: none is forgotten, and none is submitted twice."""

import asyncio
import collections
import random
from pathlib import Path

import pytest

from ambrotype.simulator.providers import control
from tests.chaos import house

MODELS = {
    "fal": "fal-ai/flux/dev",
    "wavespeed": "wavespeed-ai/flux-dev",
    "replicate": "black-forest-labs/flux-schnell",
    "openai": "gpt-image-1",
}


async def _kills(data: Path, *, jobs: int, rounds: int, seed: int) -> dict[str, int]:
    chance = random.Random(seed)
    async with house.opened(data) as at:
        for name in MODELS:
            at.know(**{f"{name}_api_key": "sim-key", f"{name}_base_url": at.simulator.url + control.BASES[name]})
        at.simulator.book.expect("run=1,webhook=normal+normal")
        at.api()
        workers = [at.worker(), at.worker()]
        await at.ready()
        supervisor = asyncio.create_task(at.supervise())
        made: list[str] = []

        async def ask() -> None:
            for number in range(jobs):
                provider = list(MODELS)[number % len(MODELS)]
                wanted = {
                    "provider": provider,
                    "model": MODELS[provider],
                    "prompt": "a fox",
                    "settings": {"simulate": f"tag=job-{number}"},
                }
                status, reply = await at.ask("POST", "/v1/generations", wanted)
                assert status == 202, reply
                made.append(reply["id"])
                await asyncio.sleep(chance.uniform(0, 0.2))

        async def ended() -> bool:
            return not await at.count(
                "select count(*) from ambrotype.generation where status in ('queued', 'processing')"
            )

        try:
            asking = asyncio.create_task(ask())
            for _ in range(rounds):
                await asyncio.sleep(chance.uniform(0.3, 1.5))
                await asyncio.to_thread(chance.choice(workers).kill)
            await asking
            await at.until(ended, "all generations to end")
            await at.ended()
        finally:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)
        found = await at.all("select id::text, status, error_code from ambrotype.generation")
        outputs = await at.all(
            "select u.generation_id::text as id, m.status from ambrotype.generation_output u"
            " join ambrotype.media m on m.id = u.media_id"
        )
        submitted = collections.Counter(one.tag for one in at.simulator.book.submissions)
    assert sorted(row["id"] for row in found) == sorted(made), "none was forgotten"
    assert {row["error_code"] for row in found} <= {None, "submission_unknown"}
    assert all(submitted[f"job-{number}"] <= 1 for number in range(jobs)), "none went out twice"
    kept = {row["id"] for row in outputs}
    assert {row["status"] for row in outputs} <= {"kept"}
    assert {row["id"] for row in found if row["status"] == "completed"} == kept
    assert sum(submitted.values()) >= len(kept) > 0
    return collections.Counter(row["status"] for row in found)


async def test_killed_at_any_moment_every_job_ends_and_goes_out_once(tmp_path: Path) -> None:
    await _kills(tmp_path / "data", jobs=12, rounds=5, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(3))
async def test_killed_for_long(tmp_path: Path, seed: int) -> None:
    print(await _kills(tmp_path / "data", jobs=120, rounds=40, seed=seed))
