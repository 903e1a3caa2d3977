"""What each API process runs: the application, and an eye on the parent."""

import multiprocessing
import os
import signal
import threading
import time

import fastapi

from ambrotype.cli import collecting, gate

GRACE = 8.0
"""Seconds that requests may take to end when the parent was killed."""


def create() -> fastapi.FastAPI:
    """Granian's target. An API process whose parent was killed would go on for ever: it holds the port."""
    threading.Thread(target=_end_with_parent, daemon=True, name="parent").start()
    from ambrotype import settings
    from ambrotype.api import asgi

    gate.passed(settings.load().data)
    made = asgi.create()
    collecting.rarely()
    return made


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
