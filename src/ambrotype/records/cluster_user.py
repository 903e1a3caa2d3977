"""Who PostgreSQL runs as. It refuses root: then it gets an unprivileged system user of its own."""

import dataclasses
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ambrotype.core import errors

SYSTEM_USER = "ambrotype"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}
"""All that PostgreSQL's programs see of the environment: ours may hold keys, or mislead them (PG*)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An operating system user who owns a cluster."""

    name: str
    uid: int
    gid: int


def choose(data: Path, cluster: Path) -> User:
    """The user for the cluster in `cluster` (there or not yet), inside of the data folder `data`.

    Ourselves; or, as root, the owner of what is there, or else the system user `ambrotype`, made if missing.
    Raises `errors.InvalidSetting` if the cluster belongs to somebody else, or if there can be no such user.
    """
    owner = cluster.stat().st_uid if (cluster / "PG_VERSION").exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise errors.InvalidSetting(
                f"The database in {cluster} belongs to {_called(owner)}: run Ambrotype as that user."
            )
        return _numbered(os.geteuid())
    if owner == 0:
        raise errors.InvalidSetting(
            f"The database in {cluster} belongs to root, and PostgreSQL does not run as root:"
            f" give it to an ordinary user with 'chown -R {SYSTEM_USER} {cluster}'."
        )
    if owner is None:
        owner = data.stat().st_uid
    return _numbered(owner) if owner != 0 else _system_user()


def prefix(user: User, cluster: Path, program: Path) -> list[str]:
    """The words to put before a command so that it runs as `user` and reaches its folder and its program.

    As root, folders above these may be closed to others (a checkout in /root). They are left as they are: the
    process keeps one capability, to pass through folders, where it needs that.
    """
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv", path=ENVIRONMENT["PATH"]) is None:
        raise errors.InvalidSetting(
            "PostgreSQL does not run as root, and 'setpriv' to run it as another user is missing:"
            " install util-linux, or run Ambrotype as an ordinary user."
        )
    trial = ["/bin/sh", "-c", 'cd "$1" && test -w . && test -x "$2" && "$2" --version', "sh"]
    for words in _ways(user):
        if _succeeds([*words, *trial, str(cluster), str(program)]):
            return words
    raise errors.InvalidSetting(
        f"PostgreSQL does not run as root, and its user {user.name} can't reach {cluster} or {program}:"
        " choose a data folder (--data, AMBROTYPE_DATA) and an installation outside of folders closed to"
        " others, or run Ambrotype as an ordinary user."
    )


def _succeeds(command: list[str]) -> bool:
    done = subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, check=False)
    return done.returncode == 0


def _ways(user: User) -> Iterator[list[str]]:
    common = ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups", "--no-new-privs"]
    yield [*common, "--inh-caps=-all"]
    for capability in ("dac_read_search", "dac_override"):  # containers often grant the second only
        # Without no_setuid_fixup the kernel leaves capabilities out of access(), by which postgres finds
        # itself.
        yield [
            *common,
            f"--inh-caps=-all,+{capability}",
            f"--ambient-caps=-all,+{capability}",
            f"--bounding-set=-all,+{capability}",
            "--securebits=+no_setuid_fixup",
        ]


def _numbered(uid: int) -> User:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise errors.InvalidSetting(
            f"PostgreSQL would run as the user number {uid}, who has no name on this machine:"
            " add a line for it to /etc/passwd, or use AMBROTYPE_DATABASE_URL."
        ) from None
    return User(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _called(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return f"user number {uid}"


def _system_user() -> User:
    problem = ""
    for _ in range(20):
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            problem = _add_system_user()
        else:
            return User(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
        if problem:
            time.sleep(0.1)  # another process may be adding it, and holds the lock on /etc/passwd
    raise errors.InvalidSetting(
        f"PostgreSQL does not run as root, and a system user '{SYSTEM_USER}' for it could not be made"
        f" ({problem}): make one with 'useradd --system {SYSTEM_USER}', or run Ambrotype as an ordinary user."
    )


def _add_system_user() -> str:
    """Adds the user; what went wrong, or nothing."""
    command = [
        "useradd",
        "--system",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/bin/false",
    ]
    command.append(SYSTEM_USER)
    try:
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    except OSError as refusal:
        return f"useradd: {refusal.strerror}"
    return (done.stderr.strip() or f"useradd ended with {done.returncode}") if done.returncode else ""
