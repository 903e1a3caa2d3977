"""Python's cycle collector, set up for a process that serves for a long time."""

import gc

THRESHOLD = 20_000
"""Objects between two looks at the youngest. Python's own 700 took a twelfth of a busy worker's time."""


def rarely() -> None:
    """What is there now (modules, routes, settings) is never looked at again; what comes is looked at less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD)
