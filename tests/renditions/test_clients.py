"""What people's programs do with permanent URLs: play, seek, go on where they were, and look."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from tests.api import stack as stacks
from tests.renditions import conftest as house
from tests.renditions import films


@pytest.fixture(scope="module")
def film() -> bytes:
    return films.film(640, 360, seconds=12, sound=True)


@pytest.fixture
def item(me: stacks.Caller, film: bytes) -> Any:
    return house.keep(me, film)


def half_of(folder: Path, content: bytes, name: str) -> Path:
    file = folder / name
    file.write_bytes(content[: len(content) // 2])
    return file


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("curl", lambda file, url: ["curl", "-sS", "--fail", "-C", "-", "-o", str(file), url]),
        ("wget", lambda file, url: ["wget", "-q", "-c", "-O", str(file), url]),
    ],
)
def test_a_download_goes_on_where_it_was(
    item: Any, film: bytes, tmp_path: Path, program: str, command: Callable[[Path, str], list[str]]
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    file = half_of(tmp_path, film, "film.mp4")
    subprocess.run(command(file, item["access_url"]), check=True, timeout=stacks.PATIENCE)
    assert file.read_bytes() == film


def test_ffmpeg_opens_it_over_http_and_seeks(item: Any) -> None:
    with av.open(item["access_url"], options={"seekable": "1"}) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]
        assert container.duration is not None
        assert 11.5 < container.duration / av.time_base < 12.5
        container.seek(9 * av.time_base)
        frame = next(container.decode(video=0))
        assert 7.5 < float(frame.time or 0) <= 9.1


def test_a_browser_plays_it_and_seeks(stack: stacks.Stack, me: stacks.Caller, item: Any) -> None:
    browsers = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    small = house.place(house.inspected(me, item["id"])["renditions"]["480p"])
    house.made(stack.nobody, small)
    with browsers.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page = browser.new_page()
            for address in (item["access_url"], f"http://127.0.0.1:{stack.port}{small}"):
                page.goto(address)

                def is_so(condition: str) -> bool:
                    """Of the video; asked from outside, as the page's own policy lets nothing be evaluated in it."""
                    return bool(page.evaluate(f"(v => v !== null && ({condition}))(document.querySelector('video'))"))

                stacks.until(lambda: is_so("v.readyState >= 2"))
                assert is_so("v.duration > 11.5 && v.duration < 12.5")
                page.evaluate("(v => { v.muted = true; v.currentTime = 5 })(document.querySelector('video'))")
                stacks.until(lambda: is_so("v.currentTime >= 5 && !v.seeking"))
                page.evaluate("(v => v.paused && v.play())(document.querySelector('video'))")
                stacks.until(lambda: is_so("v.currentTime > 5.2"))
                assert is_so("v.error === null")
        finally:
            browser.close()


def test_nothing_that_is_opened_runs(stack: stacks.Stack, me: stacks.Caller) -> None:
    browsers = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    svg = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><title>before</title>'
        b"<script>document.title = 'ran'; document.querySelector('title').textContent = 'ran'</script></svg>"
    )
    item = house.keep(me, svg, visibility="unlisted")
    with browsers.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{stack.port}/m/{item['id']}/x.svg")
            assert page.title() == "before"
            assert page.evaluate("origin") == "null"
        finally:
            browser.close()
