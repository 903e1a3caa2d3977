"""A provider's words in, ours out: one file each, and no I/O. `contract` says what an adapter owes, `example` shows one.

`BUILT_IN` lists the adapters of this house; a third party's come by the entry point group `ambrotype.providers`.
`checking` says what is wrong with an adapter.
"""

import importlib
import importlib.metadata
import types
from collections.abc import Callable, Mapping

from ambrotype.core import costs, errors
from ambrotype.providers import contract

GROUP = "ambrotype.providers"

Factory = Callable[[contract.Config], contract.Provider]


def _built_in(module: str, name: str) -> Factory:
    def make(config: contract.Config) -> contract.Provider:
        made: contract.Provider = getattr(importlib.import_module(f"{__name__}.{module}"), name)(config=config)
        return made

    return make


BUILT_IN: Mapping[str, Factory] = types.MappingProxyType(
    {
        "fal": _built_in("fal", "Fal"),
        "openai": _built_in("openai", "OpenAI"),
        "wavespeed": _built_in("wavespeed", "WaveSpeed"),
        "ark": _built_in("ark", "Ark"),
        "replicate": _built_in("replicate", "Replicate"),
    }
)
"""Name → factory. A module is loaded when its provider is configured."""


def names() -> list[str]:
    """All adapters that are installed; those of third parties are not loaded by this."""
    return [*BUILT_IN, *sorted({entry.name for entry in _entries()} - set(BUILT_IN))]


def make(name: str, config: contract.Config) -> contract.Provider:
    """The provider of this name, configured.

    Raises `errors.InvalidSetting`: there is no such adapter, a third party's is broken, or its prices are none.
    """
    factory = BUILT_IN.get(name)
    costs.checked(config.price, f"AMBROTYPE_{name.upper()}_PRICE" if factory else f"[providers.{name}] price")
    if factory:
        return factory(config)
    entry = next((entry for entry in _entries() if entry.name == name), None)
    if entry is None:
        raise errors.InvalidSetting(f"There is no provider {name!r}; there are {', '.join(names())}.")
    try:
        made: contract.Provider = entry.load()(config)
    except Exception as problem:  # whatever a stranger's code raises is one sentence here
        words = str(problem).replace(config.api_key or "\0", "…")[:300]
        raise errors.InvalidSetting(
            f"The adapter of the provider {name!r} ({entry.value}) can't be loaded: {type(problem).__name__}: {words}"
        ) from problem
    missing = [part for part in CONTRACT if not hasattr(made, part)]
    if missing or made.name != name:
        fault = f"it lacks {', '.join(missing)}" if missing else f"it calls itself {made.name!r}"
        raise errors.InvalidSetting(f"The adapter of the provider {name!r} ({entry.value}) is wrong: {fault}.")
    return made


CONTRACT = (
    "name", "kinds", "retention", "pace", "signs", "hooks", "inputs_as", "base_url", "config", "remints",
    "credentials", "submit", "follow", "cancel", "secrets", "heard",
)  # fmt: skip


def _entries() -> list[importlib.metadata.EntryPoint]:
    return list(importlib.metadata.entry_points(group=GROUP))
