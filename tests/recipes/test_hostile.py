"""Whatever a text holds, reading it neither raises nor makes what PostgreSQL or JSON would refuse."""

import dataclasses
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambrotype.core import keywords, provenance, recipes
from ambrotype.core.recipes import xmp
from tests.recipes import containers, samples

KEYS = (
    "parameters", "prompt", "workflow", "comment", "usercomment", "invokeai_metadata", "sd-metadata",
    "dream", "software",
    "description", "source", "model", "metadata", "packet", "stealth", "exif:usercomment", "negative_prompt", "seed",
)  # fmt: skip
PLACES = ("png", "exif", "xmp", "jpeg", "tag", "stealth", "svg")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
# Names that the readers look for, with anything behind them.
LIKELY = st.dictionaries(
    st.sampled_from(
        ["prompt", "uc", "c", "image", "model", "size", "loras", "nodes", "inputs", "class_type", "sui_image_params",
         "base_model", "resolution", "seed", "steps", "v4_prompt", "positive_prompt",
         "workflow", "3", "num_inference_steps"]
    ),
    JSON | st.just(["3", 0]) | st.just({"class_type": "KSampler", "inputs": {"positive": ["3", 0], "text": ["3", 0]}}),
    max_size=8,
)  # fmt: skip
TEXTS = st.lists(
    st.builds(
        recipes.Text,
        where=st.sampled_from(PLACES),
        key=st.sampled_from(KEYS),
        text=st.text(max_size=200) | JSON.map(json.dumps) | LIKELY.map(json.dumps) | st.just(samples.A1111),
    ),
    max_size=5,
)


def storable(value: object) -> None:
    written = orjson.dumps(value)
    assert b"\\u0000" not in written
    assert b"NaN" not in written


@given(TEXTS)
def test_no_texts_make_the_readers_raise(texts: list[recipes.Text]) -> None:
    recipe = recipes.read(texts)
    if recipe is not None:
        storable(dataclasses.asdict(recipe))
    origin = provenance.of(recipes.expanded(texts), recipe, c2pa="absent", manifests=None)
    storable(dataclasses.asdict(origin))


@given(st.text(max_size=400) | st.lists(st.sampled_from(list(samples.A1111)), max_size=200).map("".join))
def test_no_plain_text_makes_the_readers_raise(text: str) -> None:
    for key in ("parameters", "Dream", "Description", "packet"):
        for where in ("png", "xmp"):
            recipes.read([recipes.Text(where=where, key=key, text=text)])


@given(JSON)
def test_no_manifest_makes_the_origin_raise(anything: Any) -> None:
    for manifests in (
        {"active_manifest": "a", "manifests": {"a": anything}},
        {"active_manifest": anything, "manifests": anything},
        {"active_manifest": "a", "manifests": {"a": {"assertions": [{"label": "c2pa.actions", "data": anything}]}}},
        {"active_manifest": "a", "manifests": {"a": {"claim_generator_info": anything, "ingredients": [anything]}}},
    ):
        storable(dataclasses.asdict(provenance.of([], None, c2pa="valid", manifests=manifests)))


@given(st.text(max_size=300))
def test_suggestions_are_few_short_and_always_the_same(text: str) -> None:
    tags = keywords.suggest(text)
    assert tags == keywords.suggest(text)
    assert len(tags) == len(set(tags)) <= keywords.MOST
    assert all(tag == tag.lower().strip() and 0 < len(tag) <= keywords.MOST_LETTERS for tag in tags)


DEEP = "[" * 100_000
BOMBS = {
    "deep": DEEP,
    "deep object": '{"prompt":' * 50_000,
    "long number": '{"seed": ' + "9" * 100_000 + "}",
    "many pairs": "a fox\n" + "Steps: 1, " * 6000,
    "quotes": "a fox\nSteps: 1, Sampler: 2, Seed: 3, " + 'k: "a, ' * 6000,
    "brackets": "a fox\nSteps: 1, Sampler: 2, Seed: 3, " + "k: [1, " * 6000,
    "colons": ":" * 500_000,
    "spaces": "a" + " " * 500_000 + "b",
    "loras": "<lora:" * 100_000,
    "letters": "a" * 1_000_000,
    "flags": " --a" * 200_000,
    "escapes": '"' + '\\"' * 300_000,
    "negatives": "Negative prompt:\n" * 50_000,
    "surrogates": '{"prompt": "\\ud800", "uc": "\\u0000"}',
    "circle": json.dumps({"1": {"class_type": "KSampler", "inputs": {"positive": ["1", 0], "seed": ["1", 0]}}}),
    "large graph": json.dumps(
        {
            str(n): {"class_type": "A Sampler", "inputs": {"a": [str(n + 1), 0], "b": [str(n // 2), 0]}}
            for n in range(9000)
        }
    ),
    "entities": '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "' + "&a;" * 1000 + '">]><x>' + "&b;" * 1000 + "</x>",
    "outside": '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x>&y;</x>',
    "tags": "<a>" * 200_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_read_to_their_end_and_hold_no_more_than_they_say(name: str) -> None:
    for key in ("parameters", "prompt", "Comment", "UserComment", "sd-metadata", "Dream", "Description"):
        for where in ("png", "xmp", "stealth"):
            recipe = recipes.read([recipes.Text(where=where, key=key, text=BOMBS[name])])
            found = dataclasses.asdict(recipe) if recipe else None
            storable(found)
            assert len(json.dumps(found, ensure_ascii=False)) <= 4 * len(BOMBS[name]) + 2000
    assert len(keywords.suggest(BOMBS[name])) <= keywords.MOST


def test_xml_entities_are_never_expanded() -> None:
    packet = containers.xmp("<dc:title>&a;</dc:title>")
    assert xmp.properties('<!DOCTYPE x [<!ENTITY a "b">]>' + packet) == []


def test_what_comes_before_the_damage_in_a_packet_is_read() -> None:
    packet = containers.xmp("<dc:title>fox</dc:title><broken", 'xmp:CreatorTool="Fox Maker"')
    assert xmp.properties(packet) == [("xmp:CreatorTool", "Fox Maker"), ("dc:title", "fox")]
