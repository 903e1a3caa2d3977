"""The demo is the promise, seen."""

import json
import signal
import tempfile
from pathlib import Path

from tests.cli import commands


def test_everything_is_kept_while_its_provider_urls_die(tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("ambrotype-demo-*"))
    ended = commands.run("demo", "--exit", cwd=tmp_path)
    assert ended.code == 0, ended.out + ended.err
    assert "12 of 12 kept; provider URLs dead: 12 of 12; permanent URLs alive: 12, bytes equal." in ended.out
    assert "source_expired" in ended.out
    assert "came as bytes" in ended.out
    assert "\x1b" not in ended.out
    assert set(Path(tempfile.gettempdir()).glob("ambrotype-demo-*")) == before


def test_it_serves_on_until_it_is_told_to_end_and_leaves_nothing_running(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    running = commands.Running("demo", "--json", "--data", data, cwd=tmp_path)
    try:
        assert all(one["as_promised"] for one in json.loads(running.line()))
        told = json.loads(running.line())
        listed = commands.run("ls", "--url", told["url"], "--key", told["key"], "--json", cwd=tmp_path)
        assert len(listed.json) == 12
        family = running.family()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30) == 130
        assert commands.left_of(family, patience=5) == []
        assert commands.of_folder(data) == []
    finally:
        running.end()
