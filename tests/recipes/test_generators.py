"""Each generator's own way of telling prompt, model and settings is understood, alone and beside others."""

import json

import pytest

from ambrotype.core import recipes
from tests.recipes import containers, samples
from tests.recipes.samples import AGAINST, PROMPT


def found(*texts: tuple[str, str, str]) -> recipes.Recipe:
    recipe = recipes.read([recipes.Text(where=where, key=key, text=text) for where, key, text in texts])
    assert recipe is not None
    return recipe


def png(**texts: object) -> recipes.Recipe:
    written = {key: text if isinstance(text, str) else json.dumps(text) for key, text in texts.items()}
    return found(*(("png", key.replace("_0", " "), text) for key, text in written.items()))


COMMON = {"steps": 20, "cfg": 7.5, "seed": 123, "width": 512, "height": 768}


@pytest.mark.parametrize(
    ("recipe", "generator", "model", "settings"),
    [
        (lambda: png(parameters=samples.A1111), "A1111", "foxModel", COMMON | {
            "sampler": "Euler a", "scheduler": "Karras", "vae": "fox, vae.pt", "denoise": 0.4, "clip_skip": 2,
            "model_hash": "abc123", "hashes": ["model: abc123", "vae: 1:2, 3"],
            "loras": ["foxes"], "version": "v1.10.0"}),
        (lambda: found(("exif", "UserComment", samples.A1111)), "A1111", "foxModel", COMMON),
        (lambda: png(invokeai_metadata=samples.INVOKEAI), "InvokeAI", "fox", COMMON | {
            "scheduler": "euler_a", "model_hash": "blake3:abc", "loras": ["foxes"], "mode": "txt2img"}),
        (lambda: found(("png", "sd-metadata", json.dumps(samples.INVOKEAI_OLDER))), "InvokeAI", "fox-1.5", COMMON),
        (lambda: png(Dream=samples.INVOKEAI_OLDEST), "InvokeAI", None, COMMON | {"sampler": "k_euler_a"}),
        (lambda: png(**samples.NOVELAI), "NovelAI", "Stable Diffusion XL C1E1DE52", COMMON | {"noise": 0.2}),
        (lambda: found(("stealth", "stealth", json.dumps(samples.NOVELAI))), "NovelAI",
            "Stable Diffusion XL C1E1DE52", COMMON),
        (lambda: png(parameters=samples.FOOOCUS, fooocus_scheme="fooocus"), "Fooocus", "juggernaut", COMMON | {
            "model_hash": "abc", "loras": ["foxes"], "scheduler": "karras"}),
        (lambda: found(("jpeg", "comment", json.dumps(samples.FOOOCUS))), "Fooocus", "juggernaut", COMMON),
        (lambda: png(parameters=samples.SWARMUI), "SwarmUI", "fox", COMMON | {"version": "0.9"}),
        (lambda: found(("exif", "Model", json.dumps(samples.SWARMUI))), "SwarmUI", "fox", COMMON),
        (lambda: png(**samples.EASY_DIFFUSION), "Easy Diffusion", "fox", COMMON | {"sampler": "euler_a"}),
        (lambda: found(("exif", "UserComment", json.dumps(samples.EASY_DIFFUSION))), "Easy Diffusion", "fox", COMMON),
        (lambda: found(("xmp", "packet", containers.xmp(
            f"<exif:UserComment><rdf:Alt><rdf:li xml:lang='x-default'>{json.dumps(samples.DRAW_THINGS)}</rdf:li>"
            "</rdf:Alt></exif:UserComment>"))), "Draw Things", "fox.ckpt", COMMON),
        (lambda: png(Description=samples.MIDJOURNEY), "Midjourney", "midjourney 6.1", {
            "seed": 123, "aspect": "2:3", "job_id": "01234567-89ab-cdef-0123-456789abcdef"}),
    ],
)  # fmt: skip
def test_each_generator_is_understood(recipe, generator, model, settings):  # type: ignore[no-untyped-def]
    made = recipe()
    assert (made.generator, made.model) == (generator, model)
    assert made.prompt.startswith(PROMPT)
    assert made.negative_prompt == AGAINST
    assert made.settings.items() >= settings.items()


