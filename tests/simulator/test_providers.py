"""What all providers' protocols share: plans decide, the book counts, webhooks come as planned, keys are checked."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from ambrotype.core import errors
from ambrotype.simulator import server
from ambrotype.simulator.providers import book, plan
from tests.simulator import wire

FAL = {"Authorization": f"Key {book.KEY}"}
BEARER = {"Authorization": f"Bearer {book.KEY}"}
QUICK = "run=0,asset=image/16x16/{seed}.png"


class Caller:
    """Calls the simulator as a provider's customer would."""

    def __init__(self, sim: server.Simulator, client: aiohttp.ClientSession) -> None:
        self.sim, self.client = sim, client

    async def __call__(self, method: str, path: str, document: Any = None, **headers: str) -> tuple[int, Any]:
        url = path if path.startswith("http") else self.sim.url + path
        key = FAL if "/fal/" in url else BEARER
        async with self.client.request(method, url, json=document, headers={**key, **headers}) as response:
            body = await response.read()
            return response.status, json.loads(body) if "json" in response.content_type else body

    async def fal(self, options: str = "", hook: str = "", **body: Any) -> dict[str, Any]:
        """Submits."""
        query = f"?fal_webhook={hook}" if hook else ""
        status, told = await self("POST", f"/fal/fal-ai/flux/dev{query}", {"prompt": "a", "simulate": options, **body})
        assert status == 200, told
        return dict(told)


@pytest.fixture
def call(sim: server.Simulator, client: aiohttp.ClientSession) -> Caller:
    return Caller(sim, client)


