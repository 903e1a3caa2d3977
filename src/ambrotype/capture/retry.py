"""How long to wait before the next try: doubling, with jitter, as long as the source asks for."""

import random

from ambrotype.core import errors

FIRST = 1.0
MOST = 300.0


def after(failure: errors.AmbrotypeError, *, attempts: int) -> float:
    """Seconds until the try after `attempts` failed ones. Jitter keeps many from coming back at once."""
    wait = min(FIRST * 2.0 ** min(attempts - 1, 16), MOST) * random.uniform(0.75, 1.25)
    return max(wait, failure.retry_after or 0.0)
