"""Outputs: saved by hand, behind a key, dead before they were captured; inputs and what hangs on them."""

import psycopg
import pytest

from ambrotype import generating, verbs
from ambrotype.capture import request
from ambrotype.core import errors, owners
from ambrotype.maintenance import risk, sweep
from tests.generations import house as houses
from tests.generations import scripted
from tests.generations.house import House, until


async def test_by_hand_outputs_are_temporary_until_they_are_saved(house: House, provider: scripted.Server) -> None:
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(40)}]}
    made = await house.generate(keep="manual")
    async with house.working():
        done = await house.ended(made.id)
        (output,) = done.outputs
        assert (output.status, output.source_expiry_rule) == ("temporary", "provider-policy:scripted")
        assert output.source_expires_at is not None
        saved = await generating.keep(house.here, house.who, made.id)
        assert saved.keep == "auto"
        found = await verbs.settled(house.here, house.who, output.id, seconds=houses.PATIENCE)
    assert (found.id, found.status) == (output.id, "kept")


async def test_bytes_by_hand_are_staged_and_saved_without_moving(house: House, provider: scripted.Server) -> None:
    provider.template = {"status": "completed", "outputs": [{"data": scripted.data_of(41)}]}
    made = await house.generate(keep="manual", project="film", slot="s")
    async with house.working():
        (output,) = (await house.ended(made.id)).outputs
    assert (output.status, output.source_expiry_rule, output.size) == (
        "temporary",
        "staged",
        len(scripted.bytes_of(41)),
    )
    saved = (await verbs.keep_again(house.here, house.who, output.id)).media
    assert (saved.status, saved.path, saved.is_current) == ("kept", output.path, True)


async def test_staged_bytes_go_after_their_announced_end(house: House, provider: scripted.Server) -> None:
    provider.template = {
        "status": "completed", "outputs": [{"data": scripted.data_of(n), "index": n} for n in (42, 43)],
    }  # fmt: skip
    made = await house.generate(keep="manual")
    async with house.working():
        first, second = (await house.ended(made.id)).outputs
    await verbs.keep_again(house.here, house.who, second.id)
    await house.sql("update ambrotype.media set source_expires_at = now() - interval '1 s' returning 1 as n")
    app = house.here.app
    assert await sweep.unstage(app.data, app.store) == 1
    gone, kept = await house.item(first.id), await house.item(second.id)
    assert (gone.status, gone.path, kept.status) == ("expired", None, "kept")
    files = list((app.settings.data / "store").rglob("*.png"))
    assert len(files) == 1


async def test_the_providers_key_opens_its_own_outputs_and_nothing_else(
    house: House, provider: scripted.Server
) -> None:
    provider.template = {
        "status": "completed",
        "outputs": [
            {"url": provider.picture(44, locked=True), "authenticated": True, "index": 0},
            {"url": provider.picture(45), "authenticated": False, "index": 1},
        ],
    }
    made = await house.generate()
    async with house.working():
        done = await house.ended(made.id)
        assert [one.status for one in done.outputs] == ["kept", "kept"]
        assert provider.authorized.count(f"Bearer {scripted.KEY}") == 1
        # A caller who names a URL of the provider's API gets nothing by our key.
        named = request.parsed(
            request.KeepRequest, {"url": provider.picture(46, locked=True), "provider": "scripted", "wait": 20}
        )
        key = owners.Principal(role="app", owner=house.who.owner)
        theirs = await verbs.keep(house.here, key, verbs.Asked(request=named))
        lost = await verbs.settled(house.here, key, theirs.media.id, seconds=houses.PATIENCE)
    assert lost.lost is not None
    assert lost.lost.code == "source_forbidden"
    assert provider.authorized.count(f"Bearer {scripted.KEY}") == 1
    assert house.here.app.providers.locks(provider.picture(44, locked=True))
    assert not house.here.app.providers.locks(provider.picture(45))


