"""Recipes and suggested tags over HTTP, to their owner alone."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

import ambrotype
from ambrotype.core import errors
from tests.recipes import containers, samples
from tests.support.server import Server, server

__all__ = ["server"]


@pytest.fixture
async def client(server: Server) -> AsyncIterator[ambrotype.AsyncClient]:
    async with ambrotype.AsyncClient(server.url, key=server.key, owner=f"user:{uuid.uuid4()}") as made:
        yield made


async def test_a_recipe_is_told_and_its_tags_are_judged(client: ambrotype.AsyncClient, server: Server) -> None:
    kept = await client.keep(data=containers.png(containers.text("parameters", samples.A1111)))
    for _ in range(600):
        recipe = await client.recipe(kept.id)
        if recipe.inspection.state != "pending":
            break
        await asyncio.sleep(0.1)
    assert recipe.embedded is not None
    assert (recipe.model, recipe.embedded.generator) == ("foxModel", "A1111")
    assert recipe.suggested_tags[:2] == ["red fox", "golden hour"]
    tags = await client.judge_tags(kept.id, accept=["red fox"], refuse=["golden hour"])
    assert tags.tags == ["red fox"]
    assert not {"red fox", "golden hour"} & set(tags.suggested_tags)
    async with ambrotype.AsyncClient(server.url, key=server.key, owner="user:wolf") as other:
        with pytest.raises(errors.NotFound):
            await other.recipe(kept.id)
        with pytest.raises(errors.NotFound):
            await other.judge_tags(kept.id)
