"""Adapters by name: those of the house, and those of other packages by an entry point."""

import importlib.metadata
import sys
import types

import pytest

from ambrotype import providers
from ambrotype.core import errors
from ambrotype.providers import contract, example

CONFIG = contract.Config(api_key="a-key-of-some-length")


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A package of somebody else, with adapters good and bad."""
    module = types.ModuleType("somebody_elses_adapters")
    module.good = lambda config: example.Atelier(config=config)  # type: ignore[attr-defined]
    module.bare = lambda config: types.SimpleNamespace(name="bare", kinds=frozenset())  # type: ignore[attr-defined]

    def crash(config: contract.Config) -> contract.Provider:
        raise RuntimeError(f"no {config.api_key}")

    module.crash = crash  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = {"atelier": "good", "other": "good", "bare": "bare", "crash": "crash", "missing": "nothing", "fal": "good"}
    entries = [
        importlib.metadata.EntryPoint(name, f"{module.__name__}:{value}", providers.GROUP)
        for name, value in names.items()
    ]
    monkeypatch.setattr(providers, "_entries", lambda: entries)
    return module


def test_the_houses_own_come_first_and_nobody_replaces_them(strangers: types.ModuleType) -> None:
    assert providers.names() == [
        "fal",
        "openai",
        "wavespeed",
        "ark",
        "replicate",
        "atelier",
        "bare",
        "crash",
        "missing",
        "other",
    ]
    assert providers.make("fal", CONFIG).base_url == "https://queue.fal.run"


def test_a_strangers_adapter_is_made_like_any_other(strangers: types.ModuleType) -> None:
    assert isinstance(providers.make("atelier", CONFIG), example.Atelier)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crash", "can't be loaded: RuntimeError: no …"),
        ("missing", "can't be loaded: AttributeError"),
        ("bare", "it lacks retention, pace"),
        ("other", "it calls itself 'atelier'"),
        ("nobody", "There is no provider 'nobody'; there are fal, openai"),
    ],
)
def test_a_broken_one_is_one_sentence(strangers: types.ModuleType, name: str, words: str) -> None:
    with pytest.raises(errors.InvalidSetting) as problem:
        providers.make(name, CONFIG)
    assert words in problem.value.detail
    assert CONFIG.api_key not in problem.value.detail


def test_prices_are_looked_at_before_anything_is_billed(strangers: types.ModuleType) -> None:
    for name, setting in {"fal": "AMBROTYPE_FAL_PRICE", "atelier": "[providers.atelier] price"}.items():
        with pytest.raises(errors.InvalidSetting) as problem:
            providers.make(name, contract.Config(api_key="k", price={"a/*": 5}))
        assert problem.value.detail.startswith(f"{setting}: the price of 'a/*' must be like")


def test_every_adapter_of_the_house_has_what_the_contract_names() -> None:
    for name in providers.BUILT_IN:
        there = providers.make(name, CONFIG)
        assert there.name == name
        assert all(hasattr(there, part) for part in providers.CONTRACT)
        assert there.retention
        assert there.pace >= 5
    assert set(providers.CONTRACT) == {part for part in vars(contract.Provider) if not part.startswith("_")}
