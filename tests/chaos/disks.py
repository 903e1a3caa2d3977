"""Small disks that can be filled and taken away: tmpfs and bind mounts, for root."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small(folder: Path, *, size: int) -> Iterator[Path]:
    """A disk of `size` bytes, mounted at `folder`."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size},mode=0755", "ambrotype-test", str(folder))
    try:
        yield folder
    finally:
        unmount(folder)


def bind(what: Path, at: Path) -> None:
    """Makes the folder `what` appear at the folder `at`."""
    _mount("--bind", str(what), str(at))


def unmount(folder: Path) -> None:
    """Takes it away at once, whoever uses it."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mounted(folder: Path) -> bool:
    """Whether something is mounted there; a bind mount is no other device, so that `Path.is_mount` does not see it."""
    return any(line.split()[4] == str(folder) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("Only root can mount the small disk that this test fills or takes away.")
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sentence = f"No disk can be mounted here ({done.stderr.strip()})."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)


def fill(disk: Path, *, leave: int) -> Path:
    """Fills the disk but for `leave` bytes; the file to remove again."""
    filler = disk / "filler"
    with filler.open("wb") as out:
        for _ in range(100):
            free = os.statvfs(disk)
            size = free.f_bavail * free.f_frsize - leave
            try:
                os.posix_fallocate(out.fileno(), 0, max(size, 1))
            except OSError:  # others write too, and then nothing of it is allocated
                continue
            break
    return filler
