"""Generations: what providers are asked for."""

import builtins
import math
import uuid
from typing import Any, Unpack

from ambrotype import fields as fields_
from ambrotype import generating, paging
from ambrotype.capture import request
from ambrotype.core import generation as nouns
from ambrotype.generations import asked as asked_
from ambrotype.library import listing
from ambrotype.local import base


class Generations(base.Base):
    """Generations: what providers are asked for."""

    async def generate(
        self, provider: str, model: str, prompt: str | None = None, **fields: Unpack[fields_.GenerationFields]
    ) -> nouns.Generation:
        """Has a provider make something, and keeps what comes out unless `keep` is "manual". Answers at once; see `generated`.

        `settings` are the model's own parameters, `inputs` what it works on. Waits for nothing: the job is submitted by a worker.
        """
        given: dict[str, Any] = {"provider": provider, "model": model, "prompt": prompt, **fields}
        wanted = {name: value for name, value in given.items() if value is not None}
        return await generating.generate(self._here, self._who, request.parsed(asked_.GenerationRequest, wanted))

    async def generation(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """One generation: how it stands, what came out. `errors.NotFound` where it is not the owner's."""
        return await generating.get(self._here, self._who, base.identified(generation_id, "generation"))

    def generations(
        self, *, limit: int | None = None, **filters: Unpack[fields_.GenerationFilters]
    ) -> paging.Listed[nouns.Generation]:
        """The owner's generations, newest first."""
        narrowed = {
            name: [str(one) for one in fields_.several(value)] for name, value in filters.items() if value is not None
        }

        async def fetch(cursor: str | None, most: int) -> listing.Page[nouns.Generation]:
            return await generating.page(self._here, self._who, filters=narrowed, cursor=cursor, limit=most)

        return base.listed(fetch, limit=limit)

    async def generated(self, generation_id: uuid.UUID | str, *, timeout: float | None = None) -> nouns.Generation:
        """The generation once it has ended and its outputs have settled. `TimeoutError` after `timeout` seconds."""
        found_id = base.identified(generation_id, "generation")
        seconds = math.inf if timeout is None else timeout
        found = await generating.ended(self._here, self._who, found_id, seconds=seconds)
        if not (found.ended and all(one.settled for one in found.outputs)):
            raise TimeoutError(f"The generation {found_id} has not ended in time; it goes on.")
        return found

    async def cancel(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """Asks for a job to be stopped. Where the provider can't any more it goes on, and what comes out is kept as usual."""
        return await generating.cancel(self._here, self._who, base.identified(generation_id, "generation"))

    async def keep_outputs(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """Saves a generation's outputs: those that are there, and those to come."""
        return await generating.keep(self._here, self._who, base.identified(generation_id, "generation"))

    async def providers(self) -> builtins.list[nouns.Provider]:
        """Which providers there are, those that are set up first."""
        return generating.providers(self._here)

    async def check_provider(self, name: str) -> nouns.ProviderCheck:
        """Whether a provider answers and takes the key; costs nothing."""
        return await generating.check(self._here, name)
