"""`serve`: starts whole or not at all, and leaves nothing behind however it ends."""

import asyncio
import json
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ambrotype.simulator import server
from tests.cli import commands


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def started(tmp_path: Path, data: Path) -> Iterator[tuple[commands.Running, dict[str, Any]]]:
    running = commands.Running("serve", "--data", data, "--port", "0", "--json", cwd=tmp_path)
    try:
        yield running, json.loads(running.line())
    finally:
        running.end()


def _status(url: str, key: str | None = None) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code


def _signed_in(url: str, token: str) -> int:
    body = json.dumps({"token": token}).encode()
    asked = urllib.request.Request(f"{url}/v1/session", data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert "ambrotype_session=" in answer.headers["set-cookie"]
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code


def test_the_first_start_makes_a_key_and_commands_work_beside_it_and_through_it(
    started: tuple[commands.Running, dict[str, Any]], tmp_path: Path, data: Path
) -> None:
    running, told = started
    assert _status(f"{told['url']}/v1/media", told["key"]) == 200
    assert _status(f"{told['url']}/v1/media") == 401
    remote = ("--url", told["url"], "--key", told["key"])
    made = commands.run("keys", "create", "second", *remote, "--json", cwd=tmp_path)
    assert made.code == 0, made.err
    beside = commands.run("keys", "list", "--json", "--data", data, cwd=tmp_path)
    assert {key["name"] for key in beside.json} == {"first", "second"}
    page, _, token = told["sign_in"].partition("#sign-in=")
    assert _status(page) == 200
    assert [_signed_in(told["url"], token) for _ in range(2)] == [201, 401]
    wrong = commands.run("ls", "--url", told["url"], "--key", "amb_wrong-wrong-wrong-wrong", cwd=tmp_path)
    assert wrong.code == 1
    assert "key" in wrong.sentence
    file = tmp_path / "key"
    file.write_text(told["key"] + "\n")
    assert commands.run("ls", "--url", told["url"], "--key", f"@{file}", "--json", cwd=tmp_path).json == []
    taken = commands.run("serve", "--data", data, "--port", told["url"].rpartition(":")[2], cwd=tmp_path)
    assert taken.code == 1
    assert "in use" in taken.sentence
    assert running.process.poll() is None


async def test_a_remote_keep_waits_only_if_asked(tmp_path: Path, data: Path, simulator: server.Simulator) -> None:
    allowed = simulator.url.removeprefix("http://")
    running = commands.Running("serve", "--data", data, "--port", "0", "--json", cwd=tmp_path, fetch_allow=allowed)
    try:
        told = json.loads(await asyncio.to_thread(running.line))
        remote = ("--url", told["url"], "--key", told["key"], "--owner", "user:42")
        kept = await commands.ran(
            "keep", simulator.sign(simulator.image(1)), "--wait", "60", "--json", *remote, cwd=tmp_path
        )
        assert kept.code == 0, kept.err
        (item,) = [one["media"] for one in kept.json]
        assert (item["status"], item["owner"]) == ("kept", "user:42")
        assert item["url"].startswith(told["url"])
        quick = await commands.ran("keep", simulator.sign(simulator.image(2)), *remote, cwd=tmp_path)
        assert quick.code == 0
        assert quick.out.startswith(f"{told['url']}/m/")
    finally:
        running.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process_and_the_database(
    number: signal.Signals, started: tuple[commands.Running, dict[str, Any]], data: Path
) -> None:
    running, _ = started
    family = running.family()
    assert len(family) >= 3
    assert commands.of_folder(data)
    running.process.send_signal(number)
    assert running.process.wait(30) == 0
    # Python's own resource tracker ends a moment after its parent
    assert commands.left_of(family, patience=5) == []
    assert commands.of_folder(data) == []


def test_when_the_parent_is_killed_nothing_lingers(
    started: tuple[commands.Running, dict[str, Any]], data: Path
) -> None:
    running, _ = started
    family = running.family()
    running.process.kill()
    running.process.wait()
    assert commands.left_of(family, patience=30) == []
    assert commands.left_of(commands.of_folder(data), patience=30) == []


def test_a_process_that_dies_is_started_again(started: tuple[commands.Running, dict[str, Any]], data: Path) -> None:
    running, told = started
    before = {process.pid for process in running.family()}
    for process in running.family()[1:]:
        process.kill()
    assert _until(lambda: len([one for one in running.family() if one.pid not in before]) >= 2)
    assert _until(lambda: _answers(told["url"]))
    assert running.process.poll() is None


def _answers(url: str) -> bool:
    try:
        return _status(f"{url}/healthz") == 200
    except OSError:
        return False


def _until(true: Any) -> bool:
    for _ in range(600):
        if true():
            return True
        time.sleep(0.1)
    return False


def test_nothing_but_loopback_before_anybody_can_sign_in(tmp_path: Path, data: Path) -> None:
    ended = commands.run("serve", "--data", data, "--host", "0.0.0.0", "--port", "0", cwd=tmp_path)
    assert ended.code == 2
    assert "AMBROTYPE_BOOTSTRAP_KEY" in ended.sentence
    assert commands.of_folder(data) == []


def test_a_bootstrap_key_lets_others_in(tmp_path: Path, data: Path) -> None:
    key = "amb_" + "k" * 30
    running = commands.Running(
        "serve", "--data", data, "--host", "0.0.0.0", "--port", "0", "--json", "--no-worker",
        cwd=tmp_path, bootstrap_key=key, public_url="https://media.example.com",
    )  # fmt: skip
    try:
        told = json.loads(running.line())
        assert told["key"] is None
        assert _status(f"{told['url']}/v1/keys", key) == 200
        assert key not in running.log.read_text()
    finally:
        running.process.terminate()
        running.process.wait(30)
        running.end()


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path, data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = commands.run("serve", "--data", data, "--port", str(port), cwd=tmp_path)
    assert ended.code == 1
    assert f"Port {port}" in ended.sentence
    assert not (data / "postgres").exists()
