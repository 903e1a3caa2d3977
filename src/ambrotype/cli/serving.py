"""The parent of a server: it holds the database, and keeps API processes and a worker running until told to stop."""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from ambrotype import app as app_
from ambrotype import logs
from ambrotype import settings as settings_
from ambrotype.accounts import keys, sessions
from ambrotype.cli import api_server, binding, output, parents, ready, running, supervised
from ambrotype.core import errors
from ambrotype.records import embedded

PATIENCE = 9.5
"""Seconds from a signal to the end of all children, by force if need be."""
_LONGEST_PAUSE = 30.0

log = structlog.get_logger("ambrotype.cli")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options of `serve` say."""

    data: Path | None
    host: str
    port: int
    workers: int | None
    captures: bool
    as_json: bool
    with_parent: bool


def run(asked: Asked) -> None:
    """Serves until a signal. Everything that can be wrong is found out before the first process is started."""
    settings = settings_.load(data=asked.data, workers=asked.workers)
    logs.configure(settings.log)
    address = binding.resolved(asked.host)
    port = binding.free(address, asked.port)
    url = binding.url(address, port)
    with _database(settings):
        made = running.run(_prepared(settings, address, url))
        app_.serve_at(settings.data, url)
        os.environ["AMBROTYPE_DATA"] = str(settings.data)
        serving = Serving(api_server.Address(host=address, port=port), settings.workers, captures=asked.captures)
        announcing = threading.Thread(
            target=_announce, args=(serving, settings, url, made), kwargs={"as_json": asked.as_json}, daemon=True
        )
        announcing.start()
        if asked.with_parent:
            parents.watch(lambda: os.kill(os.getpid(), signal.SIGTERM), patience=2 * PATIENCE)
        serving.run()


@contextlib.contextmanager
def _database(settings: settings_.Settings) -> Iterator[None]:
    """A share of the embedded database for as long as the server runs: it stays while children come and go."""
    if settings.database_url is not None:
        yield
        return
    cluster = embedded.Cluster(settings.data, say=output.say)
    cluster.join()
    try:
        yield
    finally:
        cluster.leave()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """What is shown at the first start, this once."""

    key: str
    link: str


async def _prepared(settings: settings_.Settings, address: str, url: str) -> _First | None:
    """Migrates, tries database and store, and makes the first service key and a sign-in link where there is no key."""
    async with app_.opened(settings, say=output.say) as app:
        if await keys.any_service(app.data):
            return None
        if not binding.loopback(address) and not app.tokens.any:
            raise errors.InvalidSetting(
                f"Nobody could sign in yet, so only loopback may be listened on, not {address}: set"
                " AMBROTYPE_BOOTSTRAP_KEY, AMBROTYPE_JWT_SECRET or AMBROTYPE_JWKS_URL, or make a key with"
                " `ambrotype keys create NAME --role service`."
            )
        made = await keys.create(app.data, name="first", role="service")
        if made is None:
            return None
        link = await sessions.one_time_link(app.data, public_url=settings.public_url or url)
        return _First(key=made.key, link=link)


class Serving:
    """The processes of a server, from their start to the end of the last one."""

    def __init__(self, address: api_server.Address, workers: int, *, captures: bool) -> None:
        self._address = address
        self._workers = workers
        self._api: api_server.Server | None = None
        self._worker = (
            supervised.Supervised("worker", [sys.executable, "-m", "ambrotype.cli", "work", "--with-parent"])
            if captures
            else None
        )
        self._stopped_at: float | None = None
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until a signal; the children are gone when this returns."""
        if self._worker is not None:
            self._worker.start()
        try:
            self._serve()
        finally:
            self.stopping.set()
            if self._worker is not None:
                self._worker.stop()
                asked_at = self._stopped_at or time.monotonic()
                self._worker.join(asked_at + PATIENCE - time.monotonic())

    def _serve(self) -> None:
        pause = 1.0
        while not self.stopping.is_set():
            begun = time.monotonic()
            self._api = api_server.server(self._address, self._workers, on_start=self._hear_signals)
            with contextlib.suppress(SystemExit):  # how Granian tells that its processes keep failing
                self._api.serve()
            if self.stopping.is_set():
                return
            pause = 1.0 if time.monotonic() - begun > 60 else min(pause * 2, _LONGEST_PAUSE)
            log.error("API processes keep failing, are started again", seconds=pause)
            self.stopping.wait(pause)

    def _hear_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: self._signalled())

    def _signalled(self) -> None:
        """The first time all are asked to end, the second time they are ended."""
        again = self.stopping.is_set()
        self._stopped_at = self._stopped_at or time.monotonic()
        self.stopping.set()
        if self._worker is not None:
            self._worker.kill() if again else self._worker.stop()
        if again:
            for process in multiprocessing.active_children():
                process.kill()
        if self._api is not None:
            self._api.signal_handler_interrupt()  # type: ignore[no-untyped-call]


def _announce(serving: Serving, settings: settings_.Settings, url: str, made: _First | None, *, as_json: bool) -> None:
    """Once the API answers: where it is, and the first key, which is shown this once."""
    if not ready.wait(url, serving.stopping):
        return
    if as_json:
        output.json(
            {
                "url": url,
                "data": str(settings.data),
                "pid": os.getpid(),
                "key": made.key if made else None,
                "sign_in": made.link if made else None,
            },
            compact=True,
        )
        return
    output.result(f"Ambrotype serves on {url}, its data is in {settings.data}. Ctrl-C ends it.")
    if settings.public_url is None:
        output.say(
            f"Warning: AMBROTYPE_PUBLIC_URL is not set, so permanent URLs begin with {url};"
            " set it to the address that others reach."
        )
    if made is not None:
        output.result(_FIRST_KEY.format(key=made.key, url=url, link=made.link))


_FIRST_KEY = """
This is the first start. Your service key, shown this once:

  {key}

Sign in with a browser, once and within the hour:

  {link}

Try it:

  curl -s {url}/v1/keep -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -d '{{"url": "https://…/out.png"}}'
"""
