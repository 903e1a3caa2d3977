"""A real S3 server for tests: Ceph's monitor, one OSD in memory and the gateway, on loopback only.

Tests that use the fixture `ceph` are marked `s3` and share one server: xdist keeps them on one worker.
"""

import base64
import contextlib
import dataclasses
import os
import secrets
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "monmaptool")
_ATTEMPTS = 3
_PATIENCE = 60.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """Credentials of one user of the server."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program needs in its environment to use the server, and not anything else it might find."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


class Ceph:
    """A running server. `stop` kills it: its data are worth nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._conf = folder / "ceph.conf"
        self._running: list[subprocess.Popen[bytes]] = []
        self._fsid = str(uuid.uuid4())
        self.monitor_port, self.port = _free_ports(2)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._conf.write_text(self._configuration())
        keyring = self._folder / "keyring"
        keyring.write_text(_keyring())
        for part in ("mon", "osd", "rgw"):
            (self._folder / part).mkdir()
        monitor = f"[v2:127.0.0.1:{self.monitor_port}]"
        monmap = str(self._folder / "monmap")
        self._run("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", monitor, monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", str(keyring))
        self._spawn("ceph-mon", "-f", "-i", "a")
        osd = str(uuid.uuid4())
        self._run("ceph", "--connect-timeout", "30", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._spawn("ceph-osd", "-f", "-i", "0")
        self.start_gateway()

    def start_gateway(self) -> None:
        """Once more after `kill_gateway`, at the same address and with the same objects."""
        self._gateway = self._spawn("radosgw", "-f", "-n", "client.gateway")
        self._until_it_answers()

    def kill_gateway(self) -> None:
        """SIGKILL for what speaks S3; the objects stay where they are."""
        self._gateway.kill()
        self._gateway.wait()
        self._running.remove(self._gateway)

    def account(self, *, tenant: str | None = None) -> Account:
        """A new user. Those of one tenant share the names of buckets; without one it has the names to itself."""
        access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
        user = ("--tenant", tenant or access_key, "--uid", access_key, "--display-name", "test")
        keys = ("--access-key", access_key, "--secret-key", secret_key)
        self._run("radosgw-admin", "user", "create", *user, *keys)
        return Account(endpoint=self.endpoint, access_key=access_key, secret_key=secret_key)

    def stop(self) -> None:
        for process in reversed(self._running):
            process.kill()
            process.wait()

    def _configuration(self) -> str:
        sections = {
            "global": {
                "fsid": self._fsid,
                "mon host": f"[v2:127.0.0.1:{self.monitor_port}]",
                "mon initial members": "a",
                "public addr": "127.0.0.1",
                "cluster addr": "127.0.0.1",
                "ms bind ipv6": "false",
                "keyring": f"{self._folder}/keyring",
                "auth allow insecure global id reclaim": "false",
                "run dir": str(self._folder),
                "crash dir": str(self._folder),
                "admin socket": "",
                "log file": f"{self._folder}/$name.log",
                "osd pool default size": "1",
                "osd pool default min size": "1",
                "osd pool default pg num": "2",
                "osd pool default pg autoscale mode": "off",
                "osd crush chooseleaf type": "0",
                "mon allow pool size one": "true",
            },
            "mon": {
                "mon data": f"{self._folder}/mon",
                "mon data avail crit": "0",
                "paxos propose interval": "0.05",
                "paxos min wait": "0.01",
            },
            "osd": {
                "osd data": f"{self._folder}/osd",
                "osd objectstore": "memstore",
                "memstore device bytes": "3G",
            },
            "client": {
                "rgw frontends": f"beast endpoint=127.0.0.1:{self.port} tcp_nodelay=1",
                "rgw data": f"{self._folder}/rgw",
                "rgw gc obj min wait": "1",
                "rgw gc processor period": "3",
            },
        }
        return "".join(
            f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())
            for section, settings in sections.items()
        )

    def _command(self, program: str, *arguments: str) -> list[str]:
        if program == "radosgw-admin":
            arguments = ("-n", "client.gateway", *arguments)
        if program == "monmaptool":
            return [program, *arguments]
        return [program, "--conf", str(self._conf), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        with (self._folder / "commands.log").open("ab") as log:
            command = self._command(program, *arguments)
            subprocess.run(command, check=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        # The server must not outlive a test run that was killed.
        command = ["setpriv", "--pdeathsig", "KILL", *self._command(program, *arguments)]
        with (self._folder / f"{program}.log").open("ab") as log:
            self._running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        return self._running[-1]

    def _until_it_answers(self) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(self.endpoint, timeout=5):
                return
            if time.monotonic() > end or any(process.poll() is not None for process in self._running):
                raise OSError(f"Ceph did not start: {_last_words(self._folder)}")
            time.sleep(0.05)


def _keyring() -> str:
    """One key for every part of the cluster, in Ceph's form: type, time of making, length, 16 bytes."""
    key = base64.b64encode(struct.pack("<HIIH", 1, int(time.time()), 0, 16) + secrets.token_bytes(16)).decode()
    rights = "".join(f'caps {part} = "allow *"\n' for part in ("mon", "osd", "mgr"))
    names = ("mon.", "client.admin", "client.gateway", "osd.0")
    return "".join(f"[{name}]\nkey = {key}\n{rights}" for name in names)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _last_words(folder: Path) -> str:
    return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-500:]}" for log in folder.glob("*.log"))


@contextlib.contextmanager
def running() -> Iterator[Ceph]:
    """A server for the time of the block. Another program may take a free port first: tried again."""
    for attempt in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix="ceph-"))
        server = Ceph(folder)
        try:
            try:
                server.start()
            except (OSError, subprocess.SubprocessError):
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            yield server
            return
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _missing() -> list[str]:
    return [program for program in PROGRAMS if shutil.which(program) is None]


@pytest.fixture(scope="session")
def ceph() -> Iterator[Ceph]:
    """The S3 server that all tests share."""
    if missing := _missing():
        sentence = f"No S3 server to test with: {', '.join(missing)} not found; run tests/tools.sh as root."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    with running() as server:
        yield server


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the server, and keeps it together on one worker."""
    for item in items:
        if "ceph" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.s3)
            item.add_marker(pytest.mark.xdist_group("s3"))
