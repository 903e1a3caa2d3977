"""Keys are made, listed and revoked on a data folder."""

from pathlib import Path

from tests.cli import commands


def test_a_key_is_shown_once(library: Path, folder: Path) -> None:
    made = commands.run(
        "keys", "create", "storyboard", "--role", "read", "--app", "film", "--data", library, cwd=folder
    )
    assert made.code == 0
    (secret,) = made.out.split()
    assert secret.startswith("amb_")
    listed = commands.run("keys", "list", "--json", "--data", library, cwd=folder)
    assert secret not in listed.out
    (key,) = [one for one in listed.json if one["name"] == "storyboard"]
    assert (key["role"], key["app"], key["revoked_at"]) == ("read", "film", None)
    assert secret.startswith(key["prefix"])

    assert commands.run("keys", "revoke", key["id"], "--data", library, cwd=folder).code == 0
    (key,) = [
        one
        for one in commands.run("keys", "list", "--json", "--data", library, cwd=folder).json
        if one["name"] == "storyboard"
    ]
    assert key["revoked_at"] is not None
    assert "revoked" in commands.run("keys", "list", "--data", library, cwd=folder).out


def test_a_key_that_is_not_there_can_not_be_revoked(library: Path, folder: Path) -> None:
    missing = "01890000-0000-7000-8000-000000000000"
    ended = commands.run("keys", "revoke", missing, "--data", library, cwd=folder)
    assert ended.code == 1
    assert missing in ended.sentence


def test_migrations_are_applied_once(library: Path, folder: Path) -> None:
    assert commands.run("migrate", "--json", "--data", library, cwd=folder).json == {"applied": []}
