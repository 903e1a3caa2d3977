"""What a job works on, put into a provider's parameters.

A role that the adapter knows becomes the provider's parameter for it; any other role is taken for the parameter's own
name. What the caller's settings already hold stays: such an input is lineage alone.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ambrotype.core import inline, types
from ambrotype.providers import contract, places

PLAIN = frozenset({"base_image", "image", "input", "source", "original", "styled_image", "reference", "enhanced"})
"""Roles that say no more than that the job works on it: its kind decides."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A provider's parameter for inputs of one role; `several` is the list where there are more than one."""

    one: str
    several: str | None = None


def link(given: contract.Input) -> str:
    """The input as a URL that is fetched, or a data URI. Raises `contract.Refused`."""
    if given.url:
        return given.url
    if given.data is not None:
        return inline.data_uri(given.data, given.content_type)
    raise places.refused(f"The input in the role {given.role!r} has neither a URL nor bytes for the provider.")


def linked(
    inputs: Iterable[contract.Input], one: Callable[[contract.Input], contract.Conversation[str]]
) -> contract.Conversation[list[str]]:
    """The inputs' links, by an adapter's conversation for one of them."""
    links: list[str] = []
    for given in inputs:
        address = yield from one(given)
        links.append(address)
    return links


def content(given: contract.Input) -> bytes:
    """The input's bytes. Raises `contract.Refused` where there are none: an adapter fetches nothing."""
    if given.data is not None:
        return given.data
    read = inline.decode(given.url) if given.url and given.url[:5].lower() == "data:" else None
    if read is None:
        raise places.refused(f"The provider takes the input in the role {given.role!r} as bytes, and there are none.")
    return read.data


def role(given: contract.Input) -> str:
    """The role, or the input's kind where the role says no more."""
    return given.kind if given.role in PLAIN or given.role == f"base_{given.kind}" else given.role


def parameters(
    inputs: Iterable[tuple[contract.Input, str]], known: Mapping[str, Names], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters for these inputs and their links, without those that `given` holds."""
    groups: dict[Names, list[str]] = {}
    for item, address in inputs:
        groups.setdefault(known.get(role(item), Names(one=item.role)), []).append(address)
    made: dict[str, Any] = {}
    for names, addresses in groups.items():
        several = names.several or names.one
        if len(addresses) == 1 and names.one not in given and several not in given:
            made[names.one] = addresses[0]
        elif len(addresses) > 1 and several not in given and names.one not in given:
            made[several] = addresses
    return made


def body(job: contract.Job, links: Sequence[str], known: Mapping[str, Names]) -> dict[str, Any]:
    """Settings, prompt and inputs as one object of the model's parameters."""
    prompt = {} if job.prompt is None else {"prompt": job.prompt}
    made = parameters(zip(job.inputs, links, strict=True), known, job.settings)
    return {**made, **job.settings, **prompt}


def file_name(given: contract.Input) -> str:
    """A name that ends as the input's type does."""
    known = types.guess(None, given.content_type)
    return f"{given.kind}.{known.ext if known else 'bin'}"
