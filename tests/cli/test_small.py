"""Projects, collections, shares, webhooks and guests in the terminal: the same as in Python and over HTTP."""

import asyncio
import dataclasses
import uuid
from pathlib import Path
from typing import Any

import pytest

import ambrotype
from tests.api import samples
from tests.cli import commands


@dataclasses.dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a library of their own in the data folder."""

    library: Path
    folder: Path
    owner: str

    def did(self, *words: str) -> Any:
        """What a command answers in JSON."""
        ended = self._ran(*words, "--json")
        assert ended.code == 0, ended.err
        return ended.json

    def said(self, *words: str) -> str:
        """What it prints for people."""
        ended = self._ran(*words)
        assert ended.code == 0, ended.err
        return ended.out

    def failed(self, *words: str) -> str:
        """The sentence with which it fails."""
        ended = self._ran(*words)
        assert ended.code == 1
        return ended.sentence

    def kept(self, number: int, **fields: Any) -> str:
        """The id of a picture that is kept."""

        async def keep() -> str:
            async with ambrotype.open(self.library, owner=self.owner, work=False) as library:
                return str((await library.keep(data=samples.picture(number), **fields)).id)

        return asyncio.run(keep())

    def _ran(self, *words: str) -> commands.Ended:
        return commands.run(*words, "--data", self.library, "--owner", self.owner, cwd=self.folder)


@pytest.fixture
def me(library: Path, folder: Path) -> Person:
    return Person(library=library, folder=folder, owner=f"user:{uuid.uuid4()}")


def test_slots_show_versions_and_bring_old_ones_back(me: Person) -> None:
    first, second = (me.kept(n, project="film", slot="hero") for n in (9301, 9302))
    assert [one["current"]["id"] for one in me.did("projects", "slots", "film")] == [second]
    assert me.did("projects", "show", "film", "hero", "1")["current"]["id"] == first
    table = me.said("projects", "slot", "film", "hero")
    assert table.index(second) < table.index(first)
    assert "nobody" in me.failed("projects", "slot", "film", "nobody")


def test_collections_and_shares_of_them(me: Person) -> None:
    item = me.kept(9303)
    made = me.did("collections", "create", "Foxes", "--description", "red ones")
    me.did("collections", "add", made["id"], item, "--note", "first")
    assert item in me.said("collections", "items", made["id"])
    share = me.did(
        "shares", "create", "--collection", made["id"], "--password", "secret words", "--until", "2099-01-31"
    )
    assert (share["has_password"], share["allow_download"]) == (True, True)
    changed = me.did("shares", "edit", share["id"], "--no-password", "--for-ever", "--no-download")
    assert (changed["has_password"], changed["expires_at"], changed["allow_download"]) == (False, None, False)
    assert me.did("shares", "revoke", share["id"])["revoked_at"] is not None


def test_webhooks_and_their_log(me: Person) -> None:
    made = me.did("webhooks", "create", "https://app.example.com/hook", "--event", "media.kept")
    assert made["secret"].startswith("whsec_")
    sent = me.did("webhooks", "test", made["id"])
    assert me.did("webhooks", "replay", made["id"], sent["id"])["state"] == "pending"
    assert sent["id"] in me.said("webhooks", "deliveries", made["id"])


def test_a_user_takes_a_guest_over(me: Person) -> None:
    session = str(uuid.uuid4())
    guest = me.did("guests", "create", "--session-id", session)
    assert guest["owner"] == f"guest:{session}"
    done = me.did("guests", "link", guest["token"])
    assert (done["owner"], done["linked"]) == (me.owner, True)
    assert "another user" in dataclasses.replace(me, owner="user:other").failed("guests", "link", guest["token"])