async def test_the_key_never_goes_to_another_origin(house: House, provider: scripted.Server) -> None:
    """Even where the provider says that its key is needed there."""
    async with scripted.serving() as elsewhere:
        provider.template = {
            "status": "completed", "outputs": [{"url": elsewhere.picture(47, locked=True), "authenticated": True}],
        }  # fmt: skip
        made = await house.generate()
        async with house.working():
            await house.ended(made.id)
        assert elsewhere.authorized
        assert set(elsewhere.authorized) == {None}


async def test_a_dead_source_is_asked_for_anew(house: House, provider: scripted.Server) -> None:
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(48)}]}
    provider.dead.add("/files/48.png")
    made = await house.generate()
    async with house.working():
        await until(lambda: provider.authorized)
        (job,) = provider.jobs.values()
        job["outputs"] = [{"url": provider.picture(49)}]
        done = await house.ended(made.id)
    (output,) = done.outputs
    assert (output.status, output.source_url) == ("kept", provider.picture(49))
    assert await house.sql("select count(*) as n from ambrotype.media") == [{"n": 1}]


async def test_saved_after_its_url_died_it_is_asked_for_anew(house: House, provider: scripted.Server) -> None:
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(50)}]}
    made = await house.generate(keep="manual")
    async with house.working():
        (output,) = (await house.ended(made.id)).outputs
        await house.sql("update ambrotype.media set source_expires_at = now() - interval '1 s' returning 1 as n")
        await sweep.expire(house.here.app.data)
        assert (await house.item(output.id)).status == "expired"
        provider.dead.add("/files/50.png")
        (job,) = provider.jobs.values()
        job["outputs"] = [{"url": provider.picture(51)}]
        await generating.keep(house.here, house.who, made.id)
        found = await verbs.settled(house.here, house.who, output.id, seconds=houses.PATIENCE)
    assert (found.id, found.status) == (output.id, "kept")


@pytest.mark.parametrize("code", ["data_removed", "provider_gone"])
async def test_where_the_provider_has_nothing_left_it_is_lost_with_that_reason(
    house: House, provider: scripted.Server, code: str
) -> None:
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(52)}]}
    provider.dead.add("/files/52.png")
    made = await house.generate(keep="manual")
    async with house.working():
        (output,) = (await house.ended(made.id)).outputs
        (job,) = provider.jobs.values()
        job["outputs"] = []
        if code == "provider_gone":
            provider.jobs.clear()
        else:
            job["failure"] = {"code": code, "detail": "Cleared.", "retryable": False}
        await generating.keep(house.here, house.who, made.id)
        found = await verbs.settled(house.here, house.who, output.id, seconds=houses.PATIENCE)
    assert found.lost is not None
    assert (found.status, found.lost.code) == ("lost", code)
    assert (found.prompt, found.model, found.request_id) == ("a fox", "paint", output.request_id)


async def test_inputs_go_along_and_are_parents(house: House, provider: scripted.Server) -> None:
    content = scripted.bytes_of(53)
    mine = await verbs.keep(house.here, house.who, verbs.Asked(
        request=request.parsed(request.KeepRequest, {"data": scripted.data_of(53), "source": "upload"}), content=content,
    ))  # fmt: skip
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(54)}]}
    made = await house.generate(
        inputs=[{"id": str(mine.media.id), "role": "base_image"}, {"url": provider.picture(55), "role": "mask"}]
    )
    assert [one.role for one in made.inputs] == ["base_image", "mask"]
    async with house.working():
        done = await house.ended(made.id)
        (output,) = done.outputs
    assert [(one.id, one.role) for one in output.parents] == [(one.id, one.role) for one in made.inputs]
    first, second = provider.asked[0]["inputs"]
    assert (first["url"], first["data"]) == (None, scripted.data_of(53)), "no public URL: small bytes go along"
    assert (second["url"], second["role"]) == (provider.picture(55), "mask"), "its own URL, while that lives"


async def test_inputs_go_as_signed_urls_where_the_provider_reaches_us(hooked: House, provider: scripted.Server) -> None:
    mine = await verbs.keep(hooked.here, hooked.who, verbs.Asked(
        request=request.parsed(request.KeepRequest, {"data": scripted.data_of(56)}),
    ))  # fmt: skip
    provider.template = {"status": "completed", "outputs": []}
    made = await hooked.generate(inputs=[{"id": str(mine.media.id)}])
    async with hooked.working():
        await hooked.ended(made.id)
    (given,) = provider.asked[0]["inputs"]
    assert given["url"].startswith(f"http://127.0.0.1:1/m/{mine.media.id}/")
    assert "sig=" in given["url"]


