"""ComfyUI: the graph that made the picture, walked backwards from what saved it.

`prompt` is the graph as it ran: `{node: {class_type, inputs: {name: value | [node, slot]}}}`. Nodes of third parties
can mean
anything, so this finds what the usual ones say and no more; the whole text is kept beside the recipe.
"""

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ambrotype.core.recipes import a1111, json_text, recipe
from ambrotype.core.recipes.recipe import Recipe, Text

Graph = Mapping[str, dict[str, Any]]

GENERATOR = "ComfyUI"
MOST_NODES = 20_000
NAMES = {
    "seed": "seed", "noise_seed": "seed", "steps": "steps", "cfg": "cfg", "guidance": "guidance",
    "sampler_name": "sampler",
    "scheduler": "scheduler", "denoise": "denoise", "width": "width", "height": "height", "batch_size": "batch_size",
    "vae_name": "vae",
}  # fmt: skip
MODELS = ("ckpt_name", "unet_name", "model_name", "gguf_name", "model")
TEXTS = ("text", "text_g", "text_l", "t5xxl", "clip_l", "prompt", "positive_prompt", "string", "value")
VALUES = ("value", "int", "float", "seed", "number", "string", "text")
SAVERS = ("save", "preview", "output", "videocombine", "vhs_")


def read(texts: Sequence[Text]) -> Recipe | None:
    graph, workflow = _found(texts)
    found = _walk(graph) if graph else _from_workflow(workflow) if workflow else None
    if graph is None and workflow is None:
        return None
    beside = _beside(texts)
    if beside is None:
        return found
    if found is None:
        return dataclasses.replace(beside, generator=GENERATOR)
    # A saver that also writes A1111's text was told the values; the graph knows more.
    return dataclasses.replace(
        found,
        prompt=found.prompt or beside.prompt,
        negative_prompt=found.negative_prompt or beside.negative_prompt,
        model=found.model or beside.model,
        settings=beside.settings | found.settings,
    )


def _beside(texts: Sequence[Text]) -> Recipe | None:
    plain = (one.text for one in texts if one.name == "parameters" and not one.text.lstrip().startswith("{"))
    return next((found for text in plain if (found := a1111.parse(text, generator=None)) is not None), None)


def _found(texts: Sequence[Text]) -> tuple[Graph | None, dict[str, Any] | None]:
    """The graph as it ran and as it was drawn, wherever they are: keys of their own, EXIF's `prompt:{…}`, one
    comment."""
    graph: Graph | None = None
    workflow: dict[str, Any] | None = None
    for name, text in _candidates(texts):
        found = json_text.mapping(text)
        if found is None:
            continue
        if name in ("comment", "metadata", "usercomment"):
            inner = found.get("prompt")
            inner = json_text.mapping(inner) if isinstance(inner, str) else inner
            graph = graph or _graph(inner) or _graph(found)
            drawn = found.get("workflow")
            drawn = json_text.mapping(drawn) if isinstance(drawn, str) else drawn
            found = drawn if isinstance(drawn, dict) else found
        elif name == "prompt":
            graph = graph or _graph(found)
        if workflow is None and isinstance(found.get("nodes"), list):
            workflow = found
    return graph, workflow


def _candidates(texts: Sequence[Text]) -> Iterator[tuple[str, str]]:
    for one in texts:
        name, text = one.name, one.text
        if one.where == "exif" and not text.startswith("{"):
            head, colon, rest = text.partition(":")
            if colon and rest.lstrip().startswith("{") and head.isidentifier():
                name, text = head.lower(), rest
        if name in ("prompt", "workflow", "comment", "metadata", "usercomment"):
            yield name, text


def _graph(found: object) -> Graph | None:
    if not isinstance(found, dict) or len(found) > MOST_NODES:
        return None
    nodes = {
        str(key): node
        for key, node in found.items()
        if isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
    }
    return nodes or None


def _walk(graph: Graph) -> Recipe | None:
    sampler = _sampler(graph)
    around = list(_upstream(graph, sampler)) if sampler is not None else list(graph)
    settings: dict[str, object] = {}
    for key in around:
        for name, value in graph[key]["inputs"].items():
            if name in NAMES and NAMES[name] not in settings:
                resolved = _value(graph, value)
                if isinstance(resolved, int | float | str) and not isinstance(resolved, bool):
                    settings[NAMES[name]] = resolved
    loras = [graph[key]["inputs"].get("lora_name") for key in around]
    if any(isinstance(one, str) for one in loras):
        settings["loras"] = [one for one in loras if isinstance(one, str)]
    positive, negative = _prompts(graph, sampler)
    return recipe.made(
        GENERATOR,
        prompt=positive,
        negative_prompt=negative,
        model=_model(graph, around),
        settings=settings,
        inputs=[
            node["inputs"].get("image") or node["inputs"].get("video")
            for node in graph.values()
            if node["class_type"].lower().startswith(("loadimage", "loadvideo", "vhs_loadvideo"))
        ],
    )


