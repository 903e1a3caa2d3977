"""The embedded PostgreSQL, with real processes: members join, leave and are killed, and so is PostgreSQL.

Run as root, all data folders lie under a folder closed to others (0700), as pytest makes them.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from ambrotype.core import errors
from ambrotype.records import cluster_folder, cluster_user, embedded

PROGRAM = """
    import sys
    from pathlib import Path
    from ambrotype.core import errors
    from ambrotype.records import embedded
    import psycopg

    embedded._STOP_PATIENCE = 3
    cluster = embedded.Cluster(Path(sys.argv[1]), say=lambda sentence: print("say", sentence, flush=True))
    def query(sql):
        with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        try:
            answer = query(rest) if word == "query" else getattr(cluster, word)()
            print("done", answer, flush=True)
        except (errors.AmbrotypeError, psycopg.Error) as problem:
            print("failed", type(problem).__name__, str(problem).replace("\\n", " "), flush=True)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class Member:
    """A process that joins when told to."""

    def __init__(self, data: Path, *before: str, path: str = "") -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", textwrap.dedent(PROGRAM), str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )

    def begin(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def end(self) -> str:
        assert self.process.stdout is not None
        while (line := self.process.stdout.readline()).startswith("say"):
            pass
        return line.strip()

    def tell(self, command: str) -> str:
        self.begin(command)
        return self.end()

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.communicate(timeout=60)


def processes(data: Path) -> list[psutil.Process]:
    """PostgreSQL's processes of one data folder, the postmaster first. Zombies have no working directory."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, FileNotFoundError):
            if process.cwd() == str(data.resolve() / "postgres") and "postgres" in Path(process.exe()).name:
                found.append((process.cmdline()[0].startswith("postgres: "), process.pid, process))
    return [process for _, _, process in sorted(found)]


def until(claim: Callable[[], bool]) -> None:
    for _ in range(3000):
        if claim():
            return
        time.sleep(0.02)
    pytest.fail("It did not come to pass within a minute.")


def tidy(data: Path) -> None:
    until(lambda: not [process.kill() for process in processes(data)])
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that has been used and left."""
    data = tmp_path_factory.mktemp("made") / "data"
    cluster = embedded.Cluster(data)
    cluster.join()
    cluster.leave()
    yield data
    tidy(data)


@pytest.fixture
def data(tmp_path: Path, made: Path) -> Iterator[Path]:
    """A copy of a data folder in which nothing runs: quicker than a new cluster."""
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", str(made), str(copy)], check=True)
    yield copy
    tidy(copy)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "new"
    tidy(tmp_path / "new")


@pytest.fixture
def member() -> Iterator[Callable[..., Member]]:
    with contextlib.ExitStack() as stack:

        def start(data: Path, *before: str, path: str = "") -> Member:
            one = Member(data, *before, path=path)
            stack.callback(one.kill)
            return one

        yield start


def ask(cluster: embedded.Cluster, sql: str, role: str = "postgres") -> object:
    with psycopg.connect(cluster.dsn(role), autocommit=True) as connection:
        cursor = connection.execute(sql)  # type: ignore[call-overload]
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_a_new_data_folder_gets_a_durable_utf8_cluster_on_a_socket_only(empty: Path) -> None:
    cluster = embedded.Cluster(empty)
    cluster.join()
    try:
        assert ask(cluster, "select current_database()") == "ambrotype"
        assert ask(cluster, "select rolsuper from pg_roles where rolname = current_user") is True
        expected = {
            "server_encoding": "UTF8",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "jit": "off",
        }
        assert {name: ask(cluster, f"show {name}") for name in expected} == expected
        assert (empty / "postgres").stat().st_mode & 0o777 == 0o700
        ask(cluster, "create role reader login")
        assert ask(cluster, "select current_user", role="reader") == "reader"
    finally:
        cluster.leave()
    assert not processes(empty)
    assert not list(empty.glob("postgres.making-*"))


def test_many_who_join_at_once_make_one_cluster_and_the_last_one_out_stops_it(
    empty: Path, member: Callable[..., Member]
) -> None:
    members = [member(empty) for _ in range(5)]
    for one in members:
        one.begin("join")
    assert [one.end() for one in members] == ["done None"] * 5
    identifiers = {one.tell("query select pg_postmaster_start_time() from pg_control_system()") for one in members}
    assert len(identifiers) == 1
    for one in members[:-1]:
        assert one.tell("leave") == "done None"
    assert members[-1].tell("query select 1") == "done 1"
    assert members[-1].tell("leave") == "done None"
    assert not processes(empty)


def test_all_who_leave_at_once_leave_nothing_running(data: Path, member: Callable[..., Member]) -> None:
    members = [member(data) for _ in range(4)]
    for command in ("join", "leave", "join", "leave"):
        for one in members:
            one.begin(command)
        assert [one.end() for one in members] == ["done None"] * 4
    assert not processes(data)


def test_nobody_stops_under_one_who_joins(data: Path, member: Callable[..., Member]) -> None:
    coming, going = member(data), member(data)
    for _ in range(10):
        assert going.tell("join") == "done None"
        going.begin("leave")
        coming.begin("join")
        assert (going.end(), coming.end()) == ("done None", "done None")
        assert coming.tell("query select 1") == "done 1"
        coming, going = going, coming
        assert going.tell("leave") == "done None"
    assert not processes(data)


def test_a_killed_member_gives_its_share_back(data: Path, member: Callable[..., Member]) -> None:
    killed, other = member(data), member(data)
    killed.tell("join")
    other.tell("join")
    killed.kill()
    assert other.tell("query select 1") == "done 1"
    assert other.tell("leave") == "done None"
    assert not processes(data)


def test_what_a_killed_last_member_left_running_is_found_and_stopped(data: Path, member: Callable[..., Member]) -> None:
    killed, later = member(data), member(data)
    killed.tell("join")
    chief = processes(data)[0].pid
    killed.kill()
    assert later.tell("join") == "done None"
    assert processes(data)[0].pid == chief
    later.tell("leave")
    assert not processes(data)


def test_a_forked_child_does_not_keep_its_parents_share(data: Path) -> None:
    cluster = embedded.Cluster(data)
    cluster.join()
    hold, release = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(release)
        os.read(hold, 1)
        os._exit(0)
    try:
        cluster.leave()
        assert not processes(data)
    finally:
        os.close(release)
        os.waitpid(child, 0)
        os.close(hold)


def test_members_start_a_killed_postgresql_again_once(data: Path, member: Callable[..., Member]) -> None:
    members = [member(data) for _ in range(3)]
    for one in members:
        one.tell("join")
    assert members[0].tell("query create table t as select 7 as n") == "done None"
    processes(data)[0].kill()
    for one in members:
        one.begin("ensure")
    assert [one.end() for one in members] == ["done None"] * 3
    assert len({one.tell("query select pg_postmaster_start_time()") for one in members}) == 1
    assert members[1].tell("query select n from t") == "done 7"


def test_what_was_committed_survives_a_kill_of_everything_during_heavy_writes(
    data: Path, member: Callable[..., Member]
) -> None:
    writer = embedded.Cluster(data)
    writer.join()
    ask(writer, "create table t (n int, filler text)")
    committed = 0

    def write() -> None:
        nonlocal committed
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(writer.dsn("postgres"), autocommit=True) as connection,
        ):
            for n in range(1, 100_000):
                connection.execute("insert into t select %s, repeat('x', 1000) from generate_series(1, 200)", [n])
                committed = n

    thread = threading.Thread(target=write)
    thread.start()
    until(lambda: committed > 50)
    for process in processes(data):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    thread.join()
    writer.ensure()
    rows = ask(writer, f"select count(*) from t where n <= {committed}")
    writer.leave()
    assert rows == committed * 200


