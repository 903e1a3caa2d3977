"""What may be billed goes out once, whatever breaks."""

import asyncio
import uuid

from ambrotype import app as app_
from ambrotype import tasks
from ambrotype.core import owners
from tests.generations import scripted
from tests.generations.house import House, until


async def test_no_answer_is_never_followed_by_a_second_request(house: House, provider: scripted.Server) -> None:
    provider.submitting = ["drop"]
    made = await house.generate()
    async with house.working():
        done = await house.ended(made.id)
    assert done.error is not None
    assert (done.status, done.error.code, done.error.retryable) == ("failed", "submission_unknown", True)
    assert len(provider.asked) == 1


async def test_a_worker_that_dies_while_submitting_leaves_it_marked(house: House, provider: scripted.Server) -> None:
    provider.submitting = ["hang"]
    made = await house.generate()
    task = asyncio.create_task(app_.work(house.here.app, asyncio.Event()))
    await until(lambda: provider.asked)
    await tasks.ended(task)
    await house.sql("update ambrotype.following set lease_until = now() where lease is not null returning 1 as n")
    async with house.working():
        done = await house.ended(made.id)
    assert done.error is not None
    assert done.error.code == "submission_unknown"
    assert len(provider.asked) == 1


async def test_a_webhook_that_names_it_by_its_token_brings_it_back(hooked: House, provider: scripted.Server) -> None:
    provider.submitting = ["drop"]
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(20)}]}
    made = await hooked.generate()
    async with hooked.working():
        assert (await hooked.ended(made.id)).status == "failed"
        (job,) = provider.jobs.values()
        token = str(provider.asked[0]["webhook"]).rpartition("/")[2]
        await hook(hooked, job["id"], token=token)
        await until(lambda: _kept(hooked, made.id))
    assert len(provider.asked) == 1
    assert await hooked.events(made.id) == ["queued", "failed", "processing", "completed"]


async def _kept(house: House, generation_id: uuid.UUID) -> bool:
    found = await house.get(generation_id)
    return found.status == "completed" and [one.status for one in found.outputs] == ["kept"] and found.error is None


async def hook(house: House, job_id: str, *, token: str | None = None, secret: bytes = scripted.SECRET) -> None:
    """A webhook as the provider sends it."""
    body = b'{"id": "%s", "delivery": "%s"}' % (job_id.encode(), uuid.uuid4().hex.encode())
    headers = {"signature": scripted.signed(body, secret)}
    await house.here.app.hearing.hear("scripted", token=token, headers=headers, body=body)


async def test_a_webhook_may_come_before_the_answer_is_stored(hooked: House, provider: scripted.Server) -> None:
    """The worker dies in between: what the webhook told is enough to go on."""
    provider.submitting = ["hang"]
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(21)}]}
    made = await hooked.generate()
    task = asyncio.create_task(app_.work(hooked.here.app, asyncio.Event()))
    await until(lambda: provider.asked)
    (job,) = provider.jobs.values()
    await hook(hooked, job["id"], token=str(provider.asked[0]["webhook"]).rpartition("/")[2])
    await tasks.ended(task)
    await hooked.sql("update ambrotype.following set lease_until = now() where lease is not null returning 1 as n")
    async with hooked.working():
        done = await hooked.ended(made.id)
    assert (done.status, [one.status for one in done.outputs]) == ("completed", ["kept"])
    assert len(provider.asked) == 1


async def test_what_the_provider_did_not_take_is_sent_again(house: House, provider: scripted.Server) -> None:
    provider.submitting = [429, 503]
    provider.template = {"status": "completed", "outputs": []}
    made = await house.generate()
    async with house.working():
        done = await house.ended(made.id)
    assert (done.status, len(provider.asked), len(provider.jobs)) == ("completed", 3, 1)


async def test_a_refusal_ends_it_with_the_providers_word(house: House, provider: scripted.Server) -> None:
    provider.submitting = [400]
    made = await house.generate()
    async with house.working():
        done = await house.ended(made.id)
    assert done.error is not None
    assert (done.error.code, done.error.retryable, len(provider.asked)) == ("busy", False, 1)


async def test_a_provider_that_can_not_be_reached_has_not_taken_it(house: House, provider: scripted.Server) -> None:
    """The connection is refused: it waits, and nothing is marked."""
    adapter = provider.adapter(base_url="http://127.0.0.1:9/api")
    house.here.app.providers.adapters["scripted"] = adapter  # type: ignore[index]
    made = await house.generate()
    async with house.working():
        await until(lambda: _attempts(house))
    found = await house.get(made.id)
    assert (found.status, found.error) == ("queued", None)
    assert await house.sql("select begun_at from ambrotype.generation") == [{"begun_at": None}]


async def _attempts(house: House) -> bool:
    (row,) = await house.sql("select attempts, lease from ambrotype.following")
    return bool(row["attempts"] >= 2)


async def test_one_owners_thousands_do_not_hold_up_anothers_one(house: House, provider: scripted.Server) -> None:
    for _ in range(30):
        await house.generate()
    other = House(house.here, owners.Principal(role="app", owner=owners.Owner(kind="user", subject="2")))
    theirs = await other.generate()
    order = await house.sql("select generation_id from ambrotype.following order by turn_at")
    assert [row["generation_id"] for row in order].index(theirs.id) < 30, "the last to come, but not the last in turn"


async def test_a_timetable_that_somebody_removed_is_made_again(house: House, provider: scripted.Server) -> None:
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(22)}]}
    made = await house.generate()
    await house.sql("delete from ambrotype.following returning 1 as n")
    async with house.working():
        done = await house.ended(made.id)
    assert (done.status, len(provider.asked)) == ("completed", 1)
