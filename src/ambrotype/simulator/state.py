"""The running simulator: its clock, its secrets, what goes wrong how often, and what it has seen."""

import asyncio
import collections
import itertools
import math
import random
import time
from collections.abc import Callable

from ambrotype.core import errors
from ambrotype.simulator import answers, assets, faults, signing
from ambrotype.simulator.providers import book, courier, uploaded

REMEMBERED = 10_000
"""Requests, and URLs whose requests are counted."""


class Simulator:
    """What tests and the demo hold. Methods may be called while it serves, from the same event loop."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        seed: int = 0,
    ) -> None:
        self.url = ""
        """http://127.0.0.1:PORT, once it runs; https where it has a certificate."""
        self.styles = signing.styles()
        self.requests: collections.deque[answers.Seen] = collections.deque(maxlen=REMEMBERED)
        """The last requests to the CDN, oldest first; `sent` grows while an answer is on its way."""
        self.closing = asyncio.Event()
        self._clock = clock
        self._skew = 0.0
        self.modified = math.floor(clock())
        self._rates: dict[str, float] = {}
        self._chance = random.Random(seed)
        self._attempts: collections.OrderedDict[str, int] = collections.OrderedDict()
        self._nonces = itertools.count(1)
        self.book = book.Book(now=self.now, real=clock)
        """The providers' jobs."""
        self.courier = courier.Courier(self.book)
        self.uploaded = uploaded.Uploaded()

    def now(self) -> float:
        """Epoch seconds by the simulator's clock."""
        return self._clock() + self._skew

    def travel(self, seconds: float) -> None:
        """Moves the clock on (or back): URLs die and jobs end without waiting. May be called from any thread."""
        self._skew += seconds
        self.courier.wake()

    # URLs

    image = staticmethod(assets.image)
    video = staticmethod(assets.video)
    sound = staticmethod(assets.sound)
    blob = staticmethod(assets.blob)
    big_video = staticmethod(assets.big_video)

    def sign(
        self,
        path: str,
        *,
        style: str = "s3",
        ttl: float = 3600,
        fault: str | None = None,
        host: str | None = None,
        method: str = "GET",
        **options: faults.Value,
    ) -> str:
        """An expiring URL of the asset at `path` (`sim.image(7)`), for `ttl` seconds; 0 and less: already
        expired.

        `fault` is a name of `faults.FAULTS`, `options` are its own and `times`. S3, TOS and GCS sign for one
        `method`.
        """
        if style not in self.styles:
            raise errors.InvalidRequest(f"No style {style!r}: use one of {', '.join(self.styles)}.")
        if fault is None and options:
            raise errors.InvalidRequest(f"Options {', '.join(options)} without a fault: name one.")
        key = path.lstrip("/")
        if fault is not None:
            spec = faults.make(fault, **{"nonce": f"{next(self._nonces):x}", **options})
            key = f"fault/{spec}/{key}"
        return self.sign_key(key, style=style, host=host, method=method, ttl=ttl)

    def sign_key(self, key: str, *, style: str, host: str | None, method: str = "GET", ttl: float) -> str:
        """The same for a key that names its fault itself, or none."""
        scheme, _, own = self.url.partition("://")
        host = host or own
        # Vendors count whole seconds and none of them signs for less than one.
        lifetime = math.ceil(ttl) if ttl > 0 else 60
        issued = self.now() if ttl > 0 else self.now() + ttl - lifetime - 1
        return f"{scheme}://{host}" + self.styles[style].sign(
            key, host=host, method=method, issued=issued, ttl=lifetime
        )

    # Faults

    def rate(self, fault: str, share: float, **options: faults.Value) -> None:
        """Lets `fault` strike that share (0..1) of all requests whose URL names none; 0 ends it."""
        if not 0 <= share <= 1:
            raise errors.InvalidRequest(f"A rate of {share}: use 0 to 1.")
        self._rates[str(faults.make(fault, **options))] = share

    def rates(self) -> dict[str, float]:
        """Fault → share, those above 0."""
        return {fault: share for fault, share in self._rates.items() if share}

    def draw(self) -> faults.Spec | None:
        """The fault that chance has for this request, if any."""
        drawn = self._chance.random()
        for text, share in self._rates.items():
            if drawn < share:
                return faults.parse(text)
            drawn -= share
        return None

    def attempt(self, key: str, *, counts: bool) -> int:
        """How many GETs of this key came before; this one is counted where `counts`."""
        before = self._attempts.pop(key, 0)
        self._attempts[key] = before + counts
        if len(self._attempts) > REMEMBERED:
            self._attempts.popitem(last=False)
        return before
