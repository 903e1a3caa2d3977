"""Granian, set up for Ambrotype."""

import dataclasses
import multiprocessing
from collections.abc import Callable

from granian import constants, log
from granian.server import mp

Server = mp.MPServer

KILL_AFTER = 8
"""Seconds that an API process may take to end."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen: an IP address and a port."""

    host: str
    port: int


def server(address: Address, workers: int, *, on_start: Callable[[], None]) -> Server:
    """A server of `workers` processes. `on_start` is called when Granian has taken the signals, before they start.

    Processes are spawned: a forked one would hold the parent's share of the embedded database, and its locks.
    """
    multiprocessing.set_start_method("spawn", force=True)
    made = Server(
        "ambrotype.cli.api_process:create",
        address=address.host,
        port=address.port,
        interface=constants.Interfaces.ASGI,
        loop=constants.Loops.uvloop,
        factory=True,
        workers=workers,
        runtime_threads=1,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER,
        log_level=log.LogLevels.warning,
        log_dictconfig={"handlers": {}, "loggers": {"_granian": {"level": "WARNING", "propagate": True}}},
    )
    made.on_startup(on_start)
    return made
