"""The processes of one cluster: whether they listen, who they are, and the end of those that linger.

Whether PostgreSQL runs is asked by connecting, not in the pid file: after a crash its number may be
anybody's.
"""

import contextlib
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
LINUX = sys.platform.startswith("linux")


def postmaster(address: str) -> int | None:
    """The process that listens in the folder `address`; 0 if its number is hidden, None if nobody."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(f"{address}/{SOCKET}")
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except (BlockingIOError, TimeoutError):  # its queue is full: it lives
            return 0
        if not LINUX:
            return _recorded(Path(address))
        # What the kernel noted at listen() (unix(7), SO_PEERCRED); 0 if it lives in another container.
        pid: int = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return pid


def end_survivors(cluster: Path, seconds: float) -> None:
    """Ends processes of the cluster of which none has listened for `seconds` (on Linux; else leaves them).

    Without a postmaster they run a statement that nobody waits for, and hold the memory that the next one
    needs: they are asked to end after 3 seconds and killed after 12. A postmaster may only be slow to start;
    after 30 seconds its socket file must have been removed, and it shuts down fast.
    """
    if not LINUX or seconds < 3:
        return
    with contextlib.ExitStack() as stack:
        found = list(_processes(cluster, stack))
        chiefs = [handle for handle, title in found if not title.startswith(b"postgres: ")]
        number = signal.SIGINT if chiefs else signal.SIGTERM if seconds < 12 else signal.SIGKILL
        if chiefs and seconds < 30:
            return
        for handle in chiefs or [handle for handle, _ in found]:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)


def _processes(cluster: Path, stack: contextlib.ExitStack) -> Iterator[tuple[int, bytes]]:
    """Handles and titles of processes: all of PostgreSQL's have the cluster's folder as working directory."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # First: from here on the number can't pass to another process unnoticed.
            handle = os.pidfd_open(int(entry.name))
            stack.callback(os.close, handle)
            is_postgres = (entry / "exe").readlink().name.split(" ")[0] == "postgres"
            if is_postgres and (entry / "cwd").readlink() == cluster:
                yield handle, (entry / "cmdline").read_bytes()


def _recorded(cluster: Path) -> int:
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0
