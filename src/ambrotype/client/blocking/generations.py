"""Generations: what providers are asked for."""

import builtins
import uuid
from collections.abc import Iterator
from typing import Unpack

from ambrotype import fields as fields_
from ambrotype.client.blocking import base
from ambrotype.core import generation as nouns


class Generations(base.Base):
    """Generations: what providers are asked for."""

    def generate(
        self, provider: str, model: str, prompt: str | None = None, **fields: Unpack[fields_.GenerationFields]
    ) -> nouns.Generation:
        """Has a provider make something, and keeps what comes out unless `keep` is "manual". Answers at once; see `generated`.

        `settings` are the model's own parameters, `inputs` what it works on. Waits for nothing: the job is submitted by a worker.
        """
        return self._background.run(self._client.generate(provider, model, prompt, **fields))

    def generation(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """One generation: how it stands, what came out. `errors.NotFound` where it is not the owner's."""
        return self._background.run(self._client.generation(generation_id))

    def generations(
        self, *, limit: int | None = None, **filters: Unpack[fields_.GenerationFilters]
    ) -> Iterator[nouns.Generation]:
        """The owner's generations, newest first."""
        return self._each(self._client.generations(limit=limit, **filters))

    def generated(self, generation_id: uuid.UUID | str, *, timeout: float | None = None) -> nouns.Generation:
        """The generation once it has ended and its outputs have settled. `TimeoutError` after `timeout` seconds."""
        return self._background.run(self._client.generated(generation_id, timeout=timeout))

    def cancel(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """Asks for a job to be stopped. Where the provider can't any more it goes on, and what comes out is kept as usual."""
        return self._background.run(self._client.cancel(generation_id))

    def keep_outputs(self, generation_id: uuid.UUID | str) -> nouns.Generation:
        """Saves a generation's outputs: those that are there, and those to come."""
        return self._background.run(self._client.keep_outputs(generation_id))

    def providers(self) -> builtins.list[nouns.Provider]:
        """Which providers there are, those that are set up first."""
        return self._background.run(self._client.providers())

    def check_provider(self, name: str) -> nouns.ProviderCheck:
        """Whether a provider answers and takes the key; costs nothing."""
        return self._background.run(self._client.check_provider(name))