def _sampler(graph: Graph) -> str | None:
    """The sampler nearest to what saved the picture: the last one that changed it."""
    savers = [key for key, node in graph.items() if node["class_type"].lower().startswith(SAVERS)]
    for start in [*savers, None]:
        reached = _upstream(graph, start) if start is not None else iter(graph)
        for key in reached:
            node = graph[key]
            # KSamplerSelect only names one.
            if "Sampler" in node["class_type"] and not node["class_type"].endswith("Select"):
                return key
    return None


def _upstream(graph: Graph, start: str) -> Iterator[str]:
    """The node and all that leads to it, nearest first."""
    seen, waiting = {start}, collections.deque([start])
    while waiting:
        key = waiting.popleft()
        yield key
        for value in graph[key]["inputs"].values():
            to = _link(graph, value)
            if to is not None and to not in seen:
                seen.add(to)
                waiting.append(to)


def _link(graph: Graph, value: object) -> str | None:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and str(value[0]) in graph:
        return str(value[0])
    return None


def _value(graph: Graph, value: object) -> object:
    """A plain value; of a link, the value of the node that it leads to."""
    for _ in range(8):
        to = _link(graph, value)
        if to is None:
            return value
        value = json_text.some(graph[to]["inputs"], *VALUES)
    return None


def _prompts(graph: Graph, sampler: str | None) -> tuple[str | None, str | None]:
    if sampler is None:
        every = (_text(graph, key) for key, node in graph.items() if "TextEncode" in node["class_type"])
        return next((text for text in every if text), None), None
    inputs = dict(graph[sampler]["inputs"])
    guider = _link(graph, inputs.get("guider"))
    if guider is not None:
        inputs = {**graph[guider]["inputs"], **inputs}
    positive = _link(graph, json_text.some(inputs, "positive", "conditioning", "text_embeds"))
    negative = _link(graph, inputs.get("negative"))
    found = _nearest_text(graph, positive)
    against = _nearest_text(graph, negative)
    if negative is not None and graph[negative]["class_type"] == "ConditioningZeroOut":
        against = None
    return found, against if against != found else None


def _nearest_text(graph: Graph, start: str | None) -> str | None:
    if start is None:
        return None
    return next((text for key in _upstream(graph, start) if (text := _text(graph, key))), None)


def _text(graph: Graph, key: str) -> str | None:
    inputs = graph[key]["inputs"]
    for name in TEXTS:
        found = _value(graph, inputs.get(name))
        if isinstance(found, str) and found.strip():
            return found
    return None


def _model(graph: Graph, around: Sequence[str]) -> str | None:
    for key in around:
        for name in MODELS:
            found = graph[key]["inputs"].get(name)
            if isinstance(found, str) and found:
                return found
    return None


def _from_workflow(workflow: Mapping[str, Any]) -> Recipe | None:
    """What the graph as drawn tells where the one that ran is missing: its widgets' values, which have no names."""
    nodes = [node for node in workflow["nodes"][:MOST_NODES] if isinstance(node, dict)]
    widgets: dict[str, list[list[Any]]] = collections.defaultdict(list)
    for node in nodes:
        values = node.get("widgets_values")
        if isinstance(node.get("type"), str) and isinstance(values, list) and values:
            widgets[node["type"]].append(values)
    prompts = [values[0] for values in widgets["CLIPTextEncode"]]
    settings: dict[str, object] = {}
    for values in widgets["KSampler"][:1]:
        # seed, what to do with it next, steps, cfg, sampler, scheduler, denoise
        names = ("seed", None, "steps", "cfg", "sampler", "scheduler", "denoise")
        settings = {name: value for name, value in zip(names, values, strict=False) if name is not None}
    return recipe.made(
        GENERATOR,
        prompt=prompts[0] if prompts else None,
        negative_prompt=prompts[1] if len(prompts) > 1 else None,
        model=next((values[0] for values in widgets["CheckpointLoaderSimple"] + widgets["UNETLoader"]), None),
        settings=settings,
        inputs=[values[0] for values in widgets["LoadImage"]],
    )
