"""The parent of a server: it holds the database, and keeps API processes and a worker running until told to stop."""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from ambrotype import folder, logs
from ambrotype import settings as settings_
from ambrotype.cli import api_server, binding, gate, output, parents, ready, supervised
from ambrotype.records import embedded

if TYPE_CHECKING:
    from ambrotype.cli import preparing

PATIENCE = 9.5
"""Seconds from a signal to the end of all children, by force if need be."""
_LONGEST_PAUSE = 30.0
_LAST = 5.0
"""Seconds that preparing may take to end when a signal came meanwhile."""

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
    """Serves until a signal. Its processes load their code while everything that can be wrong is found out, and go on
    only then.
    """
    settings = settings_.load(data=asked.data, workers=asked.workers)
    logs.configure(settings.log)
    address = binding.resolved(asked.host)
    port = binding.free(address, asked.port)
    url = binding.url(address, port)
    os.environ["AMBROTYPE_DATA"] = str(folder.made(settings.data))
    with gate.closed(settings.data) as shut:
        serving = Serving(api_server.Address(host=address, port=port), settings.workers, captures=asked.captures)
        starting = _Start(serving, settings, address=address, url=url, shut=shut, as_json=asked.as_json)
        starting.begin()
        if asked.with_parent:
            parents.watch(lambda: os.kill(os.getpid(), signal.SIGTERM), patience=2 * PATIENCE)
        try:
            serving.run()
        finally:
            starting.end()


class Serving:
    """The processes of a server, from their start to the end of the last one."""

    def __init__(self, address: api_server.Address, workers: int, *, captures: bool) -> None:
        self._address = address
        self._workers = workers
        self._api: api_server.Server | None = None
        self._worker = (
            supervised.Supervised("worker", [sys.executable, "-m", "ambrotype.cli", "work", "--with-parent", "--held"])
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
            if self.stopping.is_set():
                return
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

    def stop(self) -> None:
        """Asks all to end; from any thread."""
        self._stopped_at = self._stopped_at or time.monotonic()
        self.stopping.set()
        if self._worker is not None:
            self._worker.stop()
        if self._api is not None:
            self._api.signal_handler_interrupt()  # type: ignore[no-untyped-call]

    def _signalled(self) -> None:
        """The first time all are asked to end, the second time they are ended."""
        if self.stopping.is_set():
            if self._worker is not None:
                self._worker.kill()
            for process in multiprocessing.active_children():
                process.kill()
        self.stop()


class _Start:
    """What happens beside the start of the processes: preparing, letting them go on, and telling once they answer."""

    def __init__(
        self, serving: Serving, settings: settings_.Settings, *, address: str, url: str, shut: gate.Gate, as_json: bool
    ) -> None:
        self._serving, self._settings, self._shut = serving, settings, shut
        self._address, self._url, self._as_json = address, url, as_json
        self._problem: BaseException | None = None
        self._cluster = embedded.Cluster(settings.data, say=output.say) if settings.database_url is None else None
        self._thread = threading.Thread(target=self._run, name="start", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Gives the database back; raises what went wrong with preparing, if that ended the server."""
        if self._cluster is not None:
            self._cluster.leave()
        self._thread.join(_LAST)
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        try:
            if self._cluster is not None:  # held for as long as the server runs: it stays while children come and go
                self._cluster.join()
            from ambrotype.cli import preparing as preparing_  # loads everything, while the children do

            made = preparing_.run(self._settings, address=self._address, url=self._url)
        except BaseException as problem:
            if not self._serving.stopping.is_set():
                self._problem = problem
                self._serving.stop()
            return
        self._shut.open()
        if ready.wait(self._url, self._serving.stopping):
            _announce(self._settings, self._url, made, as_json=self._as_json)


def _announce(settings: settings_.Settings, url: str, made: "preparing.First | None", *, as_json: bool) -> None:
    """Where the API is, and the first key and sign-in link, which are shown this once."""
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
