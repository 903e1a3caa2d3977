"""Generations: what providers are asked for."""

import asyncio
import builtins
import urllib.parse
import uuid
from typing import Any, Unpack

import pydantic

from ambrotype import fields as fields_
from ambrotype import paging
from ambrotype.client import asking, http
from ambrotype.client.asynchronous import answers, base
from ambrotype.core import generation as nouns

FIRST_LOOK, LAST_LOOK = 0.2, 2.0
"""Seconds between two looks at a generation, at first and at last."""

_GENERATION = pydantic.TypeAdapter(nouns.Generation)
_PROVIDERS = pydantic.TypeAdapter(list[nouns.Provider])
_CHECK = pydantic.TypeAdapter(nouns.ProviderCheck)


class Generations(base.Base):
    """Generations: what providers are asked for."""

    async def generate(
        self, provider: str, model: str, prompt: str | None = None, **fields: Unpack[fields_.GenerationFields]
    ) -> nouns.Generation:
        """Has a provider make something, and keeps what comes out unless `keep` is "manual". Answers at once; see `generated`.

        `settings` are the model's own parameters, `inputs` what it works on. Waits for nothing: the job is submitted by a worker.
        """
        given: dict[str, Any] = {"provider": provider, "model": model, "prompt": prompt, **fields}
        body = asking.body_of({name: value for name, value in given.items() if value is not None})
        # The same key for each try: a job is never asked for twice.
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        call = http.Call(method="POST", path="/v1/generations", body=body, headers=headers)
        return answers.read(_GENERATION, await self._http.send(call))

    async def generation(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """One generation: how it stands, what came out. `errors.NotFound` where it is not the owner's."""
        return await self._generation("GET", generation_id)

    def generations(
        self, *, limit: int | None = None, **filters: Unpack[fields_.GenerationFilters]
    ) -> paging.Listed[nouns.Generation]:
        """The owner's generations, newest first."""
        query = tuple(
            (name, str(one)) for name, value in filters.items() if value is not None for one in fields_.several(value)
        )
        return self._listed(_GENERATION, "/v1/generations", query, limit=limit)

    async def generated(self, generation_id: uuid.UUID | str, *, timeout: float | None = None) -> nouns.Generation:
        """The generation once it has ended and its outputs have settled. `TimeoutError` after `timeout` seconds."""
        pause = FIRST_LOOK
        try:
            async with asyncio.timeout(timeout):
                while True:
                    found = await self.generation(generation_id)
                    if found.ended and all(one.settled for one in found.outputs):
                        return found
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, LAST_LOOK)
        except TimeoutError:
            raise TimeoutError(f"Not ended after {timeout} seconds; it goes on at the server.") from None

    async def cancel(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """Asks for a job to be stopped. Where the provider can't any more it goes on, and what comes out is kept as usual."""
        return await self._generation("POST", generation_id, "/cancel")

    async def keep_outputs(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """Saves a generation's outputs: those that are there, and those to come."""
        return await self._generation("POST", generation_id, "/keep")

    async def providers(self) -> builtins.list[nouns.Provider]:
        """Which providers there are, those that are set up first."""
        found = answers.document(await self._http.send(http.Call(method="GET", path="/v1/providers")))
        return answers.read(_PROVIDERS, found["items"])

    async def check_provider(self, name: str) -> nouns.ProviderCheck:
        """Whether a provider answers and takes the key; costs nothing."""
        path = f"/v1/providers/{urllib.parse.quote(name, safe='')}/check"
        return answers.read(_CHECK, await self._http.send(http.Call(method="POST", path=path)))

    async def _generation(self, method: str, generation_id: uuid.UUID | str, what: str = "") -> nouns.Generation:
        path = f"/v1/generations/{answers.identified(generation_id, 'generation')}{what}"
        return answers.read(_GENERATION, await self._http.send(http.Call(method=method, path=path)))
