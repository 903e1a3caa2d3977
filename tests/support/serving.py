"""A process of a test's server: `python -m tests.support.serving api|worker PORT`. Ends with its standard input."""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading

import granian
from granian import constants

from ambrotype import app, jobs, logs, settings


def _end_with_parent() -> None:
    """A test run that is killed closes the pipe, and leaves nothing behind."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _api(port: int) -> None:
    # A forked child would have this process's signal handlers until it has its own, and miss what ends it by then.
    multiprocessing.set_start_method("spawn")
    granian.Granian(
        "ambrotype.api.asgi:create",
        address="127.0.0.1",
        port=port,
        interface=constants.Interfaces.ASGI,
        factory=True,
        websockets=False,
    ).serve()


async def _work() -> None:
    chosen = settings.load()
    logs.configure(chosen.log)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with app.opened(chosen) as opened:
        await jobs.work(opened, stop)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if sys.argv[1] == "api":
        _api(int(sys.argv[2]))
    else:
        asyncio.run(_work())
