"""A generation from the request to its end, as the provider has it."""

import itertools

import pytest

from ambrotype import generating
from ambrotype.core import errors
from tests.generations import scripted
from tests.generations.house import House, until


async def test_outputs_are_kept_as_they_appear(house: House, provider: scripted.Server) -> None:
    made = await house.generate(tags=["fox"], visibility="unlisted", settings={"size": "1K"})
    assert (made.status, made.outputs, made.provider_job_id) == ("queued", [], None)
    async with house.working():
        await until(lambda: provider.jobs)
        (job,) = provider.jobs.values()
        job |= {"status": "processing", "progress": 0.5}
        await until(lambda: _reached(house, made.id, "processing"))
        job |= {
            "status": "completed",
            "seed": 7,
            "outputs": [{"url": provider.picture(1), "index": 0}, {"url": provider.picture(2), "index": 1}],
            "cost": {"amount": 0.04, "currency": "USD", "units": 2, "unit": "image"},
        }
        done = await house.ended(made.id)
    assert (done.status, done.progress, done.error, done.metadata["seed"]) == ("completed", 1.0, None, 7)
    assert [one.status for one in done.outputs] == ["kept", "kept"]
    first, second = done.outputs
    assert (first.provider, first.model, first.prompt, first.settings) == ("scripted", "paint", "a fox", {"size": "1K"})
    assert (first.tags, first.visibility, first.request_id) == (["fox"], "unlisted", done.provider_job_id)
    assert first.generation_id == second.generation_id == made.id
    assert first.cost is not None
    assert (first.cost["amount"], second.cost) == (0.04, None)
    assert await house.events(made.id) == ["queued", "processing", "completed"]
    assert await house.sql("select * from ambrotype.following") == []


async def _reached(house: House, generation_id: object, status: str) -> bool:
    return (await house.get(generation_id)).status == status  # type: ignore[arg-type]


async def test_a_failure_is_told_with_its_code(house: House, provider: scripted.Server) -> None:
    provider.template = {
        "status": "failed", "failure": {"code": "blocked", "detail": "Not that.", "retryable": False},
    }  # fmt: skip
    made = await house.generate()
    async with house.working():
        done = await house.ended(made.id)
    assert done.error is not None
    assert (done.status, done.error.code, done.error.retryable) == ("failed", "blocked", False)
    assert len(provider.asked) == 1


async def test_a_batch_that_partly_failed_keeps_what_there_is(house: House, provider: scripted.Server) -> None:
    provider.template = {
        "status": "completed", "outputs": [{"url": provider.picture(3)}],
        "failure": {"code": "blocked", "detail": "One of two.", "retryable": False},
    }  # fmt: skip
    made = await house.generate()
    async with house.working():
        done = await house.ended(made.id)
    assert done.error is not None
    assert (done.status, done.error.code, [one.status for one in done.outputs]) == ("completed", "blocked", ["kept"])


async def test_bytes_are_kept_like_urls_and_what_is_no_picture_is_told(house: House, provider: scripted.Server) -> None:
    provider.template = {
        "status": "completed",
        "outputs": [
            {"data": scripted.data_of(4), "index": 0},
            {"data": "bm90IGEgcGljdHVyZQ==", "index": 1},
            {"url": f"data:image/png;base64,{scripted.data_of(5)}", "index": 2},
        ],
    }
    made = await house.generate()
    async with house.working():
        done = await house.ended(made.id)
    assert [one.status for one in done.outputs] == ["kept", "kept"]
    assert [one.size for one in done.outputs] == [len(scripted.bytes_of(n)) for n in (4, 5)]
    assert done.error is not None
    assert (done.status, done.error.code) == ("completed", "not_media")


async def test_what_was_made_beside_an_output_hangs_on_it(house: House, provider: scripted.Server) -> None:
    provider.template = {
        "status": "completed",
        "outputs": [{"url": provider.picture(7), "role": "last_frame"}, {"url": provider.picture(6)}],
    }
    made = await house.generate(project="film", slot="scene_1")
    async with house.working():
        done = await house.ended(made.id)
    primary, frame = done.outputs
    assert [(one.id, one.role) for one in frame.parents] == [(primary.id, "last_frame")]
    assert (primary.slot, primary.version, primary.is_current, frame.slot, frame.project) == (
        "scene_1", 1, True, None, "film",
    )  # fmt: skip


