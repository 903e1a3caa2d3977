"""The simulator alone."""

import json
import signal
import urllib.request
from pathlib import Path

from tests.cli import commands


def test_it_signs_urls_until_it_is_told_to_end(tmp_path: Path) -> None:
    running = commands.Running("simulate", "--port", "0", "--json", cwd=tmp_path)
    try:
        told = json.loads(running.line())
        with urllib.request.urlopen(f"{told['url']}/public/image/64x64/1.png", timeout=20) as answer:
            assert answer.read().startswith(b"\x89PNG")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 143
    finally:
        running.end()
