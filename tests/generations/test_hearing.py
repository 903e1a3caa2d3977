"""Webhooks: what is genuine brings the next look forward, what is not changes nothing."""

import time
from pathlib import Path

import pytest

from ambrotype.core import errors
from tests.generations import house as houses
from tests.generations import scripted
from tests.generations.house import House, until
from tests.generations.test_submitting import hook


async def test_a_webhook_is_followed_at_once(hooked: House, provider: scripted.Server) -> None:
    made = await hooked.generate()
    began = time.monotonic()
    async with hooked.working():
        await until(lambda: _submitted(hooked))
        (job,) = provider.jobs.values()
        assert job["webhook"].startswith("http://127.0.0.1:1/v1/providers/scripted/webhook/")
        job |= {"status": "completed", "outputs": [{"url": provider.picture(30)}]}
        await hook(hooked, job["id"])
        done = await hooked.ended(made.id)
    assert (done.status, len(provider.polls[job["id"]])) == ("completed", 1)
    assert time.monotonic() - began < 8.0 * 6


async def _submitted(house: House) -> bool:
    return bool(await house.sql("select id from ambrotype.generation where provider_job_id is not null"))


async def test_one_that_came_before_the_answer_was_stored_is_remembered(
    hooked: House, provider: scripted.Server
) -> None:
    provider.submitting = ["hang"]
    made = await hooked.generate()
    async with hooked.working():
        await until(lambda: provider.jobs)
        (job,) = provider.jobs.values()
        job |= {"status": "completed", "outputs": [{"url": provider.picture(31)}]}
        await hook(hooked, job["id"])  # no token: only its signature, and a job that nobody knows yet
        del job["outputs"]
        job["status"] = "queued"
        provider.release.set()
        await until(lambda: _submitted(hooked))
        job |= {"status": "completed", "outputs": [{"url": provider.picture(31)}]}
        done = await hooked.ended(made.id)
    assert done.status == "completed"
    assert len(provider.polls[job["id"]]) <= 2


async def test_a_lost_webhook_is_found_by_asking(house: House, provider: scripted.Server) -> None:
    made = await house.generate()
    async with house.working():
        await until(lambda: provider.polls)
        (job,) = provider.jobs.values()
        job |= {"status": "completed", "outputs": [{"url": provider.picture(32)}]}
        assert (await house.ended(made.id)).status == "completed"


async def test_forged_and_unknown_ones_change_nothing(house: House, provider: scripted.Server) -> None:
    made = await house.generate()
    with pytest.raises(errors.ForgedWebhook, match="signature"):
        await hook(house, "job-1", secret=b"guessed")
    with pytest.raises(errors.ForgedWebhook, match="token"):
        await hook(house, "job-1", token="guessed")
    await hook(house, "job-of-somebody-else")
    assert (await house.get(made.id)).status == "queued"
    with pytest.raises(errors.NotFound):
        await house.here.app.hearing.hear("absent", token=None, headers={}, body=b"{}")


async def test_a_repeated_one_is_harmless(house: House, provider: scripted.Server) -> None:
    body = b'{"id": "job-1", "delivery": "same"}'
    headers = {"signature": scripted.signed(body)}
    for _ in range(3):
        await house.here.app.hearing.hear("scripted", token=None, headers=headers, body=body)
    assert await house.sql("select count(*) as n from ambrotype.hook") == [{"n": 1}]


async def test_unsigned_ones_need_their_jobs_token(admin: str, tmp_path: Path, provider: scripted.Server) -> None:
    adapter = provider.adapter(signs=False, pace=8.0)
    async with houses.opened(admin, tmp_path / "data", adapter, public_url="http://127.0.0.1:1") as house:
        made = await house.generate()
        async with house.working():
            await until(lambda: _submitted(house))
            (job,) = provider.jobs.values()
            with pytest.raises(errors.ForgedWebhook):
                await hook(house, job["id"])
            job |= {"status": "completed", "outputs": [{"url": provider.picture(33)}]}
            await hook(house, job["id"], token=job["webhook"].rpartition("/")[2])
            assert (await house.ended(made.id)).status == "completed"
