"""Generating and checking providers on the command line, against simulated ones."""

from pathlib import Path

from ambrotype.simulator import server
from ambrotype.simulator.providers import control
from tests.cli import commands


def _settings(simulator: server.Simulator, *, key: str = "sim-key") -> dict[str, str]:
    return {
        "replicate_api_key": key, "replicate_base_url": simulator.url + control.BASES["replicate"],
        "openai_api_key": "sim-key", "openai_base_url": simulator.url + control.BASES["openai"],
        "fetch_allow": simulator.url.removeprefix("http://"), "min_free": "0",
    }  # fmt: skip


async def test_what_was_made_is_kept_and_its_urls_are_printed(
    folder: Path, library: Path, simulator: server.Simulator
) -> None:
    done = await commands.ran(
        "generate", "openai", "gpt-image-1", "a fox", "--set", "n=2", "--tag", "fox", "--project", "p", "--json",
        "--data", library, cwd=folder, **_settings(simulator),
    )  # fmt: skip
    assert done.code == 0, done.err
    made = done.json
    assert (made["status"], made["settings"], len(made["outputs"])) == ("completed", {"n": 2}, 2)
    assert {(one["status"], one["project"], *one["tags"]) for one in made["outputs"]} == {("kept", "p", "fox")}


async def test_a_failure_is_a_sentence_and_the_exit_code(
    folder: Path, library: Path, simulator: server.Simulator
) -> None:
    simulator.book.expect("blocked", provider="openai")
    done = await commands.ran(
        "generate", "openai", "gpt-image-1", "a fox", "--data", library, cwd=folder, **_settings(simulator)
    )
    assert done.code == 1
    assert done.out.startswith("failed: ")
    assert "(blocked)" in done.out


async def test_a_provider_without_a_key_names_the_setting(folder: Path, library: Path) -> None:
    done = await commands.ran("generate", "fal", "fal-ai/flux/dev", "a fox", "--data", library, cwd=folder)
    assert done.code == 2
    assert "AMBROTYPE_FAL_API_KEY" in done.sentence


async def test_providers_are_checked(folder: Path, library: Path, simulator: server.Simulator) -> None:
    good = await commands.ran("providers", "--json", "--data", library, cwd=folder, **_settings(simulator))
    found = {one["name"]: (one["configured"], one["reachable"], one["accepted"]) for one in good.json}
    assert good.code == 0
    assert found["replicate"] == found["openai"] == (True, True, True)
    assert found["fal"] == (False, None, None)
    bad = await commands.ran(
        "providers", "replicate", "--data", library, cwd=folder, **_settings(simulator, key="wrong")
    )
    assert bad.code == 1
    assert "replicate" in bad.out
