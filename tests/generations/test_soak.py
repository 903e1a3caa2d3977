"""A thousand generations in flight on one worker: what following them costs, and that none is asked for too often."""

import asyncio
import json
import signal
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ambrotype import app as app_
from ambrotype import generating, providers, tasks
from ambrotype.capture import request
from ambrotype.generations import asked
from ambrotype.providers import contract
from tests.generations import house as houses

N = 1000
RUN = 60
WINDOW = 20.0
PACE = 5.0


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_a_thousand_in_flight(admin: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SIMULATOR, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        plan = f"run={RUN},webhook=lost,pace={PACE - 0.05},asset=image/64x64/{{seed}}.png"
        await asyncio.to_thread(_call, f"{url}/_sim/plans", {"plan": plan})
        adapter = providers.make("replicate", contract.Config(api_key="sim-key", base_url=f"{url}/replicate/v1"))
        async with houses.opened(admin, tmp_path / "data", adapter) as house:
            task = asyncio.create_task(app_.work(house.here.app, asyncio.Event()))
            wanted = request.parsed(
                asked.GenerationRequest, {"provider": "replicate", "model": "a/b", "settings": {"num_outputs": 1}}
            )
            for _ in range(N // 20):
                await asyncio.gather(*(generating.generate(house.here, house.who, wanted) for _ in range(20)))
            await houses.until(lambda: _all(house, "provider_job_id is not null"))
            began, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(WINDOW)
            took, used = time.monotonic() - began, time.process_time() - cpu
            async with asyncio.timeout(600):
                while not await _all(house, "status = 'completed'"):
                    await asyncio.sleep(1)
                while await house.sql("select id from ambrotype.media where status = 'keeping' limit 1"):
                    await asyncio.sleep(1)
            await tasks.ended(task)
            kept = await house.sql("select status, count(*) as n from ambrotype.media group by status")
        jobs = (await asyncio.to_thread(_call, f"{url}/_sim/jobs?pace={PACE}"))["jobs"]
        polls = sum(len(job["polls"]) for job in jobs)
        gaps = min(job["shortest_gap"] for job in jobs if job["shortest_gap"] is not None)
        print(f"\n{N} in flight: {100 * used / took:.0f} % of a core; {polls} polls, shortest gap {gaps:.2f} s")
        assert kept == [{"status": "kept", "n": N}]
        assert sum(job["early"] for job in jobs) == 0
        assert {job["submitted"] for job in jobs} == {N}, "as many jobs of this content as were asked for"
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


_SIMULATOR = """
import asyncio
from ambrotype.simulator import server
async def main():
    async with server.running() as simulator:
        print(simulator.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def _all(house: houses.House, condition: str) -> bool:
    (row,) = await house.sql(f"select count(*) as n from ambrotype.generation where {condition}")
    return bool(row["n"] == N)


def _call(url: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    asked_ = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(asked_, timeout=60) as answer:
        return json.load(answer)
