"""Noticing that the process which started this one has gone, however it went."""

import os
import threading
import time
from collections.abc import Callable


def watch(gone: Callable[[], object], *, patience: float) -> None:
    """Calls `gone`, in a thread, when standard input ends: the parent holds the other end of that pipe, and a parent
    that was killed sends no signal. `patience` seconds later this process ends, whatever it is waiting for.
    """
    threading.Thread(target=_until_end, args=(gone, patience), daemon=True, name="parent").start()


def _until_end(gone: Callable[[], object], patience: float) -> None:
    while os.read(0, 1):  # not through sys.stdin: its lock would be held at the interpreter's end
        pass
    gone()
    time.sleep(patience)
    os._exit(1)