COMFY = {
    "steps": 25,
    "cfg": 6.5,
    "seed": 123,
    "width": 512,
    "height": 768,
    "sampler": "dpmpp_2m",
    "scheduler": "karras",
}


@pytest.mark.parametrize(
    "texts",
    [
        [("png", "prompt", json.dumps(samples.COMFY_GRAPH)), ("png", "workflow", json.dumps(samples.COMFY_WORKFLOW))],
        [("exif", "Model", "prompt:" + json.dumps(samples.COMFY_GRAPH))],
        [("tag", "PROMPT", json.dumps(samples.COMFY_GRAPH))],
        [("tag", "comment", json.dumps(
            {"prompt": json.dumps(samples.COMFY_GRAPH), "workflow": samples.COMFY_WORKFLOW}))],
        [("svg", "metadata", json.dumps({"prompt": samples.COMFY_GRAPH}))],
    ],
)  # fmt: skip
def test_comfyuis_graph_is_walked_back_from_what_saved_it(texts: list[tuple[str, str, str]]) -> None:
    made = found(*texts)
    assert (made.generator, made.prompt, made.negative_prompt) == ("ComfyUI", PROMPT, AGAINST)
    assert made.model == "fox.safetensors"
    assert made.inputs == ("sketch.png",)
    assert made.settings.items() >= (COMFY | {"denoise": 0.75, "loras": ["foxes.safetensors"]}).items()


def test_comfyuis_newer_samplers_keep_their_values_in_other_nodes() -> None:
    made = png(prompt=samples.FLUX_GRAPH)
    assert (made.prompt, made.negative_prompt, made.model) == (PROMPT, None, "flux-fox.safetensors")
    assert made.settings.items() >= {"seed": 123, "sampler": "euler", "scheduler": "simple", "guidance": 3.5}.items()


def test_a_workflow_alone_tells_what_its_widgets_tell() -> None:
    made = png(workflow=samples.COMFY_WORKFLOW)
    assert (made.prompt, made.negative_prompt, made.model) == (PROMPT, AGAINST, "fox.safetensors")
    assert made.settings["steps"] == 25
    assert made.inputs == ("sketch.png",)


def test_of_two_recipes_in_one_file_the_graph_knows_more() -> None:
    broken = {"1": {"class_type": "SomebodysOwnNode", "inputs": {"anything": 1}}}
    made = png(prompt=broken, parameters=samples.A1111)
    assert (made.generator, made.model) == ("ComfyUI", "foxModel")
    assert made.prompt is not None
    assert made.prompt.startswith(PROMPT)


def test_the_upscaler_behind_the_first_sampler_is_the_one_that_counts() -> None:
    graph = json.loads(json.dumps(samples.COMFY_GRAPH))
    graph["20"] = {"class_type": "KSampler", "inputs": {**graph["3"]["inputs"], "steps": 8, "latent_image": ["3", 0]}}
    graph["8"]["inputs"]["samples"] = ["20", 0]
    assert png(prompt=graph).settings["steps"] == 8


def test_json_with_nan_is_read() -> None:
    graph = json.dumps(samples.COMFY_GRAPH).replace('"denoise": 0.75', '"denoise": NaN, "is_changed": [NaN]')
    made = png(prompt=graph)
    assert made.prompt == PROMPT
    assert "denoise" not in made.settings


def test_a_last_line_with_few_pairs_belongs_to_the_prompt() -> None:
    assert png(parameters="a fox: red, in the snow").prompt == "a fox: red, in the snow"
    assert recipes.read([recipes.Text(where="jpeg", key="comment", text="Camera: old, lens: broken")]) is None


def test_a_prompt_that_is_no_json_is_not_comfyuis() -> None:
    assert recipes.read([recipes.Text(where="png", key="prompt", text="a fox")]) is None


def test_iptcs_own_properties_make_a_recipe() -> None:
    packet = containers.xmp(
        f"<Iptc4xmpExt:AIPromptInformation>{PROMPT}</Iptc4xmpExt:AIPromptInformation>",
        'Iptc4xmpExt:AISystemUsed="Fox Maker" Iptc4xmpExt:AISystemVersionUsed="2"',
    )
    made = found(("xmp", "packet", packet))
    assert (made.generator, made.prompt, made.settings) == ("Fox Maker", PROMPT, {"version": "2"})
