"""`ambrotype show` paints a small picture where a person looks at a colour terminal, and nowhere else."""

import asyncio
import contextlib
import json
import os
import pty
import re
import subprocess
import threading
from pathlib import Path

import pytest
import pyvips

import ambrotype
from tests.api import samples
from tests.cli import commands

ORANGE, BLUE = (240, 130, 20), (20, 60, 200)


def kept(library: Path, content: bytes, name: str) -> str:
    """The id of what was just uploaded."""

    async def upload() -> str:
        async with ambrotype.open(library, work=False) as opened:
            return str((await opened.upload(content, filename=name)).id)

    return asyncio.run(upload())


@pytest.fixture(scope="module")
def item(library: Path) -> str:
    """A picture, orange above and blue below, twice as wide as high."""
    halves = [pyvips.Image.black(80, 20, bands=3).linear(1, list(colour)).cast("uchar") for colour in (ORANGE, BLUE)]
    content = halves[0].join(halves[1], "vertical").copy(interpretation="srgb").pngsave_buffer()

    return kept(library, content, "two.png")


def terminal(*words: str, cwd: Path, **given: str) -> str:
    """What a command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def look() -> None:
        with contextlib.suppress(OSError):  # the other end was closed
            while piece := os.read(ours, 1 << 16):
                seen.append(piece)

    looking = threading.Thread(target=look)
    looking.start()
    environment = {**commands.environment(), "COLUMNS": "80", "LINES": "24", "PYTHONIOENCODING": "utf-8"}
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM"):
        environment.pop(name, None)
    try:
        ended = subprocess.run(
            [*commands.AMBROTYPE, *words], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE, cwd=cwd,
            env=environment | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | given, timeout=120,
        )  # fmt: skip
    finally:
        os.close(theirs)
        looking.join()
        os.close(ours)
    assert ended.returncode == 0, ended.stderr
    return b"".join(seen).decode()


def _near(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(found, wanted, strict=True))


def test_a_terminal_shows_the_picture_in_half_blocks(item: str, library: Path, folder: Path) -> None:
    lines = terminal("show", item, "--data", str(library), cwd=folder).splitlines()
    painted = [line for line in lines if "▀" in line]
    assert lines[: len(painted)] == painted
    assert {line.count("▀") for line in painted} == {48}
    assert len(painted) == 12
    upper, lower = (
        tuple(int(value) for value in re.search(r"38;2;(\d+);(\d+);(\d+)", line).groups())  # type: ignore[union-attr]
        for line in (painted[0], painted[-1])
    )
    assert _near(upper, ORANGE)
    assert _near(lower, BLUE)
    assert any(line.startswith("id ") and item in line for line in lines)


@pytest.mark.parametrize("given", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_shows_words_alone(
    item: str, library: Path, folder: Path, given: dict[str, str]
) -> None:
    shown = terminal("show", item, "--data", str(library), cwd=folder, **given)
    assert item in shown
    assert "▀" not in shown
    assert "\x1b" not in shown


def test_json_and_pipes_get_no_picture(item: str, library: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert json.loads(terminal("show", item, "--json", "--data", str(library), cwd=folder))["id"] == item
    piped = commands.run("show", item, "--data", library, cwd=folder)
    assert piped.code == 0
    assert "▀" not in piped.out


def test_where_there_is_no_picture_there_is_nothing(library: Path, folder: Path) -> None:
    item = kept(library, samples.content("audio/1s/310.wav"), "sound.wav")
    shown = terminal("show", item, "--data", str(library), cwd=folder)
    assert item in shown
    assert "▀" not in shown
