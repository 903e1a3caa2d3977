"""PostgreSQL without a server to install: one cluster in the data folder, run while anybody uses it.

Everybody who uses it holds a share, a kernel lock on `postgres.share`; who starts or stops it has the turn, a
lock on `postgres.turn`. The first one in starts PostgreSQL, the last one out stops it, and a process that is
killed gives back its locks: see `docs/decisions/embedded-postgresql.md`.
"""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Literal

from psycopg import conninfo, pq

from ambrotype.core import errors
from ambrotype.records import cluster_folder, cluster_locks, cluster_processes

_PAUSE = 0.01
_QUIET = 3.0
"""Seconds of waiting before a person is told."""
_LINGER = 90.0
"""Seconds that processes may live on without listening, before that is an error."""
_LEAVE_PATIENCE = 8.0
"""Seconds that `leave` waits for its turn."""
_STOP_PATIENCE = 60.0
_FAST_PATIENCE = 10.0
"""Seconds to stop after a start that failed, and for an immediate shutdown."""
_ADDRESS_BYTES = 103  # sun_path in unix(7) is 108 with its end, 104 on macOS

State = Literal["up", "busy", "lingering", "down"]


class _Impatient(Exception):
    """The turn took too long to come."""


class Cluster:
    """One PostgreSQL cluster in one data folder, shared by processes. Methods may be called in any thread.

    `data` is the data folder (made if missing); the cluster lies in `data / "postgres"`. `say` gets a
    sentence for a person when something takes longer than a few seconds. Errors are `errors.Unavailable`
    (PostgreSQL does not start; the sentence has its last words) and `errors.InvalidSetting` (the folder, or
    the user, is not a possible one).
    """

    def __init__(self, data: Path, *, say: Callable[[str], None] = lambda sentence: None) -> None:
        self._data = data.resolve()
        self._folder = cluster_folder.Folder(self._data)
        self._say = say
        self._share: cluster_locks.FileLock | None = None
        self._mutex = threading.Lock()
        self._quit = threading.Event()
        self._handle: int | None = None

    def join(self) -> None:
        """Takes a share: PostgreSQL answers when this returns, and until the last share is given back.

        Makes the cluster if there has never been one. Waits for a recovery as long as it takes. Harmless
        twice.
        """
        with self._mutex, self._sentences():
            if self._share is not None:
                return
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._turn(), contextlib.ExitStack() as undo:
                undo.callback(self._close_handle)
                undo.callback(self._stop_if_last, patience=_FAST_PATIENCE)
                share = undo.enter_context(cluster_locks.FileLock(self._data / "postgres.share"))
                share.take("shared")  # at once: only who has the turn ever holds it exclusively
                self._bring_up()
                undo.pop_all()
                self._share = share

    def ensure(self) -> None:
        """Starts PostgreSQL again if it has died. Quick (2 ms) if it runs; may be called by many at once."""
        if self._share is None:
            raise ValueError("Only a member can ensure that PostgreSQL runs: join first.")
        with self._sentences():
            if self._state() == "up":
                return
            with self._mutex, self._turn():
                if self._share is not None:
                    self._bring_up()

    def leave(self) -> None:
        """Gives the share back; the last one out stops PostgreSQL and waits for its end. Harmless twice.

        A `join` or `ensure` that still waits in another thread gives up.
        """
        self._quit.set()
        with self._mutex, self._sentences():
            self._quit.clear()
            share, self._share = self._share, None
            if share is not None:
                # Before the turn: of two that leave at once, the second finds no share left, not even its
                # own.
                share.close()
                # Who has had the turn for so long is starting PostgreSQL (then it is a member, and will stop
                # it) or stopping it: either way it is no more our task.
                with contextlib.suppress(_Impatient), self._turn(patience=_LEAVE_PATIENCE):
                    self._stop_if_last(patience=_STOP_PATIENCE)
            self._close_handle()

    def dsn(self, role: str) -> str:
        """libpq's connection string for the database `ambrotype` as `role`; for a member only."""
        return self._conninfo(role, "ambrotype")

    def _conninfo(self, role: str, database: str, **more: int) -> str:
        # hostaddr is given, empty, so that PGHOSTADDR in the environment can't lead to another server.
        return conninfo.make_conninfo(
            "", host=self._address(), hostaddr="", port=5432, user=role, dbname=database, **more
        )

    def _address(self) -> str:
        """The folder of the socket, the cluster's own, by a name that fits into a socket's address."""
        plain = str(self._folder.cluster)
        if len(os.fsencode(f"{plain}/{cluster_processes.SOCKET}")) <= _ADDRESS_BYTES and "," not in plain:
            return plain
        if not cluster_processes.LINUX:
            raise errors.InvalidSetting(
                f"The path of the data folder {self._data} is too long for a socket, or has a comma in it:"
                " choose another one (--data, AMBROTYPE_DATA)."
            )
        if self._handle is None:
            self._handle = os.open(self._folder.cluster, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/{os.getpid()}/fd/{self._handle}"

    def _close_handle(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _bring_up(self) -> None:
        """PostgreSQL answers when this returns. The caller has the turn."""
        self._folder.trim_log()
        self._make_if_missing()
        since: int | None = None
        first = begun = time.monotonic()
        tell = self._teller(f"PostgreSQL in {self._folder.cluster} is starting; after a crash it recovers first")
        while (state := self._state()) != "up":
            if state == "down":
                if since is not None:
                    raise errors.Unavailable(
                        f"PostgreSQL in {self._folder.cluster} did not start: {self._folder.complaint(since)}"
                        f" (its log is {self._folder.log})."
                    )
                since = self._launch()
            if state == "lingering":
                self._end_lingering(time.monotonic() - begun)
            else:
                begun = time.monotonic()
            tell()
            self._pause(_PAUSE if time.monotonic() - first < 1 else 0.2)  # each try is a line in its log

    def _make_if_missing(self) -> None:
        if self._folder.complete():
            return
        with self._folder.running() as running:
            tell = self._teller(f"Processes of an earlier start in {self._data} have not ended yet")
            while not running.take("exclusive"):
                tell()
                self._pause()
            self._folder.make(running)

    def _launch(self) -> int | None:
        with self._folder.running() as running:
            return self._folder.launch(running) if running.take("exclusive") else None

    def _end_lingering(self, seconds: float) -> None:
        """Processes live and none listens: a postmaster was killed, or its socket was removed."""
        if seconds > _LINGER:
            raise errors.Unavailable(
                f"PostgreSQL in {self._folder.cluster} does not listen, and its processes do not end:"
                " end them, or those of the container they run in, and try again."
            )
        if seconds > _QUIET:
            cluster_processes.end_survivors(self._folder.cluster, seconds)
            self._pause(0.5)

    def _state(self) -> State:
        """up: answers; busy: starts, recovers or stops; lingering: lives, does not listen; down: none."""
        if not self._folder.cluster.exists():
            return "down"
        address = self._conninfo("postgres", "postgres", connect_timeout=3)
        answer = pq.PGconn.ping(address.encode())
        if answer == pq.Ping.OK:
            return "up"
        if answer == pq.Ping.REJECT or cluster_processes.postmaster(self._address()) is not None:
            return "busy"
        with self._folder.running() as running:
            return "down" if running.take("exclusive") else "lingering"

    def _stop_if_last(self, *, patience: float) -> None:
        with cluster_locks.FileLock(self._data / "postgres.share") as everybody:
            # While this is held, and the turn, nobody can join.
            if everybody.take("exclusive") and self._folder.cluster.exists():
                self._stop(patience)

    def _stop(self, patience: float) -> None:
        """A fast shutdown; after `patience` seconds an immediate one, which loses nothing that was committed.

        A full disk makes it necessary: the last checkpoint of a fast shutdown is then tried for ever.
        """
        begun = time.monotonic()
        tell = self._teller(f"PostgreSQL in {self._folder.cluster} is stopping")
        sent: signal.Signals | None = None
        with self._folder.running() as running:
            while (seconds := time.monotonic() - begun) < patience + _FAST_PATIENCE:
                wanted = signal.SIGINT if seconds < patience else signal.SIGQUIT
                chief = None
                if sent != wanted and (chief := cluster_processes.postmaster(self._address())):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(chief, wanted)
                    sent = wanted
                if chief is None and sent is None:
                    cluster_processes.end_survivors(self._folder.cluster, seconds)
                if running.take("exclusive") and chief != 0:
                    return
                tell()
                time.sleep(_PAUSE if seconds < 1 else 0.2)
        self._say(f"PostgreSQL in {self._folder.cluster} does not end, or another container runs it: it is left.")

    @contextlib.contextmanager
    def _turn(self, *, patience: float | None = None) -> Iterator[None]:
        """The right to start and stop. `_Impatient` if it takes longer than `patience` seconds."""
        with cluster_locks.FileLock(self._data / "postgres.turn") as turn:
            begun = time.monotonic()
            tell = self._teller(f"Another process is starting or stopping PostgreSQL in {self._folder.cluster}")
            while not turn.take("exclusive"):
                if patience is not None and time.monotonic() - begun > patience:
                    raise _Impatient
                tell()
                self._pause()
            yield

    def _teller(self, sentence: str) -> Callable[[], None]:
        begun = told = time.monotonic()

        def tell() -> None:
            nonlocal told
            now = time.monotonic()
            if now - told > (_QUIET if told == begun else 10 * _QUIET):
                told = now
                self._say(f"{sentence} ({now - begun:.0f} s so far).")

        return tell

    def _pause(self, seconds: float = _PAUSE) -> None:
        if self._quit.wait(seconds):
            raise errors.Unavailable(f"The wait for PostgreSQL in {self._folder.cluster} was given up by its caller.")

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            where = problem.filename or self._data
            raise errors.Unavailable(
                f"The database in {self._folder.cluster} can't be used: {problem.strerror} ({where});"
                " see to the folder's rights and the free space on its disk."
            ) from problem


@contextlib.asynccontextmanager
async def joined(data: Path, *, say: Callable[[str], None] = lambda sentence: None) -> AsyncIterator[Cluster]:
    """A member of the cluster in the data folder `data` for the length of the block; see `Cluster`."""
    cluster = Cluster(data, say=say)
    joining = asyncio.ensure_future(asyncio.to_thread(cluster.join))
    try:
        await asyncio.shield(joining)
        yield cluster
    finally:
        cluster._quit.set()  # when cancelled, the thread that joins would go on
        await asyncio.wait([joining])
        await asyncio.to_thread(cluster.leave)


async def ensure(cluster: Cluster) -> None:
    """`Cluster.ensure` without blocking the event loop."""
    await asyncio.to_thread(cluster.ensure)