class Ear:
    """Receives webhooks; `answers` are the statuses that it gives, the last one for ever."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers = [200]
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    hearing, app = Ear(), web.Application()
    app.router.add_post("/hook", hearing.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hearing.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hearing
    await runner.cleanup()


# Plans


def test_a_plan_is_read_from_words() -> None:
    options = plan.parse("queue=1, run=2,blocked,webhook=forged+duplicate,remint=no,poll=429")
    made = plan.make(options)
    assert (made.queue, made.run, made.outcome, made.remint, made.poll) == (1, 2, "blocked", False, 429)
    assert made.webhook == ("forged", "normal", "normal")
    assert plan.make(plan.parse("delay=4")) == plan.Plan(queue=1, run=3)
    assert plan.make(plan.parse("webhook=lost")).webhook == ()
    assert plan.make(plan.parse("webhook=early")) == plan.Plan(early=True)


@pytest.mark.parametrize(
    "wrong", ["melt", "run=fast", "run=-1", "outcome=good", "webhook=loud", "poll=often", "submit=often", "away=200"]
)
def test_a_wrong_plan_is_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        plan.parse(wrong)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/fal/fal-ai/flux/dev", {"prompt": "a"}),
        ("/openai/v1/images/generations", {"prompt": "a"}),
        ("/openai/v1/videos", {"prompt": "a"}),
        ("/wavespeed/api/v3/wavespeed-ai/flux-dev", {"prompt": "a"}),
        ("/ark/api/v3/contents/generations/tasks", {"model": "m", "content": [{"type": "text", "text": "a"}]}),
        ("/ark/api/v3/images/generations", {"model": "m", "prompt": "a"}),
        ("/replicate/v1/models/a/b/predictions", {"input": {"prompt": "a"}}),
    ],
)
class TestEveryProvider:
    async def test_refuses_a_wrong_key_and_a_wrong_body(self, call: Caller, path: str, body: dict[str, Any]) -> None:
        for key in ("Bearer wrong", "Key wrong", "Basic eDp5", "", book.KEY):
            status, told = await call("POST", path, body, Authorization=key)
            assert (status, type(told)) == (401, dict)
        assert (await call("POST", path, {**body, "simulate": "melt"}))[0] in (400, 422)
        assert (await call("POST", path, [1]))[0] in (400, 422)
        for wrong in (
            {"num_images": "x"},
            {"n": "x"},
            {"seconds": "x"},
            {"duration": []},
            {"input": {"num_outputs": -1}},
        ):
            assert (await call("POST", path, {**body, **wrong, "simulate": QUICK}))[0] < 500
        for listed in ("openai/v1/videos", "ark/api/v3/contents/generations/tasks", "replicate/v1/predictions"):
            assert (await call("GET", f"/{listed}"))[0] == 200

    async def test_refuses_a_submission_as_planned_and_takes_the_next(
        self, call: Caller, path: str, body: dict[str, Any]
    ) -> None:
        for planned in (429, 500, 503):
            asked = {**body, "simulate": f"submit={planned},{QUICK}", "seed": planned}
            if "input" in body:
                asked["input"] = {**body["input"], "seed": planned}
            assert (await call("POST", path, asked))[0] == planned
            assert (await call("POST", path, asked))[0] in (200, 201)
        assert [one.answered for one in call.sim.book.submissions] == [429, 200, 500, 200, 503, 200]
        assert [job["submitted"] for job in call.sim.book.report()] == [1, 1, 1]

    async def test_takes_a_job_and_loses_the_answer(self, call: Caller, path: str, body: dict[str, Any]) -> None:
        asked = {**body, "simulate": f"submit=lost,{QUICK}"}
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await call("POST", path, asked)
        assert (await call("POST", path, asked))[0] in (200, 201)
        assert [job["submitted"] for job in call.sim.book.report()] == [2, 2]
        assert [one.answered for one in call.sim.book.submissions] == [0, 200]

    async def test_goes_away_and_comes_back(self, call: Caller, path: str, body: dict[str, Any]) -> None:
        name = path.split("/")[1]
        for away, expected in ((410, 410), (404, 404), (0, 200)):
            assert (await call("POST", f"/_sim/providers/{name}", {"away": away}))[0] == 200
            status, _ = await call("POST", path, {**body, "simulate": QUICK})
            assert (200 if status == 201 else status) == expected


async def test_defaults_apply_to_jobs_to_come(call: Caller) -> None:
    await call("POST", "/_sim/plans", {"plan": "failed,run=0", "provider": "fal", "times": 1})
    await call("POST", "/_sim/plans", {"plan": {"run": 0}})
    first, second = await call.fal(), await call.fal()
    assert "error" in (await call("GET", first["status_url"]))[1]
    assert "error" not in (await call("GET", second["status_url"]))[1]
    assert len((await call("GET", "/_sim/plans"))[1]["plans"]) == 1
    await call("DELETE", "/_sim/plans")
    assert (await call("GET", (await call.fal())["status_url"]))[1]["status"] == "IN_PROGRESS"
    for wrong in ({}, {"plan": "melt"}, {"plan": "run=0", "provider": "none"}, {"plan": "run=0", "until": 1}):
        assert (await call("POST", "/_sim/plans", wrong))[0] == 400


async def test_a_header_goes_over_the_field(call: Caller) -> None:
    _, told = await call("POST", "/fal/a/b", {"simulate": "failed,run=0"}, **{"X-Simulate": "success"})
    assert (await call("GET", told["response_url"]))[0] == 200


# Time, polls, counting


async def test_a_job_moves_with_the_clock(call: Caller) -> None:
    job = await call.fal("queue=10,run=10")
    seen = []
    for _ in range(3):
        status, told = await call("GET", f"{job['status_url']}?logs=1")
        seen.append((status, told["status"], told.get("queue_position")))
        assert (await call("GET", job["response_url"]))[0] == (200 if told["status"] == "COMPLETED" else 400)
        call.sim.travel(11)
    assert seen == [(202, "IN_QUEUE", 9), (202, "IN_PROGRESS", None), (200, "COMPLETED", None)]


async def test_polls_are_counted_with_their_pace(call: Caller, clock: Any) -> None:
    job = await call.fal("run=100,tag=mine")
    for pause in (5, 1, 6):
        await call("GET", job["status_url"])
        clock.at += pause
    await call("GET", job["status_url"])
    _, told = await call("GET", "/_sim/jobs?tag=mine&pace=5")
    (mine,) = told["jobs"]
    assert (len(mine["polls"]), mine["shortest_gap"], mine["early"]) == (4, 1, 1)
    assert (await call("GET", f"/_sim/jobs/{mine['id']}?pace=7"))[1]["early"] == 3
    assert (await call("GET", "/_sim/jobs?tag=other"))[1] == {"jobs": []}
    assert (await call("GET", "/_sim/jobs/none"))[0] == 400
    await call("DELETE", "/_sim/jobs")
    assert (await call("GET", job["status_url"]))[0] == 404


async def test_hasty_polls_are_refused_where_planned(call: Caller, clock: Any) -> None:
    job = await call.fal("run=100,pace=5")
    statuses = []
    for pause in (4, 5, 5):
        statuses.append((await call("GET", job["status_url"]))[0])
        clock.at += pause
    assert statuses == [202, 429, 202]


async def test_polls_fail_as_planned(call: Caller) -> None:
    job = await call.fal("run=0,poll=500,polls=2")
    assert [(await call("GET", job["status_url"]))[0] for _ in range(3)] == [500, 500, 200]
    (told,) = call.sim.book.report()
    assert told["refused"] == 2


async def test_a_refusal_says_when_to_come_again_where_planned(call: Caller) -> None:
    for options, expected in (("submit=429,retry_after=7", "7"), ("submit=503", None)):
        body = {"prompt": "a", "simulate": options}
        async with call.client.post(f"{call.sim.url}/fal/a/b", json=body, headers=FAL) as response:
            assert response.headers.get("Retry-After") == expected


async def test_a_form_that_cannot_be_read_is_refused(call: Caller) -> None:
    headers = {**BEARER, "Content-Type": "multipart/form-data; boundary=x"}
    for path in ("/openai/v1/videos", "/openai/v1/images/edits", "/replicate/v1/files"):
        async with call.client.post(call.sim.url + path, data=b"--y\r\nnothing", headers=headers) as response:
            assert response.status in (400, 422)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_provider_may_forget_a_job(call: Caller, status: int) -> None:
    job = await call.fal(f"away={status}")
    assert (await call("GET", job["status_url"]))[0] == status
    assert (await call("GET", job["response_url"]))[0] == status


async def test_the_status_is_streamed(call: Caller, sim: server.Simulator) -> None:
    job = await call.fal("queue=10,run=10")
    states = []
    async with call.client.get(f"{job['status_url']}/stream", headers=FAL) as response:
        async for line in response.content:
            if line.startswith(b"data: "):
                states.append(json.loads(line[6:])["status"])
                sim.travel(11)
    assert states == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


async def test_outputs_have_the_plans_asset_and_fault(call: Caller) -> None:
    job = await call.fal("run=0,asset=image/64x64/{seed}.png,fault=status:code=503:times=1,outputs=2", seed=40)
    _, told = await call("GET", job["response_url"])
    first, second = (image["url"] for image in told["images"])
    assert second.endswith("/image/64x64/41.png")
    assert [(await call("GET", first))[0] for _ in range(2)] == [503, 200]


async def test_an_output_dies_and_a_poll_gives_a_fresh_one_where_planned(call: Caller) -> None:
    for options, fresh in (("run=0,ttl=60", 410), ("run=0,ttl=60,remint=yes", 200), ("run=0,life=60,remint=yes", 410)):
        job = await call.fal(options)
        _, told = await call("GET", job["response_url"])
        assert (await call("GET", told["images"][0]["url"]))[0] == 200
        call.sim.travel(61)
        assert (await call("GET", told["images"][0]["url"]))[0] == 410
        _, told = await call("GET", job["response_url"])
        assert (await call("GET", told["images"][0]["url"]))[0] == fresh


# Webhooks


async def heard(ear: Ear, count: int) -> list[tuple[dict[str, str], bytes]]:
    await wire.until(lambda: len(ear.heard) >= count)
    return ear.heard


async def test_a_webhook_comes_when_the_job_ends_or_is_cancelled(call: Caller, ear: Ear) -> None:
    first, second = await call.fal("run=100", ear.url), await call.fal("run=1000", ear.url)
    call.sim.travel(101)
    await heard(ear, 1)
    assert (await call("PUT", second["cancel_url"]))[0] == 202
    told = [json.loads(body) for _, body in await heard(ear, 2)]
    assert [(one["request_id"], one["status"]) for one in told] == [
        (first["request_id"], "OK"),
        (second["request_id"], "ERROR"),
    ]
    call.sim.travel(1000)
    await asyncio.sleep(0.05)
    assert len(ear.heard) == 2


async def test_deliveries_come_as_planned(call: Caller, ear: Ear) -> None:
    job = await call.fal("run=0,webhook=unsigned+forged+old+duplicate", ear.url)
    headers = [{name.lower(): value for name, value in one.items()} for one, _ in await heard(ear, 5)]
    signatures = [one.get("x-fal-webhook-signature") for one in headers]
    assert signatures[0] is None
    assert len(set(signatures)) == 4
    stamps = [int(one["x-fal-webhook-timestamp"]) for one in headers[1:]]
    assert [stamp - stamps[0] for stamp in stamps] == [0, -900, 0, 0]
    assert {body for _, body in ear.heard} == {ear.heard[0][1]}
    await wire.until(lambda: len(call.sim.book.report()[0]["deliveries"]) == 5)
    kinds = [one["kind"] for one in call.sim.book.report()[0]["deliveries"]]
    assert kinds == ["unsigned", "forged", "old", "normal", "normal"]
    _, told = await call("POST", f"/_sim/jobs/{job['request_id']}/webhook", {"webhook": "forged+normal"})
    assert [one["status"] for one in told["deliveries"]] == [200, 200]
    assert len(ear.heard) == 7


async def test_a_lost_webhook_never_comes(call: Caller, ear: Ear) -> None:
    await call.fal("run=0,webhook=lost", ear.url)
    await call.fal("run=0", ear.url)
    await heard(ear, 1)
    call.sim.travel(10)
    await asyncio.sleep(0.05)
    assert len(ear.heard) == 1


async def test_an_early_webhook_is_heard_before_the_answer(call: Caller, ear: Ear) -> None:
    job = await call.fal("webhook=early", ear.url)
    assert [json.loads(body)["request_id"] for _, body in ear.heard] == [job["request_id"]]
    assert (await call("GET", job["status_url"]))[1]["status"] == "COMPLETED"
    await asyncio.sleep(0.05)
    assert len(ear.heard) == 1


async def test_a_failing_receiver_is_tried_again(call: Caller, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ambrotype.simulator.providers.courier.PAUSE", 0.01)
    ear.answers = [500, 503, 200]
    await call.fal("run=0", ear.url)
    assert len(await heard(ear, 3)) == 3
    await wire.until(lambda: [one["status"] for one in call.sim.book.report()[0]["deliveries"]] == [500, 503, 200])
    ear.answers = [500]
    await call.fal("run=0", ear.url)
    await heard(ear, 8)


async def test_endpoints_of_an_account_are_set_from_outside(call: Caller, ear: Ear) -> None:
    given = {"webhook_urls": [ear.url], "webhook_secret": "whsec_c2VjcmV0", "keys": ["one", book.KEY]}
    _, told = await call("POST", "/_sim/providers/openai", given)
    assert {name: told[name] for name in given} == given
    _, video = await call("POST", "/openai/v1/videos", {"prompt": "a", "simulate": "run=0"})
    ((headers, body),) = await heard(ear, 1)
    assert json.loads(body)["data"] == {"id": video["id"]}
    assert headers["webhook-signature"].startswith("v1,")
    for wrong in ({"key": "x"}, {"away": "x"}):
        assert (await call("POST", "/_sim/providers/openai", wrong))[0] == 400
    assert (await call("POST", "/_sim/providers/fal", {"webhook_secret": "x"}))[0] == 400
    assert (await call("POST", "/_sim/providers/none", {}))[0] == 400


async def test_every_provider_is_listed_with_its_base_url(call: Caller) -> None:
    _, told = await call("GET", "/_sim/providers")
    assert sorted(told) == ["ark", "fal", "openai", "replicate", "wavespeed"]
    for name, about in told.items():
        assert about["base_url"].startswith(f"{call.sim.url}/{name}")
        assert about["keys"] == [book.KEY]
    _, root = await call("GET", "/.well-known/jwks.json")
    assert root["keys"][0]["x"] == told["fal"]["webhook_secret"]


async def test_a_wavespeed_task_is_deleted(call: Caller) -> None:
    path = "/wavespeed/api/v3/predictions"
    _, told = await call("POST", "/wavespeed/api/v3/a/b", {"prompt": "a", "simulate": "run=100"})
    job = told["data"]["id"]
    assert (await call("DELETE", f"{path}/{job}"))[1]["data"] == {"id": job, "status": "deleted"}
    assert (await call("GET", f"{path}/{job}"))[1]["data"]["status"] == "cancelled"
    await call("DELETE", f"{path}/{job}")
    assert (await call("GET", f"{path}/{job}"))[0] == 404


async def test_video_content_serves_ranges_and_may_be_a_url(call: Caller) -> None:
    _, video = await call("POST", "/openai/v1/videos", {"prompt": "a", "simulate": "run=0"})
    url = f"{call.sim.url}/openai/v1/videos/{video['id']}/content"
    async with call.client.get(url, headers={**BEARER, "Range": "bytes=4-7"}) as response:
        assert (response.status, await response.read()) == (206, b"ftyp")
    _, other = await call("POST", "/openai/v1/videos", {"prompt": "a", "simulate": "run=0,shape=url"})
    _, told = await call("GET", f"/openai/v1/videos/{other['id']}/content")
    status, body = await call("GET", told["video_url"])
    assert (status, body[4:8]) == (200, b"ftyp")


async def test_an_upload_is_fetched_by_its_url_alone(call: Caller) -> None:
    _, told = await call(
        "POST", "/wavespeed/api/v3/media/uploads", {"filename": "a b.png", "content_type": "image/png"}
    )
    place, url = told["data"]["upload"]["url"], told["data"]["download_url"]
    async with call.client.get(url) as response:
        assert response.status == 404
    async with call.client.put(place, data=b"bytes") as response:
        assert response.status == 200
    async with call.client.get(url) as response:
        assert (response.content_type, await response.read()) == ("image/png", b"bytes")
    async with call.client.put(f"{call.sim.url}/uploads/none/x", data=b"") as response:
        assert response.status == 404
