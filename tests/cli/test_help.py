"""What every command owes to who does not know it yet."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import commands

COMMANDS = (
    "serve", "work", "keep", "ls", "show", "open", "edit", "rm", "restore", "at-risk", "usage", "rewrite", "migrate",
    "demo", "simulate",
    "keys list", "keys create", "keys revoke",
    "projects list", "projects slots", "projects slot", "projects show", "projects prune",
    "collections list", "collections create", "collections items", "collections add", "collections take", "collections rm",
    "shares list", "shares create", "shares edit", "shares revoke",
    "webhooks list", "webhooks create", "webhooks edit", "webhooks rm", "webhooks deliveries", "webhooks test", "webhooks replay",
    "guests create", "guests link",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example_and_has_json_and_data(command: str, tmp_path: Path) -> None:
    ended = commands.run(*command.split(), "--help", cwd=tmp_path)
    assert ended.code == 0
    assert "Example" in ended.out
    assert f"ambrotype {command}" in ended.out
    assert "--json" in ended.out
    assert "--data" in ended.out


def test_the_help_lists_every_command(tmp_path: Path) -> None:
    ended = commands.run("--help", cwd=tmp_path)
    assert ended.code == 0
    assert all(f"  {command.split()[0]} " in ended.out for command in COMMANDS)


def test_the_help_needs_none_of_what_the_commands_need(tmp_path: Path) -> None:
    heavy = "{'aiohttp', 'fastapi', 'granian', 'psycopg', 'pydantic', 'pyvips', 'rich', 'av', 'aiobotocore'}"
    code = f"import sys; from ambrotype.cli import exits; exits.run(['--help']); print({heavy} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert ended.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls", "--nope"],
        ["nope"],
        ["show", "no-id"],
        ["serve", "--port", "99999"],
        ["keep", "--wait", "-1", "x"],
        ["show"],
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(arguments: list[str], tmp_path: Path) -> None:
    ended = commands.run(*arguments, cwd=tmp_path)
    assert ended.code == 2
    assert ended.sentence
    assert ended.out == ""