async def test_anothers_item_can_not_be_an_input(house: House, provider: scripted.Server) -> None:
    other = House(house.here, owners.Principal(role="app", owner=owners.Owner(kind="user", subject="other")))
    theirs = await verbs.keep(other.here, other.who, verbs.Asked(
        request=request.parsed(request.KeepRequest, {"data": scripted.data_of(57)}),
    ))  # fmt: skip
    with pytest.raises(errors.NotFound):
        await house.generate(inputs=[{"id": str(theirs.media.id)}])
    assert await house.sql("select id from ambrotype.generation") == []


async def test_what_can_not_be_asked_is_refused_in_a_sentence(house: House) -> None:
    with pytest.raises(errors.InvalidRequest, match="AMBROTYPE_ABSENT_API_KEY"):
        await house.generate(provider="absent")
    with pytest.raises(errors.InvalidRequest, match="scripted"):
        await house.generate(provider="nobody")
    with pytest.raises(errors.InvalidRequest, match="audio"):
        await house.generate(kind="audio")


async def test_a_job_from_elsewhere_is_kept_by_its_name(house: House, provider: scripted.Server) -> None:
    provider.jobs["job-x"] = {
        "id": "job-x", "status": "completed", "outputs": [{"url": provider.picture(n), "index": n} for n in (58, 59)],
    }  # fmt: skip
    wanted = verbs.Asked(
        request=request.parsed(
            request.KeepRequest, {"provider": "scripted", "request_id": "job-x", "prompt": "a hen", "wait": 30}
        )
    )
    async with house.working():
        kept = await verbs.keep(house.here, house.who, wanted)
        assert (kept.media.status, kept.media.prompt, kept.known) == ("kept", "a hen", False)
        again = await verbs.keep(house.here, house.who, wanted)
        assert (again.media.id, again.known) == (kept.media.id, True)
        assert kept.media.generation_id is not None
        done = await house.ended(kept.media.generation_id)
    assert [one.request_id for one in done.outputs] == ["job-x", "job-x"]
    assert done.status == "completed"
    person = owners.Principal(role="user", owner=owners.Owner(kind="user", subject="p"))
    for job, error in (("job-x", errors.NotFound), ("job-y", errors.Forbidden)):
        asked = request.parsed(request.KeepRequest, {"provider": "scripted", "request_id": job})
        with pytest.raises(error):
            await verbs.keep(house.here, person, verbs.Asked(request=asked))


async def test_warned_at_half_and_at_four_fifths_of_its_life_each_once(
    house: House, provider: scripted.Server, admin: str
) -> None:
    provider.template = {"status": "completed", "outputs": [{"url": provider.picture(60)}]}
    made = await house.generate(keep="manual")
    async with house.working():
        (output,) = (await house.ended(made.id)).outputs
    data = house.here.app.data
    told = [await risk.warn(data)]
    # As if its life had begun so many minutes ago and were an hour long.
    await house.sql("update ambrotype.media set source_expires_at = now() + interval '25 minutes' returning 1 as n")
    with psycopg.connect(admin, autocommit=True) as connection:
        for minutes in (35, 35, 58, 58):
            connection.execute(
                "insert into ambrotype.at_risk (media_id, expires_at, began_at, stage)"
                " select id, source_expires_at, now() - make_interval(mins => %(age)s), 0 from ambrotype.media"
                " on conflict (media_id) do update set began_at = excluded.began_at - interval '1 hour' * %(later)s",
                {"age": minutes, "later": int(minutes == 58)},
            )
            told.append(await risk.warn(data))
    assert told == [0, 1, 0, 1, 0]
    events = await house.sql(
        "select data from ambrotype.event where media_id = %(id)s and type = 'media.at_risk' order by id", id=output.id
    )
    assert [row["data"]["stage"] for row in events] == [50, 80]
