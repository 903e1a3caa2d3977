"""UUIDv7 identifiers (RFC 9562, section 5.7), made in the application: PostgreSQL 15 can't."""

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def new() -> uuid.UUID:
    """A new UUIDv7. Within a process ids rise strictly: 48 bits of milliseconds, 12 of a finer fraction, 62 random."""
    global _last
    ns = time.time_ns()
    stamp = (ns // 1_000_000) << 12 | (ns % 1_000_000) * 4096 // 1_000_000
    with _lock:
        stamp = max(stamp, _last + 1)
        _last = stamp
    tail = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | tail
    return uuid.UUID(int=value)


def parse(text: str) -> uuid.UUID | None:
    """The id that `text` spells in its canonical form, or None."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
