"""The data folder: made where it is missing, and what is remembered in it of the server."""

import contextlib
import shutil
from pathlib import Path

from ambrotype.core import errors

DEFAULT_PORT = 8484


def made(folder: Path) -> Path:
    """The folder, there and usable; `errors.InvalidSetting` where it can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.disk_usage(folder)
    except OSError as problem:
        raise errors.InvalidSetting(
            f"AMBROTYPE_DATA: the folder {folder} can't be used ({problem.strerror}); name another one."
        ) from problem
    return folder


def served_at(folder: Path) -> str:
    """Where the data folder's server was last reached; what URLs begin with while AMBROTYPE_PUBLIC_URL is not set."""
    with contextlib.suppress(OSError):
        return (folder / "served-at").read_text().strip()
    return f"http://127.0.0.1:{DEFAULT_PORT}"


def last_served_at(folder: Path) -> str | None:
    """The same; None where no server ever ran on it."""
    return served_at(folder) if (folder / "served-at").exists() else None


def serve_at(folder: Path, url: str) -> None:
    """Remembers it."""
    (made(folder) / "served-at").write_text(url)