def test_processes_that_outlive_their_postmaster_are_ended(data: Path) -> None:
    cluster = embedded.Cluster(data)
    cluster.join()
    busy = psycopg.connect(cluster.dsn("postgres"), autocommit=True)
    failures: list[BaseException] = []

    def compute() -> None:
        try:
            busy.execute("do $$ begin loop end loop; end $$")
        except psycopg.Error as problem:
            failures.append(problem)

    thread = threading.Thread(target=compute)
    thread.start()
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as other:
        until(lambda: other.execute("select 1 from pg_stat_activity where query like 'do $$%'").rowcount == 1)
    processes(data)[0].kill()
    until(lambda: len(processes(data)) == 1)
    cluster.ensure()
    thread.join()
    busy.close()
    assert failures
    assert ask(cluster, "select 1") == 1
    cluster.leave()


def test_a_removed_socket_does_not_lead_to_a_second_postmaster(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = embedded.Cluster(data)
    cluster.join()
    chief = processes(data)[0]
    (data / "postgres" / ".s.PGSQL.5432").unlink()
    monkeypatch.setattr(embedded, "_LINGER", 0.5)
    with pytest.raises(errors.Unavailable, match="does not listen"):
        cluster.ensure()
    assert processes(data)[0] == chief
    chief.send_signal(signal.SIGINT)
    until(lambda: not processes(data))
    cluster.ensure()
    assert ask(cluster, "select 1") == 1
    cluster.leave()


def test_a_stale_pid_file_that_names_a_living_stranger_is_no_obstacle(
    data: Path, member: Callable[..., Member]
) -> None:
    cluster = embedded.Cluster(data)
    cluster.join()
    owner = (data / "postgres").owner()
    pid_file = data / "postgres" / "postmaster.pid"
    left = pid_file.read_text()
    for process in processes(data):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    until(lambda: not processes(data))
    stranger = subprocess.Popen(["sleep", "600"], user=owner if os.geteuid() == 0 else None)
    try:
        pid_file.write_text(left.replace(left.split("\n")[0], str(stranger.pid), 1))
        cluster.ensure()
        assert ask(cluster, "select 1") == 1
        cluster.leave()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_maker_killed_in_the_middle_leaves_nothing_in_the_way(empty: Path, member: Callable[..., Member]) -> None:
    for _ in range(3):
        maker = member(empty)
        maker.begin("join")
        until(lambda: any(empty.glob("postgres.making-*/global")))
        maker.kill()
        assert not (empty / "postgres").exists()
    later = member(empty)
    assert later.tell("join") == "done None"
    assert later.tell("query select 1") == "done 1"
    assert not list(empty.glob("postgres.making-*"))
    later.tell("leave")


def test_a_cluster_that_lost_a_part_is_never_made_anew(data: Path) -> None:
    (data / "postgres" / "PG_VERSION").unlink()
    before = sorted((data / "postgres").rglob("*"))
    with pytest.raises(errors.InvalidSetting, match="gone or damaged"):
        embedded.Cluster(data).join()
    (data / "postgres.made").unlink()
    with pytest.raises(errors.InvalidSetting, match="not a complete PostgreSQL cluster"):
        embedded.Cluster(data).join()
    assert sorted((data / "postgres").rglob("*")) == before


def test_a_cluster_that_is_not_mounted_is_never_made_anew(data: Path) -> None:
    (data / "postgres").rename(data / "elsewhere")
    (data / "postgres").mkdir()
    with pytest.raises(errors.InvalidSetting, match="mount or restore it"):
        embedded.Cluster(data).join()
    assert list((data / "postgres").iterdir()) == []


def test_a_cluster_of_another_version_is_refused(data: Path) -> None:
    (data / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(errors.InvalidSetting, match="made by PostgreSQL 17"):
        embedded.Cluster(data).join()


def test_a_failing_start_tells_postgresqls_last_words_and_leaves_nobody_waiting(data: Path) -> None:
    control = data / "postgres" / "global" / "pg_control"
    control.rename(control.with_name("away"))
    cluster = embedded.Cluster(data)
    with pytest.raises(errors.Unavailable, match=r"did not start: .*pg_control.*its log is .*postgres\.log"):
        cluster.join()
    control.with_name("away").rename(control)
    cluster.join()
    assert ask(cluster, "select 1") == 1
    cluster.leave()


def test_a_deep_data_folder_with_a_comma_works(tmp_path: Path, made: Path, member: Callable[..., Member]) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90) / "a,b c"
    deep.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", str(made), str(deep)], check=True)
    first, second = member(deep), member(deep)
    try:
        assert first.tell("join") == "done None"
        assert second.tell("join") == "done None"
        assert first.tell("leave") == "done None"
        assert second.tell("query select current_database()") == "done ambrotype"
        second.tell("leave")
        assert not processes(deep)
    finally:
        tidy(deep)


def test_variables_of_the_environment_lead_nowhere_else(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "nowhere")
    cluster = embedded.Cluster(data)
    cluster.join()
    assert ask(cluster, "select current_database()") == "ambrotype"
    cluster.leave()


def test_postgresql_gets_neither_our_terminal_nor_our_environment(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMBROTYPE_SECRET_KEY", "hidden")
    cluster = embedded.Cluster(data)
    cluster.join()
    chief = processes(data)[0]
    assert os.getsid(chief.pid) != os.getsid(0)
    assert chief.terminal() is None
    assert "AMBROTYPE_SECRET_KEY" not in chief.environ()
    cluster.leave()


def test_a_long_log_is_moved_aside(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_folder, "LOG_BYTES", 10)
    cluster = embedded.Cluster(data)
    cluster.join()
    assert "ready to accept connections" in (data / "postgres.log.1").read_text()
    assert (data / "postgres.log").stat().st_size < (data / "postgres.log.1").stat().st_size * 3
    cluster.leave()


def test_statements_and_their_values_stay_out_of_the_log(data: Path) -> None:
    cluster = embedded.Cluster(data)
    cluster.join()
    ask(cluster, "create table t (url text primary key)")
    ask(cluster, "insert into t values ('https://signed.example/?sig=1')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        ask(cluster, "insert into t values ('https://signed.example/?sig=1')")
    cluster.leave()
    assert "duplicate key" in (data / "postgres.log").read_text()
    assert "signed.example" not in (data / "postgres.log").read_text()


def test_only_a_member_can_ensure_and_anybody_can_leave(data: Path) -> None:
    cluster = embedded.Cluster(data)
    cluster.leave()
    with pytest.raises(ValueError, match="join first"):
        cluster.ensure()


async def test_the_async_way_joins_ensures_and_leaves(data: Path) -> None:
    async with embedded.joined(data) as cluster:
        processes(data)[0].kill()
        await embedded.ensure(cluster)
        async with await psycopg.AsyncConnection.connect(cluster.dsn("postgres")) as connection:
            cursor = await connection.execute("select 1")
            assert await cursor.fetchone() == (1,)
    assert not processes(data)


def test_one_who_waits_for_the_turn_can_be_called_off(data: Path, member: Callable[..., Member]) -> None:
    cluster = embedded.Cluster(data)
    with cluster._turn():
        waiting = embedded.Cluster(data)
        problems: list[errors.Unavailable] = []

        def join() -> None:
            try:
                waiting.join()
            except errors.Unavailable as problem:
                problems.append(problem)

        thread = threading.Thread(target=join)
        thread.start()
        until(waiting._mutex.locked)
        waiting.leave()
        thread.join()
    assert "given up" in str(problems[0])
    assert not processes(data)


@as_root
def test_as_root_it_runs_as_a_user_without_rights_beyond_passing_folders(data: Path) -> None:
    parents = {folder: folder.stat().st_mode for folder in data.parents}
    cluster = embedded.Cluster(data)
    cluster.join()
    chief = processes(data)[0]
    assert chief.username() == cluster_user.SYSTEM_USER
    status = Path(f"/proc/{chief.pid}/status").read_text()
    assert "CapEff:\t0000000000000004\n" in status  # CAP_DAC_READ_SEARCH: the folder above is closed to others
    assert "CapBnd:\t0000000000000004\n" in status
    assert "NoNewPrivs:\t1\n" in status
    cluster.leave()
    assert {folder: folder.stat().st_mode for folder in data.parents} == parents


closed_checkout = any(not folder.stat().st_mode & 0o001 for folder in cluster_folder.program("postgres").parents)


@pytest.mark.skipif(closed_checkout, reason="the programs lie in a folder closed to others")
@as_root
def test_as_root_it_has_no_rights_at_all_where_folders_are_open(made: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        data = Path(name) / "data"
        subprocess.run(["cp", "-a", str(made), str(data)], check=True)
        data.chmod(0o755)
        cluster = embedded.Cluster(data)
        cluster.join()
        status = Path(f"/proc/{processes(data)[0].pid}/status").read_text()
        assert "CapEff:\t0000000000000000\n" in status
        cluster.leave()


@as_root
def test_as_root_its_programs_may_lie_in_a_closed_folder(
    empty: Path, tmp_path: Path, member: Callable[..., Member]
) -> None:
    package = cluster_folder.program("postgres").parents[2]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("pginstall", "include"))
    one = member(empty, path=str(closed))
    assert one.tell("join") == "done None"
    assert processes(empty)[0].exe().startswith(str(closed))
    assert one.tell("leave") == "done None"


@as_root
@pytest.mark.parametrize("dropped", ["-dac_read_search", "-dac_read_search,-setpcap"])
def test_as_root_with_the_rights_of_a_container(data: Path, member: Callable[..., Member], dropped: str) -> None:
    one = member(data, "setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}")
    answer = one.tell("join")
    if "setpcap" in dropped:
        assert answer.startswith("failed InvalidSetting")
        assert "choose a data folder" in answer
    else:
        assert answer == "done None"
        assert one.tell("query select 1") == "done 1"
        one.tell("leave")
    assert not processes(data)


def _as_nobody(*more: str) -> list[str]:
    """Another user, who can read this checkout wherever it lies; nothing else is added unless named."""
    entry = pwd.getpwnam("nobody")
    rights = ",".join(["-all", "+dac_read_search", *more])
    words = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    return [*words, f"--inh-caps={rights}", f"--ambient-caps={rights}", "--securebits=+no_setuid_fixup"]


@as_root
def test_an_ordinary_user_has_it_under_their_own_name_and_root_may_help(
    member: Callable[..., Member],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        shutil.chown(name, "nobody")
        data = Path(name) / "data"
        one = member(data, *_as_nobody())
        assert one.tell("join") == "done None"
        assert processes(data)[0].username() == "nobody"
        root = embedded.Cluster(data)
        root.join()
        processes(data)[0].kill()
        root.ensure()
        assert processes(data)[0].username() == "nobody"
        assert one.tell("query select 1") == "done 1"
        assert one.tell("leave") == "done None"
        root.leave()
        assert not processes(data)
        assert {path.owner() for path in data.iterdir()} == {"nobody"}


@as_root
def test_other_users_of_the_machine_do_not_get_in(data: Path) -> None:
    cluster = embedded.Cluster(data)
    cluster.join()
    psql = [str(cluster_folder.program("psql")), "-w", "-c", "select 1", cluster.dsn("postgres")]
    kept_out = subprocess.run([*_as_nobody(), *psql], capture_output=True, text=True, check=False)
    assert "Permission denied" in kept_out.stderr
    at_the_door = subprocess.run([*_as_nobody("+dac_override"), *psql], capture_output=True, text=True, check=False)
    assert "Peer authentication failed" in at_the_door.stderr
    cluster.leave()


@as_root
def test_a_stranger_is_told_whose_database_it_is(data: Path, member: Callable[..., Member]) -> None:
    answer = member(data, *_as_nobody("+dac_override")).tell("join")
    assert answer.startswith("failed InvalidSetting")
    assert f"belongs to {cluster_user.SYSTEM_USER}" in answer


@as_root
@pytest.mark.parametrize("size", ["1m", "20m", "60m"])
def test_a_full_disk_is_one_clear_sentence(tmp_path: Path, member: Callable[..., Member], size: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size={size} none "$0" && exec "$@"', str(disk)]
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("may not mount")
    one = member(disk, *mount)
    answer = one.tell("join")
    if answer == "done None":
        answer = one.tell("query create table t as select repeat('x', 1000) from generate_series(1, 100000)")
        assert answer.startswith("failed DiskFull")
        assert one.tell("leave") == "done None"
        assert not processes(disk)
    else:
        assert answer.startswith("failed Unavailable")
        assert "No space left on device" in answer
