"""Whatever goes wrong is one sentence on stderr, nothing on stdout, and an exit code."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli import commands


def _closed_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    ended = commands.run("ls", cwd=tmp_path, nonsense="1")
    assert ended.code == 2
    assert "AMBROTYPE_NONSENSE" in ended.sentence


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    ended = commands.run("serve", cwd=tmp_path, public_url="ftp://example.com")
    assert ended.code == 2
    assert "AMBROTYPE_PUBLIC_URL" in ended.sentence


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for command in (["ls"], ["serve", "--port", "0"], ["migrate"]):
        ended = commands.run(*command, "--data", file, cwd=tmp_path)
        assert ended.code in (1, 2)
        assert str(file) in ended.sentence


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    port = _closed_port()
    ended = commands.run("ls", "--url", f"http://127.0.0.1:{port}", "--key", "amb_x", cwd=tmp_path)
    assert ended.code == 1
    assert f"127.0.0.1:{port}" in ended.sentence


@pytest.mark.parametrize("url", ["example.com", "ftp://example.com", "http://", "http://a b/"])
def test_a_url_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    ended = commands.run("ls", "--url", url, "--key", "amb_x", cwd=tmp_path)
    assert ended.code in (1, 2)
    assert ended.sentence


@pytest.mark.parametrize(
    "options",
    [["--key", "amb_x"], ["--url", "http://127.0.0.1:1"], ["--url", "http://127.0.0.1:1", "--key", "k", "--data", "d"]],
)
def test_options_that_do_not_go_together_are_refused(options: list[str], tmp_path: Path) -> None:
    ended = commands.run("ls", *options, cwd=tmp_path)
    assert ended.code == 2
    assert "--" in ended.sentence


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    ended = commands.run("ls", cwd=tmp_path, database_url=f"postgresql://x@127.0.0.1:{_closed_port()}/x")
    assert ended.code == 1
    assert "database" in ended.sentence


def test_an_owner_that_is_none_is_refused(library: Path, folder: Path) -> None:
    ended = commands.run("ls", "--data", library, "--owner", "nobody", cwd=folder)
    assert ended.code == 2
    assert "user:<id>" in ended.sentence


def test_an_item_that_is_not_there_is_named(library: Path, folder: Path) -> None:
    missing = "01890000-0000-7000-8000-000000000000"
    for command in ("show", "open"):
        ended = commands.run(command, missing, "--data", library, cwd=folder)
        assert ended.code == 1
        assert missing in ended.sentence


def test_ctrl_c_ends_quietly_with_130_and_sigterm_with_143(library: Path, folder: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        running = commands.Running("at-risk", "--watch", "--json", "--data", library, cwd=folder)
        try:
            running.line()
            running.process.send_signal(number)
            assert running.process.wait(30) == code
            assert running.log.read_text() == ""
        finally:
            running.end()


def test_a_reader_that_goes_away_is_no_error(library: Path, folder: Path) -> None:
    with subprocess.Popen(
        [*commands.AMBROTYPE, "ls", "--json", "--data", str(library)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=commands.environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141
