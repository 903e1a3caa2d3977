"""Takes from this process what decoding does not need. Called once, in the child, before the first foreign
byte.

Each limit that the system does not offer is left out and told of: `enter` returns those that are in force.
"""

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from ambrotype.decoding import seccomp

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS = 0x40000000, 0x08000000, 0x04000000
NOBODY = 65534
OPEN_FILES = 64

NAMES = (
    "own-network",
    "memory",
    "no-file-writes",
    "open-files",
    "no-core-dumps",
    "unprivileged-user",
    "no-new-privileges",
    "dies-with-parent",
    "system-call-filter",
)
"""All limits. The first needs root's rights to begin with; where it is missing the filter refuses sockets alone."""


def enter(*, memory_bytes: int, output_bytes: int, parent_pid: int) -> list[str]:
    """Names of the limits now in force. They last as long as the process.

    The order matters: a namespace of its own needs root's rights, which go next; dropping them undoes
    PR_SET_PDEATHSIG, which therefore comes after; and behind the filter nothing of this could be done.
    """
    steps: dict[str, Callable[[], None]] = {
        "own-network": _leave_networks,
        "memory": lambda: _limit(resource.RLIMIT_AS, _address_space() + memory_bytes),
        "no-file-writes": lambda: _limit_writes(output_bytes),
        "open-files": lambda: _limit(resource.RLIMIT_NOFILE, OPEN_FILES),
        "no-core-dumps": lambda: _limit(resource.RLIMIT_CORE, 0),
        "unprivileged-user": _become_nobody,
        "no-new-privileges": lambda: _prctl(PR_SET_NO_NEW_PRIVS, 1),
        "dies-with-parent": lambda: _die_with(parent_pid),
        "system-call-filter": seccomp.install,
    }
    return list(_taken(steps))


def _taken(steps: dict[str, Callable[[], None]]) -> Iterator[str]:
    for name, take in steps.items():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            take()
            yield name


def _address_space() -> int:
    """Bytes that the interpreter and the libraries take already; most of it is not backed by memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _leave_networks() -> None:
    _call("unshare", CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)


def _limit_writes(most: int) -> None:
    """Writing more to a file fails with EFBIG, and only one that was handed over can be written at all; pipes and sockets
    are no files."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _limit(resource.RLIMIT_FSIZE, most)


def _become_nobody() -> None:
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _die_with(parent_pid: int) -> None:
    """The kernel kills this process when its parent ends; if that happened already, it ends here."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(0)


def _limit(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (allowed, allowed))


def _prctl(option: int, value: int) -> None:
    _call("prctl", option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name} was refused")
