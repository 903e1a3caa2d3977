"""What is kept is found, edited, trashed and brought back in the terminal."""

import json
from pathlib import Path

import pytest

from ambrotype.simulator import server
from tests.cli import commands

MISSING = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def item(library: Path, folder: Path, simulator: server.Simulator) -> str:
    """The id of a kept item with the tags `a` and `b`."""
    ended = await commands.ran(
        "keep", simulator.sign(simulator.image(1)), "--again", "--tag", "a", "--tag", "b", "--json", "--data", library,
        cwd=folder, fetch_allow="127.0.0.0/8",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    found: str = json.loads(ended.out)[0]["media"]["id"]
    return found


def test_what_is_edited_is_found_by_it(library: Path, folder: Path, item: str) -> None:
    def cli(*arguments: str) -> commands.Ended:
        return commands.run(*arguments, "--json", "--data", library, cwd=folder)

    edited = cli(
        "edit", item, "--title", "The vixen", "--add-tag", "c", "--remove-tag", "a", "--favorite",
        "--visibility", "unlisted",
    ).json  # fmt: skip
    assert (edited["title"], edited["tags"], edited["favorite"], edited["visibility"]) == (
        "The vixen", ["b", "c"], True, "unlisted",
    )  # fmt: skip
    wanted = ("--search", "vixen", "--tag", "c", "--favorite", "--visibility", "unlisted", "--since", "2020-01-31")
    assert [one["id"] for one in cli("ls", *wanted).json] == [item]
    assert cli("ls", *wanted, "--until", "2020-01-31T10:00:00+0000").json == []
    cleared = cli("edit", item, "--title", "", "--tag", "").json
    assert (cleared["title"], cleared["tags"]) == (None, [])


def test_what_is_removed_lies_in_the_trash_until_it_is_purged(library: Path, folder: Path, item: str) -> None:
    def cli(*arguments: str) -> commands.Ended:
        return commands.run(*arguments, "--data", library, cwd=folder)

    assert item in cli("rm", "--purge", item).sentence
    partly = cli("rm", item, MISSING)
    assert (partly.code, partly.out) == (1, f"{item} is in the trash.\n")
    assert MISSING in partly.sentence
    assert item in [one["id"] for one in cli("ls", "--trashed", "--json").json]
    assert cli("restore", item, "--json").json[0]["media"]["deleted_at"] is None
    assert cli("rm", item).code == 0
    assert cli("rm", "--purge", item, "--json").json == [{"id": item, "media": None}]
    again = cli("restore", item, "--json")
    assert again.code == 1
    assert again.json[0]["problem"]["code"] in ("gone", "not_found")


@pytest.mark.parametrize(
    "arguments",
    [
        ["edit", MISSING],
        ["edit", MISSING, "--tag", "a", "--add-tag", "b"],
        ["rm", "--force", MISSING],
        ["rm"],
        ["ls", "--since", "yesterday"],
        ["ls", "--kind", "picture"],
    ],
)
def test_what_makes_no_sense_is_one_sentence(arguments: list[str], library: Path, folder: Path) -> None:
    ended = commands.run(*arguments, "--data", library, cwd=folder)
    assert ended.code == 2
    assert ended.sentence
