"""Keeps what was made, up to a number of bytes, so that a seed's picture is drawn once in a process."""

import collections
import functools
import threading
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")

BUDGET = 128 * 2**20
"""Bytes kept in all; the least recently used go first."""

_lock = threading.Lock()
_kept: collections.OrderedDict[object, bytes] = collections.OrderedDict()


def kept(make: Callable[P, bytes]) -> Callable[P, bytes]:
    """Remembers the result by the arguments. Two threads that miss at once both make it: the same bytes
    twice.
    """

    @functools.wraps(make)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> bytes:
        key = (make.__module__, make.__qualname__, args, tuple(sorted(kwargs.items())))
        with _lock:
            found = _kept.get(key)
            if found is not None:
                _kept.move_to_end(key)
                return found
        made = make(*args, **kwargs)
        with _lock:
            _kept[key] = made
            while len(_kept) > 1 and sum(map(len, _kept.values())) > BUDGET:
                _kept.popitem(last=False)
        return made

    return remembered