async def test_several_outputs_are_further_versions_of_a_slot(house: House, provider: scripted.Server) -> None:
    provider.template = {
        "status": "completed", "outputs": [{"url": provider.picture(n), "index": n} for n in (10, 11, 12)],
    }  # fmt: skip
    made = await house.generate(project="film", slot="hero")
    async with house.working():
        done = await house.ended(made.id)
    assert [one.version for one in done.outputs] == [1, 2, 3]


async def test_outputs_that_appear_early_are_kept_before_the_job_has_ended(
    house: House, provider: scripted.Server
) -> None:
    provider.template = {"status": "processing", "outputs": [{"url": provider.picture(13), "index": 0}]}
    made = await house.generate()
    async with house.working():
        await until(lambda: _outputs(house, made.id, 1))
        (job,) = provider.jobs.values()
        job["outputs"].append({"url": provider.picture(14), "index": 1})
        await until(lambda: _outputs(house, made.id, 2))
        job["status"] = "completed"
        done = await house.ended(made.id)
    assert [one.status for one in done.outputs] == ["kept", "kept"]
    assert await house.sql("select count(*) as n from ambrotype.media") == [{"n": 2}]


async def _outputs(house: House, generation_id: object, n: int) -> bool:
    return len((await house.get(generation_id)).outputs) == n  # type: ignore[arg-type]


async def test_errors_of_asking_are_waited_out_at_the_providers_pace(house: House, provider: scripted.Server) -> None:
    provider.polling = [503, 429, 500, 404]
    made = await house.generate()
    async with house.working():
        await until(lambda: not provider.polling)
        (job,) = provider.jobs.values()
        job |= {"status": "completed", "outputs": [{"url": provider.picture(15)}]}
        done = await house.ended(made.id)
    assert done.status == "completed"
    (polls,) = provider.polls.values()
    gaps = [later - earlier for earlier, later in itertools.pairwise(polls)]
    assert min(gaps) >= 0.1


async def test_a_job_that_its_provider_does_not_know_any_more_has_failed(
    house: House, provider: scripted.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ambrotype.generations.following.SETTLING_IN", 0.0)
    made = await house.generate()
    async with house.working():
        await until(lambda: provider.jobs)
        provider.jobs.clear()
        done = await house.ended(made.id)
    assert done.error is not None
    assert done.error.code == "provider_gone"


async def test_cancelled_before_it_went_out_it_never_does(house: House, provider: scripted.Server) -> None:
    made = await house.generate()
    stopped = await generating.cancel(house.here, house.who, made.id)
    assert stopped.status == "cancelled"
    later = await house.generate()
    provider.template = {"status": "completed", "outputs": []}
    async with house.working():
        await house.ended(later.id)
    assert len(provider.asked) == 1
    assert (await generating.cancel(house.here, house.who, made.id)).status == "cancelled"
    with pytest.raises(errors.Conflict, match="completed"):
        await generating.cancel(house.here, house.who, later.id)


async def test_cancelled_on_the_way_the_provider_is_asked_to_stop(house: House, provider: scripted.Server) -> None:
    made = await house.generate()
    async with house.working():
        await until(lambda: provider.polls)
        await generating.cancel(house.here, house.who, made.id)
        done = await house.ended(made.id)
    assert (done.status, done.error) == ("cancelled", None)


async def test_cancelled_too_late_it_goes_on_and_its_outputs_are_kept(house: House, provider: scripted.Server) -> None:
    provider.cancels = False
    made = await house.generate()
    async with house.working():
        await until(lambda: provider.polls)
        await generating.cancel(house.here, house.who, made.id)
        (job,) = provider.jobs.values()
        job |= {"status": "completed", "outputs": [{"url": provider.picture(16)}]}
        done = await house.ended(made.id)
    assert (done.status, [one.status for one in done.outputs]) == ("completed", ["kept"])
